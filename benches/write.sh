#!/bin/sh
# Puts a file between the markers of a page.
#
#   sh benches/write.sh TABLE PAGE
set -eu
begin='<!-- measured: begin -->' end='<!-- measured: end -->'
grep -qF "$begin" "$2" && grep -qF "$end" "$2" || { echo "$2 has no markers" >&2; exit 1; }
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -v begin="$begin" -v end="$end" -v table="$1" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { inside = 1; while ((getline line < table) > 0) print line }' "$2" > "$new"
cat "$new" > "$2"
