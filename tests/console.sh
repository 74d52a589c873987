#!/bin/sh
# Looks at the status page in a headless Chromium (Debian's package, driven by npm's playwright-core):
# services are killed, and the page has to show it. `make console-tests` runs it.
#
# SHOTS: a folder for screenshots; none are kept without it.
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
if [ -n "$missing" ]; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get -o DPkg::Lock::Timeout=300 update -q
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y \
        --no-install-recommends $missing
fi
[ -d "$folder/node_modules/playwright-core" ] ||
    npm install --prefix "$folder" --no-fund --no-audit --silent "playwright-core@$version"

profile="${PROFILE:-ci}"
# As the tests build it, so that it is compiled once.
cargo test --workspace --locked --profile "$profile" --no-run --quiet
program="${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")/busbar"
program=$(cd "$(dirname "$program")" && pwd)/busbar
CHROMIUM="${browser:-/usr/bin/chromium}" exec node --no-warnings tests/console.mjs "$program" "$folder"
