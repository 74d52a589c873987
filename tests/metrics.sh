#!/bin/sh
# Lets a real Prometheus scrape all nine services under a load with errors in it, and asks it everything
# that rules and dashboards ask: all of it must have an answer. Before that: the rules' own tests, and
# what promtool has to say about the metrics. `make metrics-tests` runs it.
# `install`: only installs what it needs.
set -eu
cd "$(dirname "$0")/.."
{ command -v prometheus && command -v promtool; } >/dev/null || sh tests/packages.sh prometheus
sh tests/python.sh
[ "${1-}" != install ] || exit 0
folder=$(mktemp -d)
busbar="" prometheus=""
cleanup() {
    for process in $prometheus $busbar; do kill "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' INT TERM


promtool check config deploy/prometheus.yml
promtool check rules deploy/rules/*.yml
promtool test rules deploy/rules/tests/*.yml

built=$(mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
python="$built/tools/python/bin/python"
profile="${PROFILE:-ci}"
# As the tests build it, so that it is compiled once.
cargo test --workspace --locked --profile "$profile" --no-run --quiet
program="$built/$([ "$profile" = dev ] && echo debug || echo "$profile")/busbar"

# Ports that nothing else of a usual machine has.
base=$((20000 + $$ % 10000))
export BUSBAR_ADMIN_EMAIL=admin@example.org BUSBAR_ADMIN_PASSWORD="a long sentence nobody guesses"
export API_GATEWAY_PORT=$base BUSBAR_FAULT_INJECTION=true BUSBAR_LOG_FORMAT=json BUSBAR_LOG=info
port=$base
for variable in USER PAYMENT BILLING NOTIFICATION DOCUMENT UTILITY ANALYTICS WEBHOOK; do
    port=$((port + 1))
    export "${variable}_SERVICE_PORT=$port"
done
# One more route, behind which nobody is: the breaker has something to do.
printf '[[gateway.routes]]\nprefix = "/nobody"\nupstreams = ["http://127.0.0.1:1"]\n' >"$folder/busbar.toml"
"$program" start --config "$folder/busbar.toml" --data "$folder/data" >"$folder/log" 2>&1 &
busbar=$!

"$python" tests/metrics.py config "$base" <deploy/prometheus.yml >"$folder/prometheus.yml"
promtool check config "$folder/prometheus.yml" >/dev/null
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/series" \
    --enable-feature=exemplar-storage --web.listen-address="127.0.0.1:$((base + 9))" \
    >"$folder/prometheus.log" 2>&1 &
prometheus=$!

"$python" tests/metrics.py ask "$base" "$folder" || {
    tail -n 20 "$folder/prometheus.log" "$folder/log" >&2
    exit 1
}
kill -0 "$busbar" && kill -0 "$prometheus"
