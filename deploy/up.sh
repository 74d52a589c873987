#!/bin/sh
# Starts in containers what COMPOSE_PROFILES of deploy/.env names, and waits until all of it is ready.
#
# COMPOSE is the command, DOCKER the other one. SCALE="payments=2 billing=2" starts so many instances of
# services; whatever it does not name has one.
set -eu
cd "$(dirname "$0")/.."
docker="${DOCKER:-docker}"
compose="${COMPOSE:-docker compose} -f deploy/compose.yml --env-file deploy/.env"
wait_seconds=120

sh deploy/prepare.sh
setting() { sed -n "s/^$1=//p" deploy/.env | tail -1; }
profiles="${COMPOSE_PROFILES-$(setting COMPOSE_PROFILES)}"
has() { case ",$profiles," in *",$1,"*) true ;; *) false ;; esac; }
if has split && has all-in-one; then
    echo "COMPOSE_PROFILES=$profiles names both split and all-in-one: please choose one" >&2
    exit 1
elif has split; then
    services="users payments billing notifications documents utilities analytics webhooks gateway"
    image=busbar-gateway
elif has all-in-one; then
    services=busbar image=busbar
else
    echo "COMPOSE_PROFILES=$profiles names neither split nor all-in-one" >&2
    exit 1
fi
"$docker" image inspect "$image" >/dev/null 2>&1 || sh deploy/build-images.sh
scale=""
for each in ${SCALE:-}; do scale="$scale --scale $each"; done
# shellcheck disable=SC2086
$compose up -d $scale

for service in $services; do
    # shellcheck disable=SC2086
    for container in $($compose ps -q "$service"); do
        until [ "$("$docker" inspect --format '{{.State.Health.Status}}' "$container")" = healthy ]; do
            wait_seconds=$((wait_seconds - 1))
            if [ "$wait_seconds" -le 0 ]; then
                echo "$service is not ready; the last it said:" >&2
                "$docker" logs --tail 20 "$container" >&2
                exit 1
            fi
            sleep 1
        done
    done
done
port="${PUBLISH_PORT:-$(setting PUBLISH_PORT)}"
echo "All nine services are ready: http://127.0.0.1:${port:-3000}/health"
echo "The administrator is admin@localhost, the password is in deploy/secrets/admin_password."
