#!/bin/sh
# Starts everything in containers and waits until all services are ready.
#
# COMPOSE is the command, DOCKER the other one.
set -eu
cd "$(dirname "$0")/.."
docker="${DOCKER:-docker}"
compose="${COMPOSE:-docker compose} -f deploy/compose.yml --env-file deploy/.env"
wait_seconds=120

sh deploy/prepare.sh
"$docker" image inspect busbar-gateway >/dev/null 2>&1 || sh deploy/build-images.sh
$compose up -d

services="users payments billing notifications documents utilities analytics webhooks gateway"
for service in $services; do
    # shellcheck disable=SC2086
    container="$($compose ps -q "$service")"
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
echo "All nine services are ready: http://127.0.0.1:3000/health. Prometheus is on 9090, Grafana on 3010."
echo "The administrator is admin@localhost; the passwords are in deploy/.env."
