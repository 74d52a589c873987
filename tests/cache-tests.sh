#!/bin/sh
# Runs the public suite for HTTP caches (npm: http-cache-tests) against a route of the gateway, and says
# how many of its tests pass. Fails when a required one does that is not named in `expected` below.
set -eu
cd "$(dirname "$0")/.."
version=0.4.5
folder="${CARGO_TARGET_DIR:-target}/tools/cache-tests"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
suite="$folder/node_modules/http-cache-tests"
command -v npm >/dev/null || sh tests/packages.sh nodejs npm
[ -d "$suite" ] || npm install --prefix "$folder" --no-fund --no-audit --silent "http-cache-tests@$version"

profile="${PROFILE:-ci}"
cargo build --locked --profile "$profile"
program="${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")/busbar"
program=$(cd "$(dirname "$program")" && pwd)/busbar
work=$(mktemp -d)
busbar="" origin=""
cleanup() {
    for pid in $busbar $origin; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT INT TERM

# Ports that nothing else of a usual machine has.
port=$((30000 + $$ % 10000))
cat >"$work/settings.toml" <<SETTINGS
[[gateway.routes]]
prefix = "/"
upstreams = ["http://127.0.0.1:$((port + 1))"]
cache = "shared"
SETTINGS
(cd "$suite" && exec env npm_config_protocol=http npm_config_port=$((port + 1)) npm_config_pidfile="$work/pid" \
    node --no-warnings server/server.mjs) >"$work/origin.log" 2>&1 &
origin=$!
API_GATEWAY_PORT=$port BUSBAR_LOG=off "$program" start --services gateway \
    --config "$work/settings.toml" --data "$work/data" >"$work/log" 2>&1 &
busbar=$!
curl -s --retry 60 --retry-connrefused --retry-delay 1 -o /dev/null "http://127.0.0.1:$port/health/live"
(cd "$suite" && npm_config_base="http://127.0.0.1:$port" npm_config_id="" npm_package_config_id="" node --no-warnings cli.mjs) >"$work/results.json"
node --no-warnings tests/cache-tests.mjs "$suite" "$work/results.json"
