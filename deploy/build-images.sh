#!/bin/sh
# Builds the nine images busbar-gateway … busbar-webhooks; they share all of their layers.
#
# The program is compiled in a container. BIN_FROM=prebuilt compiles it on this machine instead (Linux
# with glibc), for which no image has to be pulled.
set -eu
cd "$(dirname "$0")/.."
docker="${DOCKER:-docker}"
bin_from="${BIN_FROM:-builder}"
profile="${PROFILE:-release}"

if [ "$bin_from" = prebuilt ]; then
    machine="$(rustc -vV | sed -n 's/^host: //p')"
    RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --profile "$profile" --locked --bin busbar --target "$machine"
    mkdir -p deploy/dist
    cp "${CARGO_TARGET_DIR:-target}/$machine/$profile/busbar" deploy/dist/
    cp /etc/ssl/certs/ca-certificates.crt deploy/dist/
    echo 'busbar:x:10001:10001::/data:/sbin/nologin' >deploy/dist/passwd
fi

for service in gateway users payments billing notifications documents utilities analytics webhooks; do
    DOCKER_BUILDKIT=1 "$docker" build --quiet --file deploy/Dockerfile --tag "busbar-$service" \
        --build-arg "BIN_FROM=$bin_from" --build-arg "PROFILE=$profile" --build-arg "SERVICE=$service" . >/dev/null
    echo "busbar-$service"
done
