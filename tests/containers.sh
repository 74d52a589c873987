#!/bin/sh
# Tries the containers for real: builds the images, starts everything in a project of its own, pays a
# bill through the gateway, looks at how the containers are shut in; under a load kills each in turn and
# has two instances of a service for a while (tests/containers.py); stops them, starts all nine in one
# container, and removes all of it but the images.
#
# Needs root, Python 3 and the free port 3000 (or PUBLISH_PORT), with Prometheus and Grafana 9090 and 3010;
# installs Docker (apt) where there is none, and starts its daemon for as long as this runs. promtool is
# used where there is one. Where images cannot be pulled: PROGRAM=path of a compiled busbar, or
# BIN_FROM=prebuilt; POSTGRES_IMAGE=busbar-test-postgres, which is made here when it is not there;
# COMPOSE_PROFILES=split leaves out Prometheus and Grafana. Where containers cannot be started at all this
# fails, unless BUSBAR_CI_WITHOUT_CONTAINERS=1 says that it need not be tried. `install`: only installs.
set -eu
cd "$(dirname "$0")/.."
scratch="$(mktemp -d)"
daemon="" events=""
had_settings="$(ls deploy/.env 2>/dev/null || true)"
has() { for program; do command -v "$program" >/dev/null || return 1; done; }
if ! has "${DOCKER:-docker}" dockerd docker-compose && [ "$(id -u)" = 0 ]; then
    sh tests/packages.sh docker.io docker-compose >"$scratch/packages" 2>&1 || tail -5 "$scratch/packages" >&2
fi
if [ "${1-}" = install ]; then
    rm -rf "$scratch"
    exit 0
fi
# The distribution's own client first: another may fall back to a builder that pulls what is not used.
[ ! -x /usr/bin/docker ] || PATH="/usr/bin:/usr/sbin:$PATH"
docker="${DOCKER:-docker}"
if [ -z "${COMPOSE:-}" ]; then
    COMPOSE="$docker compose"
    $COMPOSE version >/dev/null 2>&1 || COMPOSE=docker-compose
fi
export PATH COMPOSE COMPOSE_PROJECT_NAME=busbar-test DOCKER="$docker"
# On a machine that is busy with other things answers are late; that is not what is tried here.
export GATEWAY_REQUEST_TIMEOUT_MS=20000
export COMPOSE_PROFILES="${COMPOSE_PROFILES-split,observability}" PUBLISH_PORT="${PUBLISH_PORT:-3000}"
compose="$COMPOSE -f deploy/compose.yml --env-file deploy/.env"
gateway="http://127.0.0.1:$PUBLISH_PORT"
services="gateway users payments billing notifications documents utilities analytics webhooks"

say() { printf '== %s\n' "$*"; }
fail() {
    printf 'deploy: %s\n' "$*" >&2
    exit 1
}
field() { grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4; } # the first text of that name in JSON
eventually() { # what, in seconds, a command
    tries="$2" what="$1"
    shift 2
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || fail "$what"
        sleep 1
    done
}
is_up() { curl -sS "$gateway/health" 2>/dev/null | grep '"overall":"UP"' >/dev/null; }
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
end() {
    code=$?
    [ -z "$events" ] || kill "$events" 2>/dev/null || true
    # shellcheck disable=SC2086
    [ ! -e deploy/.env ] || COMPOSE_PROFILES=split,all-in-one,observability $compose down -v >/dev/null 2>&1 || true
    if [ -n "$daemon" ]; then
        kill "$daemon" && wait "$daemon" || true
    fi
    [ -n "$had_settings" ] || rm -rf deploy/.env deploy/secrets
    rm -rf "$scratch"
    exit "$code"
}
trap end EXIT
trap 'exit 143' INT TERM
if ! "$docker" info >/dev/null 2>&1; then
    say "the daemon of Docker, for as long as this runs"
    dockerd >"$scratch/dockerd.log" 2>&1 &
    daemon=$!
    tries=60
    until "$docker" info >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ "$tries" -le 0 ] || ! kill -0 "$daemon" 2>/dev/null; then
            tail -5 "$scratch/dockerd.log" >&2 || true
            if [ "${BUSBAR_CI_WITHOUT_CONTAINERS:-}" = 1 ]; then
                say "NOT TRIED: no container can be started here, and BUSBAR_CI_WITHOUT_CONTAINERS=1 allows that"
                exit 0
            fi
            fail "no container can be started here; BUSBAR_CI_WITHOUT_CONTAINERS=1 would leave this out"
        fi
        sleep 0.5
    done
