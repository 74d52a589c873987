#!/bin/sh
# Installs what the tests need beside cargo, and only what is missing: PostgreSQL, PgBouncer, and
# the Python packages of `python.sh`. The servers run as private ones of the tests; nothing of the
# system's is used or changed.
set -eu
sh "$(dirname "$0")/python.sh"

missing=""
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || command -v postgres >/dev/null || missing="$missing postgresql"
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
# shellcheck disable=SC2086
sh "$(dirname "$0")/packages.sh" $missing
