#!/bin/sh
# Run the tests, and afterwards, with the machine to themselves, those that judge how long something takes.
set -eu

python="$(dirname "$0")/../.venv/bin/python"
failed=0
"$python" -m pytest -n "${WORKERS:-3}" -m "not timing" "$@" || failed=1
"$python" -m pytest -m timing "$@" || failed=1
exit $failed
