#!/bin/sh
# Asks every service what its API description allows, and much that it does not (schemathesis): no
# answer may be a 5xx, and none may differ from the description. `make fuzz` runs it.
#
# EXAMPLES: how many requests for each endpoint, 50 if not said. SEED: repeats a run.
set -eu
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
cleanup() {
    [ -z "${busbar:-}" ] || kill "$busbar" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT INT TERM

sh tests/python.sh
built=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
tools="$built/tools/python/bin"
[ -x "$tools/schemathesis" ] || "$tools/pip" install -q --disable-pip-version-check schemathesis==4.32.5
profile="${PROFILE:-ci}"
cargo build --locked --profile "$profile"
program="$built/$([ "$profile" = dev ] && echo debug || echo "$profile")/busbar"

# Ports that nothing else of a usual machine has.
base=$((20000 + $$ % 10000))
export BUSBAR_ADMIN_EMAIL=admin@example.org BUSBAR_ADMIN_PASSWORD="a long sentence nobody guesses"
export API_GATEWAY_PORT=$base WEBHOOK_ALLOW_CIDRS=127.0.0.0/8
services="users payments billing notifications documents utilities analytics webhooks"
port=$base
for variable in USER PAYMENT BILLING NOTIFICATION DOCUMENT UTILITY ANALYTICS WEBHOOK; do
    port=$((port + 1))
    export "${variable}_SERVICE_PORT=$port"
done
"$program" start --config config/test.toml --data "$folder/data" >"$folder/log" 2>&1 &
busbar=$!
gateway="http://127.0.0.1:$base"
curl -s --retry 60 --retry-connrefused --retry-delay 1 -o /dev/null "$gateway/health"

# What is asked may end a session: each service is asked with a token of its own.
token() {
    curl -sS --fail --retry 30 --retry-all-errors --retry-delay 1 "$gateway/api/auth/login" \
        -H 'content-type: application/json' \
        -d "{\"email\":\"$BUSBAR_ADMIN_EMAIL\",\"password\":\"$BUSBAR_ADMIN_PASSWORD\"}" |
        sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}

failed=""
port=$base
for service in $services; do
    port=$((port + 1))
    echo "== $service"
    # It keeps what it finds in the folder it runs in.
    (cd "$folder" && exec "$tools/schemathesis" run "http://127.0.0.1:$port/openapi.json" --no-color \
        --header "Authorization: Bearer $(token)" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-50}" \
        --request-timeout 30 ${SEED:+--seed "$SEED"}) >"$folder/report" 2>&1 || failed="$failed $service"
    sed -n '/FAILURES/,/^Warnings/p; /generated/p; /^Seed/p' "$folder/report"
done
kill -0 "$busbar" || { tail -n 50 "$folder/log"; echo "the program has ended" >&2; exit 1; }
[ -z "$failed" ] || { echo "not as described:$failed" >&2; exit 1; }
