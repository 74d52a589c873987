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
python3 -c "import ensurepip, venv" 2>/dev/null || sh tests/packages.sh python3 python3-venv
[ -x "$folder/bin/pip" ] || python3 -m venv --clear "$folder"
echo "$packages" | xargs "$folder/bin/pip" install -q --disable-pip-version-check
echo "$packages" >"$folder/installed"
