#!/bin/sh
# Make .venv hold exactly what requirements.lock names.
set -eu
cd "$(dirname "$0")/.."
lock=requirements.lock

pinned() { awk -v name="$1" 'index($0, name "==") == 1 { inside = 1 } inside { print } inside && !/\\$/ { exit }' "$lock"; }
without_esl() { awk '/^python-esl==/ { inside = 1 } !inside { print } inside && !/\\$/ { inside = 0 }' "$lock"; }
sync() { .venv/bin/uv pip sync --quiet --python .venv/bin/python "$1"; }

if [ ! -x .venv/bin/python ] && ! "${PYTHON:-python3}" -m venv .venv; then
    rm -rf .venv
    echo "Python could not make a virtual environment; on Debian: apt-get install python3-venv" >&2
    exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if [ ! -x .venv/bin/uv ]; then
    pinned uv > "$scratch/uv.lock"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$scratch/uv.lock"
fi

if ! sync "$lock"; then
    if [ -n "${CI:-}" ]; then
        exit 1
    fi
    without_esl > "$scratch/requirements.lock"
    sync "$scratch/requirements.lock"
    cat >&2 <<'EOF'

  **************************************************************************
  *  python-ESL could NOT be built, so it is NOT installed.                *
  *  It needs a C++ compiler and Python's headers (Debian: g++             *
  *  python3-dev); then: rm -r .venv && make setup                         *
  *  Everything else works: the native ESL backend is the default.         *
  **************************************************************************

EOF
fi
touch .venv/.synced
