#!/bin/sh
# Install what only tests need of the machine: a browser and a PostgreSQL server.
set -eu

have_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
have_postgres() { command -v postgres || ls /usr/lib/postgresql/*/bin/postgres; }

missing=""
have_browser > /dev/null 2>&1 || missing="$missing chromium"
have_postgres > /dev/null 2>&1 || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "Installing for the tests:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    # A cluster of the distribution's own would only take memory: the tests start theirs.
    mkdir -p /etc/postgresql-common/createcluster.d
    echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/tests.conf
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing > /dev/null
else
    printf '\n  ****  Not on this machine:%s. What needs it is SKIPPED.  ****\n\n' "$missing" >&2
    [ -z "${CI:-}" ]
fi
