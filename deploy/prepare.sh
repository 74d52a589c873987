#!/bin/sh
# Makes what an installation in containers needs of its own, and only what is not there yet: deploy/.env
# with its settings; in deploy/secrets the passwords, the URLs of the databases with theirs, and the key
# that signs calls between the services.
#
# Passwords that an earlier version kept in deploy/.env are moved into those files.
set -eu
cd "$(dirname "$0")"
umask 077

random() { od -An -vtx1 -N24 /dev/urandom | tr -d ' \n'; }

# Replaces a file as a whole. What is mounted into containers is read by another user there, so it has to
# be readable itself; the folder keeps others on this machine out.
put() { # file, mode; the text comes from the standard input
    cat >"$1.draft"
    chmod "$2" "$1.draft"
    mv "$1.draft" "$1"
}

# A setting of .env, without the quotes that may be around it.
setting() { sed -n "s/^$1=//p" .env | tail -1 | sed "s/^'\(.*\)'\$/\1/; s/^\"\(.*\)\"\$/\1/"; }

# A secret: as .env has it, from an earlier version, or what is given. One that is there stays.
secret() { # file, its variable in .env, the text around it, otherwise
    found="$(setting "$2")"
    text="${found:-$4}"
    if [ ! -e "secrets/$1" ]; then
        printf '%s\n' "${text:+$(printf "$3" "$text")}" | put "secrets/$1" 644
    elif [ -n "$found" ] && [ "$(cat "secrets/$1")" != "$(printf "$3" "$found")" ]; then
        echo "deploy/.env: $2 is not what deploy/secrets/$1 says, which counts: please remove it from .env" >&2
        exit 1
    fi
}

[ -e .env ] || put .env 600 <<'TEXT'
# The settings of compose.yml. Made once, never committed: keep a copy of it, and of secrets/.
#
# Every variable that compose.yml names may be set here: PUBLISH_ADDRESS, PUBLISH_PORT,
# GATEWAY_REQUEST_TIMEOUT_MS, DB_CONNECTION_LIMIT and so on.
#
# Passwords are in secrets/. PostgreSQL took those of the services from there when its volume was made. To
# change one later, change it there too: ALTER ROLE users PASSWORD '…'
COMPOSE_PROJECT_NAME=busbar
# split: nine containers and PostgreSQL; or all-in-one: one container with SQLite files.
# observability: Prometheus and Grafana besides; leave out what is not wanted.
COMPOSE_PROFILES=split,observability
TEXT

mkdir -p secrets
[ -e secrets/service.key ] || head -c 32 /dev/urandom | base64 | put secrets/service.key 644
secret postgres_password POSTGRES_PASSWORD %s "$(random)"
secret admin_password BUSBAR_ADMIN_PASSWORD %s "$(random)"
secret grafana_password GRAFANA_PASSWORD %s "$(random)"
# Empty until there is a mail server that wants one.
secret smtp_password BUSBAR_SMTP_PASSWORD %s ""
for service in users payments billing notifications documents utilities analytics webhooks; do
    variable="$(echo "$service" | tr '[:lower:]' '[:upper:]')_DB_PASSWORD"
    secret "${service}_database_url" "$variable" "postgresql://$service:%s@postgres/$service" "$(random)"
done

moved='^\(POSTGRES_PASSWORD\|[A-Z]*_DB_PASSWORD\|BUSBAR_ADMIN_PASSWORD\|BUSBAR_SMTP_PASSWORD\|GRAFANA_PASSWORD\)='
if grep -q "$moved" .env; then
    grep -v "$moved" .env | put .env 600
    echo "The passwords of deploy/.env are in deploy/secrets now." >&2
fi
# Before there were these two, there was only the split.
if ! setting COMPOSE_PROFILES | grep -Eq '(^|,)(split|all-in-one)(,|$)'; then
    others="$(setting COMPOSE_PROFILES)"
    { grep -v '^COMPOSE_PROFILES=' .env; echo "COMPOSE_PROFILES=split${others:+,$others}"; } | put .env 600
fi
