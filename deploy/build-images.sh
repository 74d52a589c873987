#!/bin/sh
# Builds the images busbar-gateway … busbar-webhooks, and busbar for all nine in one; they share all of
# their layers.
#
# The program is compiled in a container. BIN_FROM=prebuilt compiles it on this machine instead (Linux
# with glibc), for which no image has to be pulled. PROGRAM=path takes one that is compiled already; the
# libraries that it is linked with come along.
set -eu
cd "$(dirname "$0")/.."
docker="${DOCKER:-docker}"
program="${PROGRAM:-}"
bin_from="${BIN_FROM:-${program:+prebuilt}}"
bin_from="${bin_from:-builder}"
profile="${PROFILE:-release}"
version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)"
BUSBAR_COMMIT="${BUSBAR_COMMIT:-$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)}"
export BUSBAR_COMMIT

if [ "$bin_from" = prebuilt ]; then
    if [ -z "$program" ]; then
        machine="$(rustc -vV | sed -n 's/^host: //p')"
        RUSTFLAGS="-C target-feature=+crt-static" \
            cargo build --profile "$profile" --locked --bin busbar --target "$machine"
        program="${CARGO_TARGET_DIR:-target}/$machine/$profile/busbar"
    fi
    BUSBAR_COMMIT="$("$program" version | sed 's/.*(commit \([^,]*\),.*/\1/')"
    rm -rf deploy/dist
    mkdir -p deploy/dist/etc/ssl/certs
    if command -v strip >/dev/null; then strip -o deploy/dist/busbar "$program"; else cp "$program" deploy/dist/; fi
    # A static program has none.
    ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "deploy/dist$(dirname "$library")"
        cp -L "$library" "deploy/dist$library"
    done
    cp /etc/ssl/certs/ca-certificates.crt deploy/dist/etc/ssl/certs/
    echo 'busbar:x:10001:10001::/data:/sbin/nologin' >deploy/dist/etc/passwd
fi

image() { # name, what it hosts
    DOCKER_BUILDKIT=1 "$docker" build --quiet --file deploy/Dockerfile --tag "$1" \
        --build-arg "BIN_FROM=$bin_from" --build-arg "PROFILE=$profile" --build-arg "SERVICE=$2" \
        --build-arg "VERSION=$version" --build-arg "BUSBAR_COMMIT=$BUSBAR_COMMIT" . >/dev/null
    echo "$1"
}
for service in gateway users payments billing notifications documents utilities analytics webhooks; do
    image "busbar-$service" "$service"
done
image busbar ""
