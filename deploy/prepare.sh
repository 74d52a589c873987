#!/bin/sh
# Makes the secrets of an installation in containers, those that are not there yet: deploy/.env with
# the passwords, deploy/secrets/service.key with the key that signs calls between the services.
set -eu
cd "$(dirname "$0")"
umask 077

random() { od -An -vtx1 -N24 /dev/urandom | tr -d ' \n'; }

if [ ! -e .env ]; then
    cat >.env <<'TEXT'
# The settings of compose.yml. Made once, never committed: keep a copy of it.
#
# Besides these, every variable that compose.yml names may be set here: PUBLISH_ADDRESS,
# GATEWAY_REQUEST_TIMEOUT_MS, DB_CONNECTION_LIMIT and so on.
#
# PostgreSQL took the passwords when its volume was made. To change one later, change it there too:
# ALTER ROLE users PASSWORD '…'
COMPOSE_PROJECT_NAME=busbar
# Prometheus and Grafana; leave out what is not wanted.
COMPOSE_PROFILES=prometheus,grafana
TEXT
fi
for name in POSTGRES_PASSWORD USERS_DB_PASSWORD PAYMENTS_DB_PASSWORD BILLING_DB_PASSWORD \
    NOTIFICATIONS_DB_PASSWORD DOCUMENTS_DB_PASSWORD UTILITIES_DB_PASSWORD ANALYTICS_DB_PASSWORD \
    WEBHOOKS_DB_PASSWORD BUSBAR_ADMIN_PASSWORD GRAFANA_PASSWORD; do
    grep -q "^$name=" .env || echo "$name=$(random)" >>.env
done

# The folder keeps others on this machine out. The file is mounted into containers whose user is
# another one, so it has to be readable itself.
mkdir -p secrets
if [ ! -e secrets/service.key ]; then
    head -c 32 /dev/urandom | base64 >secrets/service.key.draft
    chmod 644 secrets/service.key.draft
    mv secrets/service.key.draft secrets/service.key
fi
