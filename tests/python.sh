#!/bin/sh
# Installs the Python packages that tests measure Busbar against, and only what is missing, into a
# folder of their own beside what cargo builds. `tests/it/support/python.rs` finds them there.
set -eu
cd "$(dirname "$0")/.."

# One a line, with its version.
packages="aiosmtpd==1.4.6
standardwebhooks==1.1.0
svix==1.96.1
trustme==1.2.1"

folder="${CARGO_TARGET_DIR:-target}/tools/python"
[ "$(cat "$folder/installed" 2>/dev/null)" != "$packages" ] || exit 0

# Debian has the module that makes such folders, with the pip in them, in a package apart.
if ! python3 -c "import ensurepip, venv" 2>/dev/null; then
    if ! command -v apt-get >/dev/null; then
        echo "The tests need Python 3 with venv: please install it by this system's own means." >&2
        exit 1
    fi
    as_root=""
    [ "$(id -u)" = 0 ] || as_root="sudo"
    $as_root apt-get update -q
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends python3 python3-venv
fi
[ -x "$folder/bin/pip" ] || python3 -m venv --clear "$folder"
echo "$packages" | xargs "$folder/bin/pip" install -q --disable-pip-version-check
echo "$packages" >"$folder/installed"
