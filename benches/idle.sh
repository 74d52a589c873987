#!/bin/sh
# Memory and time to listening of all nine services idle in one process; medians of five starts.
#
#   sh benches/idle.sh target/release/busbar
set -eu
busbar="$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
now() { date +%s%N; }
# One start on a data directory that exists, as every start but the first finds it.
"$busbar" migrate --data "$work/data" > /dev/null
for round in 1 2 3 4 5; do
    rm -f "$work/out"
    start=$(now)
    env -i BUSBAR_LOG=error "$busbar" start --data "$work/data" > "$work/out" & pid=$!
    until grep -q 'webhooks' "$work/out" 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || { echo "it did not start: are its ports taken?" >&2; exit 1; }
        sleep 0.002
    done
    listening=$((($(now) - start) / 1000000))
    sleep 3
    resident=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
    threads=$(awk '/Threads/ { print $2 }' "/proc/$pid/status")
    kill "$pid"
    wait "$pid" || true
    echo "$listening $resident $threads"
done > "$work/results"
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
printf 'Idle, all nine in one process: listening after %s ms, %s MB resident, %s threads\n' \
    "$(awk '{ print $1 }' "$work/results" | median)" \
    "$(awk '{ printf "%.1f\n", $2 / 1024 }' "$work/results" | median)" \
    "$(awk '{ print $3 }' "$work/results" | median)"
