#!/bin/sh
# Busbar beside nginx, HAProxy, Varnish and a Node.js gateway, doing the same in one run.
#
#   sh benches/run.sh                                    everything, about 15 minutes after the build
#   CASES="proxy-get cache-key" PEERS="busbar nginx" ROUNDS=1 SECONDS_EACH=2 PAGE= sh benches/run.sh
#
# For each case of cases.txt all servers are started anew and measured in turn, ROUNDS times, every
# other round in the opposite order. CONNECTIONS overrides those of the case. Medians of the rounds
# are printed and written between the markers of PAGE; an empty PAGE is not written.
# `busbar` is a route with everything that is on by default, `busbar-bare` one with all guards off,
# `relay` is what actix-web and awc cost with nothing around them (servers/relay.rs).
set -eu
cd "$(dirname "$0")/.."
ROUNDS="${ROUNDS:-3}" SECONDS_EACH="${SECONDS_EACH:-5}" CONNECTIONS="${CONNECTIONS:-}"
CASES="${CASES:-$(awk '/^[a-z]/ { print $1 }' benches/cases.txt | tr '\n' ' ')}"
PEERS="${PEERS:-busbar busbar-bare relay nginx haproxy varnish node}"
PORTS="${PORTS:-18080}" PAGE="${PAGE-docs/benchmarks.md}"
ulimit -n 16384 2> /dev/null || echo "open files: $(ulimit -n) only" >&2

. benches/install.sh
. benches/about.sh
if [ -z "${BUSBAR:-}" ]; then
    cargo build --release --locked
    BUSBAR="${CARGO_TARGET_DIR:-target}/release/busbar"
fi
busbar="$BUSBAR"
if takes_part relay && [ -z "${RELAY:-}" ]; then
    cargo build --release --locked --example relay
    RELAY="${CARGO_TARGET_DIR:-target}/release/examples/relay"
fi
relay="${RELAY:-}"

. benches/servers.sh
work=$(mktemp -d)
trap 'end_all; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
upstream_port="$PORTS"
kibibyte=$(head -c 1016 /dev/zero | tr '\0' x)
mkdir "$work/answers"
{ printf '{"x":"'; head -c 102392 /dev/zero | tr '\0' x; printf '"}'; } > "$work/answers/large"

# load SECONDS URL KEYS BODY CONNECTIONS: one line of figures.
load() {
    wrk -t1 -c"$5" -d"${1}s" --timeout 10s -s benches/load.lua "$2" -- "$3" "$4" > "$work/wrk"
    awk '/^RESULT/ { print $2, $3, $4, $5, $6 }' "$work/wrk"
}

# Until each key has been asked for: a second, two, four and so on.
warm_up() {
    for seconds in 1 2 4 8 16 32; do
        requests=$(load "$seconds" "$@" | cut -d ' ' -f 1)
        [ "$requests" -lt "$2" ] || break
    done
}

# measure CASE PEER PID URL KEYS BODY CONNECTIONS: a line for the table.
measure() {
    warm_up "$4" "$5" "$6" "$7"
    before=$(ticks "$3")
    figures=$(load "$SECONDS_EACH" "$4" "$5" "$6" "$7")
    spent=$(($(ticks "$3") - before))
    echo "$1 $2 $figures $spent $(peak "$3")" | tee -a "$work/results" >&2
}

reversed() { printf '%s\n' "$@" | awk '{ line = $0 " " line } END { print line }'; }

# in_case NAME WHAT PATH KEYS BODY CONNECTIONS
in_case() {
    start_upstream
    await "http://127.0.0.1:$upstream_port/bench/small"
    servers=""
    for peer in $PEERS; do
        # What is kept passes no guards: one line of Busbar says it all; and the relay keeps nothing.
        case "$2-$peer" in kept-busbar-bare | kept-relay) continue ;; esac
        start "$peer"
        pids="$pids $!"
        servers="$servers $peer:$!"
    done
    for server in $servers; do await "$(url_of "${server%:*}" "$2" "$3")"; done
    round=0
    while [ "$round" -lt "$ROUNDS" ]; do
        for server in $servers; do
            url=$(url_of "${server%:*}" "$2" "$3")
            measure "$1" "${server%:*}" "${server#*:}" "$url" "$4" "$5" "$6"
        done
        servers=$(reversed $servers)
        round=$((round + 1))
    done
    end_all
}

for name in $CASES; do
    line=$(awk -v name="$name" '$1 == name { print $2, $3, $4, $5, $6 }' benches/cases.txt)
    [ -n "$line" ] || { echo "no case $name in benches/cases.txt" >&2; exit 1; }
    set -- $line
    in_case "$name" "$1" "$2" "$3" "$4" "${CONNECTIONS:-$5}"
done

{
    about
    awk -v clock="$(getconf CLK_TCK)" -f benches/table.awk benches/cases.txt "$work/results"
    sh benches/idle.sh "$busbar"
} > "$work/table"
cat "$work/table"
[ -z "$PAGE" ] || sh benches/write.sh "$work/table" "$PAGE"
