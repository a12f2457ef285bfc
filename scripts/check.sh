#!/bin/sh
# Look at everything that a machine can review, and go on to the end however much is wrong.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
failed=""

run() {
    title=$1
    shift
    printf '== %s\n' "$title"
    "$@" || failed="$failed $title;"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
as_deployed() {
    env -u DATABASE_URL -u CCPORTAL_SECRET_KEY -u CCPORTAL_DEBUG \
        CCPORTAL_DATA_DIR="$scratch" CCPORTAL_HTTPS=1 CCPORTAL_ALLOWED_HOSTS=calls.example.com "$@"
}

run "format" $bin/ruff format --check --quiet .
run "lint" $bin/ruff check --quiet .
run "types" $bin/mypy
run "layers" $bin/lint-imports --no-cache
run "lock" $bin/python scripts/lock_is_current.py
run "static files" as_deployed $bin/python manage.py collectstatic --noinput --verbosity 0
run "deploy" as_deployed $bin/python -W error manage.py check --deploy --fail-level WARNING
run "migrations" as_deployed $bin/python manage.py makemigrations --check --dry-run

if [ -n "$failed" ]; then
    printf '\nNot in order:%s\n' "${failed%;}" >&2
    exit 1
fi
printf '\nAll in order.\n'
