#!/bin/sh
# The gateway beside nginx doing the same job in the same run: requests a second, latency and CPU
# per request, medians of interleaved rounds. Then memory and time to listening of all nine.
#
#   ROUNDS=3 SECONDS_EACH=5 CONNECTIONS=64 sh benches/run.sh
set -eu
cd "$(dirname "$0")/.."
rounds="${ROUNDS:-3}" seconds="${SECONDS_EACH:-5}" connections="${CONNECTIONS:-64}"

missing=""
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing="$missing nginx-light"
command -v wrk >/dev/null || missing="$missing wrk"
if [ -n "$missing" ]; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi
nginx=$(command -v nginx || echo /usr/sbin/nginx)
cargo build --release --locked
busbar="${CARGO_TARGET_DIR:-target}/release/busbar"

work=$(mktemp -d)
pids=""
cleanup() {
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT INT TERM

# The upstream: one worker, an answer of 1 KiB. The peer: two workers with kept connections.
answer=$(head -c 1000 /dev/zero | tr '\0' 'x')
common="daemon off; error_log $work/error.log; pid $work/%s.pid; events { worker_connections 4096; }"
printf "worker_processes 1; $common\nhttp { access_log off; keepalive_requests 100000000; server { listen 127.0.0.1:18080 backlog=4096; location / { default_type application/json; return 200 '{\"x\":\"%s\"}'; } } }\n" upstream "$answer" > "$work/upstream.conf"
printf "worker_processes 2; $common\nhttp { access_log off; keepalive_requests 100000000; client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work; upstream u { server 127.0.0.1:18080; keepalive 128; keepalive_requests 100000000; } server { listen 127.0.0.1:18081 backlog=4096; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header X-Forwarded-For \$remote_addr; } } }\n" peer > "$work/peer.conf"
"$nginx" -c "$work/upstream.conf" & pids="$pids $!"
"$nginx" -c "$work/peer.conf" & peer=$!; pids="$pids $peer"
env -i API_GATEWAY_PORT=18082 API_GATEWAY_WORKERS=2 PAYMENT_SERVICE_URL=http://127.0.0.1:18080 BUSBAR_LOG=error \
    "$busbar" start --services gateway --data "$work/data" > /dev/null & gateway=$!; pids="$pids $gateway"

until curl -sf -o /dev/null http://127.0.0.1:18082/api/payments/x; do sleep 0.1; done
until curl -sf -o /dev/null http://127.0.0.1:18081/payments/x; do sleep 0.1; done

# User and system time of a process and its children, in clock ticks.
ticks() {
    for pid in "$1" $(pgrep -P "$1" || true); do cat "/proc/$pid/stat"; done |
        sed 's/.*) //' | awk '{ sum += $12 + $13 } END { print sum + 0 }'
}
per_second=$(getconf CLK_TCK)
# One run: prints "requests/s p99 CPU-us-per-request".
measure() {
    before=$(ticks "$2")
    wrk -t1 -c"$connections" -d"${seconds}s" --latency "$3" > "$work/wrk"
    after=$(ticks "$2")
    requests=$(awk '/requests in/ { print $1 }' "$work/wrk")
    awk -v ticks=$((after - before)) -v hz="$per_second" -v n="$requests" -v name="$1" '
        /Requests\/sec/ { rps = $2 } /99%/ { p99 = $2 } /Non-2xx/ { bad = $NF }
        END { printf "%s %.0f %s %.1f %s\n", name, rps, p99, ticks / hz * 1e6 / n, bad + 0 }' "$work/wrk"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

measure warm "$gateway" http://127.0.0.1:18082/api/payments/x > /dev/null
measure warm "$peer" http://127.0.0.1:18081/payments/x > /dev/null
round=0
while [ "$round" -lt "$rounds" ]; do
    measure gateway "$gateway" http://127.0.0.1:18082/api/payments/x
    measure nginx "$peer" http://127.0.0.1:18081/payments/x
    round=$((round + 1))
done > "$work/results"

echo "GET through a proxy, $connections connections, $rounds rounds of $seconds s, medians:"
for name in nginx gateway; do
    rps=$(awk -v n="$name" '$1 == n { print $2 }' "$work/results" | median)
    cpu=$(awk -v n="$name" '$1 == n { print $4 }' "$work/results" | median)
    p99=$(awk -v n="$name" '$1 == n { print $3 }' "$work/results" | sort | head -n $(((rounds + 1) / 2)) | tail -n 1)
    bad=$(awk -v n="$name" '$1 == n { sum += $5 } END { print sum + 0 }' "$work/results")
    printf '  %-8s %7s requests/s   p99 %-8s %6s us CPU/request   %s not 2xx\n' "$name" "$rps" "$p99" "$cpu" "$bad"
    eval "${name}_rps=$rps ${name}_cpu=$cpu"
done
awk -v a="$gateway_rps" -v b="$nginx_rps" -v c="$gateway_cpu" -v d="$nginx_cpu" \
    'BEGIN { printf "  gateway / nginx: %.2f requests/s, %.2f CPU/request\n", a / b, c / d }'
sh benches/idle.sh "$busbar"