fi
if [ "${POSTGRES_IMAGE:-}" = busbar-test-postgres ] && ! "$docker" image inspect busbar-test-postgres >/dev/null 2>&1; then
    say "an image of this machine's PostgreSQL"
    DOCKER="$docker" sh tests/postgres-image.sh
fi

say "images, and everything up"
make -s docker-build DOCKER="$docker" >/dev/null
"$docker" events --filter event=start --filter event=health_status \
    --format '{{.TimeNano}} {{.Actor.Attributes.name}} {{.Action}}' >"$scratch/events" &
events=$!
make -s docker-up DOCKER="$docker" COMPOSE="$COMPOSE" 2>"$scratch/up.log" || { cat "$scratch/up.log" >&2; fail "not up"; }

say "every service is up by its own word and the gateway's"
for service in $services; do
    container="$($compose ps -q "$service")"
    "$docker" exec "$container" /busbar health | grep "^$service: ready" >/dev/null || fail "$service is not ready"
done
eventually "the gateway does not find all of them up" 30 is_up

say "a bill is paid"
admin_password="$(cat deploy/secrets/admin_password)"
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
    grafana_password="$(cat deploy/secrets/grafana_password)"
    for board in busbar-overview busbar-gateway busbar-service busbar-runtime busbar-money; do
        curl -sS --fail-with-body --retry 20 --retry-delay 2 --retry-all-errors --output /dev/null \
            --user "admin:$grafana_password" "http://127.0.0.1:3010/api/dashboards/uid/$board" || fail "$board"
    done
fi

say "the containers are shut in, and nobody reads secrets from their settings"
is_shut_in() { # service, its ports on this machine
    facts="$("$docker" inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.State.Health.Status}} {{.RestartCount}} {{range .HostConfig.PortBindings}}{{len .}}{{end}}' "$($compose ps -q "$1")")"
    [ "$facts" = "10001:10001 true [ALL] healthy 0 $2" ] || fail "$1: $facts"
}
for service in $services; do
    is_shut_in "$service" "$([ "$service" != gateway ] || echo 1)"
done
# shellcheck disable=SC2046
"$docker" inspect $($compose ps -q) >"$scratch/settings"
for file in deploy/secrets/*; do
    secret="$(sed 's|^postgresql://[^:]*:||; s|@.*||' "$file")"
    [ -z "$secret" ] || ! grep -F -e "$secret" "$scratch/settings" >/dev/null || fail "$file is among the settings of a container"
done

say "under a load each is killed in turn, and payments has two instances for a while"
python3 tests/containers.py try
eventually "the gateway does not find all of them up" 30 is_up
curl -sS "$gateway/api/bills/$bill" -H "authorization: Bearer $alice" | grep '"status":"paid"' >/dev/null || fail "the payment is lost"

say "what each takes"
python3 tests/containers.py table "$scratch/events"

say "everything stops by itself"
$compose stop >/dev/null 2>&1
for service in $services; do
    code="$("$docker" inspect --format '{{.State.ExitCode}}' "$($compose ps -a -q "$service")")"
    [ "$code" = 0 ] || fail "$service ended with $code"
done
$compose down >/dev/null 2>&1

say "all nine in one container, with SQLite in a volume"
export COMPOSE_PROFILES=all-in-one
make -s docker-up DOCKER="$docker" COMPOSE="$COMPOSE" 2>"$scratch/up.log" || { cat "$scratch/up.log" >&2; fail "not up"; }
is_shut_in busbar 1
eventually "the gateway does not find all of them up" 30 is_up
bob='"email":"bob@example.org","password":"a bill a day keeps the dark away"'
post /api/users "{$bob,\"name\":\"Bob\"}" >/dev/null
post /api/auth/login "{\"email\":\"admin@localhost\",\"password\":\"$admin_password\"}" >/dev/null || fail "the administrator has another password"
$compose up -d --force-recreate >/dev/null 2>&1
eventually "it does not come back" 30 is_up
post /api/auth/login "{$bob}" >/dev/null || fail "the volume has lost Bob"
said="$("$docker" run --rm --read-only busbar 2>&1)" && fail "it starts with no place for its data"
echo "$said" | grep -F 'the data directory /data cannot be written' >/dev/null || fail "with no place for its data it says: $said"
say "the containers do what they should"
