#!/bin/sh
# Looks at the status page in a headless Chromium (Debian's package, driven by npm's playwright-core):
# services are killed, and the page has to show it. `make console-tests` runs it.
#
# `install`: only installs what it needs. SHOTS: a folder for screenshots; none are kept without it.
set -eu
cd "$(dirname "$0")/.."
version=1.65.1
folder="${CARGO_TARGET_DIR:-target}/tools/console"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
missing=""
browser=$(command -v chromium || command -v google-chrome || true)
[ -n "$browser" ] || missing="$missing chromium"
command -v npm >/dev/null || missing="$missing nodejs npm"
fc-list 2>/dev/null | grep -q . || missing="$missing fonts-dejavu-core fontconfig"
# shellcheck disable=SC2086
sh tests/packages.sh $missing
[ -d "$folder/node_modules/playwright-core" ] ||
    npm install --prefix "$folder" --no-fund --no-audit --silent "playwright-core@$version"
[ "${1-}" != install ] || exit 0

profile="${PROFILE:-ci}"
# As the tests build it, so that it is compiled once.
cargo test --workspace --locked --profile "$profile" --no-run --quiet
program="${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")/busbar"
program=$(cd "$(dirname "$program")" && pwd)/busbar
CHROMIUM="${browser:-/usr/bin/chromium}" exec node --no-warnings tests/console.mjs "$program" "$folder"
