#!/bin/sh
# Installs Debian packages. A server among them is not started: tests run their own ones.
#
#   sh tests/packages.sh NAME...
set -eu
[ $# -gt 0 ] || exit 0
if ! command -v apt-get >/dev/null; then
    echo "Needed and not here: $*. Please install it by this system's own means." >&2
    exit 1
fi
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
# Scripts that run beside one another wait for their turn.
exec 9>"${TMPDIR:-/tmp}/busbar-packages-$(id -u).lock"
flock 9
# Debian would set up a PostgreSQL of its own; one that exists already stays as it is.
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    $as_root mkdir -p /etc/postgresql-common
    echo "create_main_cluster = false" | $as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
# The one server whose package asks nobody before it starts.
case " $* " in
*" prometheus "*) [ ! -d /run/systemd/system ] || $as_root systemctl mask --quiet prometheus.service ;;
esac
$as_root apt-get -o DPkg::Lock::Timeout=300 update -q
$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -o DPkg::Lock::Timeout=300 install -q -y \
    --no-install-recommends "$@"
