#!/bin/sh
# Tries the containers for real: builds the images, starts everything in a project of its own, pays a
# bill through the gateway, looks at how the containers are shut in, stops them, and removes all of it.
#
# Needs Docker (as root), curl and the free ports 3000-3010 and 9090; promtool is used where there is one. Where
# images cannot be pulled: BIN_FROM=prebuilt POSTGRES_IMAGE=busbar-test-postgres (postgres-image.sh),
# COMPOSE_PROFILES= to leave out Prometheus and Grafana.
set -eu
cd "$(dirname "$0")/.."
docker="${DOCKER:-docker}"
COMPOSE="${COMPOSE:-$docker compose}"
export COMPOSE COMPOSE_PROJECT_NAME=busbar-test
compose="$COMPOSE -f deploy/compose.yml --env-file deploy/.env"
gateway=http://127.0.0.1:3000
services="gateway users payments billing notifications documents utilities analytics webhooks"

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'deploy: %s\n' "$*" >&2
    exit 1
}
field() { grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4; } # the first text of that name in JSON
post() { # path, body, further arguments of curl
    path="$1" body="$2"
    shift 2
    curl -sS --fail-with-body "$gateway$path" -H 'content-type: application/json' -d "$body" "$@"
}

if command -v promtool >/dev/null; then
    say "what Prometheus reads"
    promtool check config deploy/prometheus.yml
    promtool test rules deploy/rules/tests/*.yml
else
    say "NOT checked, there is no promtool: deploy/prometheus.yml, deploy/rules"
fi
"$docker" info >/dev/null 2>&1 || fail "there is no Docker to try the containers with"
trap '$compose down -v >/dev/null 2>&1' EXIT

say "images, and everything up"
make docker-build DOCKER="$docker"
make docker-up DOCKER="$docker" COMPOSE="$COMPOSE"

say "every service is up by its own word and the gateway's"
for port in 3001 3002 3003 3004 3005 3006 3007 3008; do
    curl -sS --fail-with-body "http://127.0.0.1:$port/health" | grep '"status":"UP"' >/dev/null || fail "port $port"
    curl -sS --fail-with-body "http://127.0.0.1:$port/metrics/prometheus" | grep '^busbar_' >/dev/null || fail "metrics of $port"
done
tries=30
until curl -sS "$gateway/health" | grep '"overall":"UP"' >/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "the gateway says: $(curl -sS "$gateway/health")"
    sleep 1
done

say "a bill is paid"
admin_password="$(sed -n 's/^BUSBAR_ADMIN_PASSWORD=//p' deploy/.env)"
admin="$(post /api/auth/login "{\"email\":\"admin@localhost\",\"password\":\"$admin_password\"}" | field access_token)"
alice='"email":"alice@example.org","password":"a bill a day keeps the dark away"'
alice_id="$(post /api/users "{$alice,\"name\":\"Alice\"}" | field id)"
alice="$(post /api/auth/login "{$alice}" | field access_token)"
bill="$(post /api/bills "{\"user_id\":\"$alice_id\",\"provider_id\":\"grid\",\"currency\":\"USD\",\"due_on\":\"2099-12-31\",
    \"period\":{\"start\":\"2026-11-01\",\"end\":\"2026-12-01\"},
    \"lines\":[{\"kind\":\"fixed\",\"description\":\"Electricity\",\"amount_minor\":4496}]}" \
    -H "authorization: Bearer $admin" | field id)"
post "/api/bills/$bill/issue" '{}' -H "authorization: Bearer $admin" -H 'idempotency-key: issue' >/dev/null
post /api/payments "{\"bill_id\":\"$bill\",\"amount_minor\":4496,\"currency\":\"USD\",\"method\":{\"type\":\"sim\",\"token\":\"tok_ok\"}}" \
    -H "authorization: Bearer $alice" -H 'idempotency-key: pay' | grep '"status":"succeeded"' >/dev/null || fail "not paid"
tries=20
until curl -sS "$gateway/api/bills/$bill" -H "authorization: Bearer $alice" | grep '"status":"paid"' >/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "the bill does not hear of its payment"
    sleep 0.5
done
curl -sS "$gateway/api/admin/invariants" -H "authorization: Bearer $admin" | grep '"ok":true' >/dev/null || fail "the books do not balance"

if [ -n "$($compose ps -q prometheus 2>/dev/null)" ]; then
    say "Prometheus hears all nine"
    tries=30
    until curl -sS 'http://127.0.0.1:9090/api/v1/query?query=sum(up)' | grep '"9"' >/dev/null; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$(curl -sS 'http://127.0.0.1:9090/api/v1/query?query=up')"
        sleep 1
    done
fi
if [ -n "$($compose ps -q grafana 2>/dev/null)" ]; then
    say "Grafana has its dashboards"
    grafana_password="$(sed -n 's/^GRAFANA_PASSWORD=//p' deploy/.env)"
    for board in busbar-overview busbar-gateway busbar-service busbar-runtime busbar-money; do
        curl -sS --fail-with-body --retry 20 --retry-delay 2 --retry-all-errors --output /dev/null \
            --user "admin:$grafana_password" "http://127.0.0.1:3010/api/dashboards/uid/$board" || fail "$board"
    done
fi

say "the containers are shut in"
for service in $services; do
    container="$($compose ps -q "$service")"
    facts="$("$docker" inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.State.Health.Status}} {{.RestartCount}}' "$container")"
    [ "$facts" = "10001:10001 true [ALL] healthy 0" ] || fail "$service: $facts"
done

say "one is killed and comes back; the others serve on"
"$docker" exec "$($compose ps -q billing)" /busbar health
kill -KILL "$("$docker" inspect --format '{{.State.Pid}}' "$($compose ps -q billing)")"
curl -sS --fail-with-body "$gateway/api/users/$alice_id" -H "authorization: Bearer $alice" >/dev/null
tries=60
until curl -sS "$gateway/api/bills/$bill" -H "authorization: Bearer $alice" | grep '"status":"paid"' >/dev/null; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || fail "billing does not come back"
    sleep 0.5
done

say "everything stops by itself"
$compose stop >/dev/null 2>&1
for service in $services; do
    code="$("$docker" inspect --format '{{.State.ExitCode}}' "$($compose ps -a -q "$service")")"
    [ "$code" = 0 ] || fail "$service ended with $code"
done
say "the containers do what they should"
