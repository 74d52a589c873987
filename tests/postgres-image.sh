#!/bin/sh
# Makes the image busbar-test-postgres of this machine's PostgreSQL (Debian's), for trials of
# deploy/compose.yml where the official one cannot be pulled. It takes the password from the same
# variable, and scripts from the same folder.
set -eu
docker="${DOCKER:-docker}"
server="$(ls -d /usr/lib/postgresql/*/ | sort -V | tail -1)"
share="/usr/share/postgresql/$(basename "$server")"
root="$(mktemp -d)"
trap 'rm -rf "$root"' EXIT

put() { # files, each to where it is here, with the libraries it needs
    for file in "$@"; do
        mkdir -p "$root$(dirname "$file")"
        cp -L "$file" "$root$file"
        ldd "$file" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$root$(dirname "$library")"
            [ -e "$root$library" ] || cp -L "$library" "$root$library"
        done
    done
}
put "$server"bin/postgres "$server"bin/initdb "$server"bin/pg_ctl "$server"bin/psql "$server"bin/pg_isready \
    "$server"lib/plpgsql.so "$server"lib/dict_snowball.so "$server"lib/euc2004_sjis2004.so
for tool in sh cat chmod ls; do put "/bin/$tool"; done
put "$(find /lib /usr/lib -name 'libnss_files.so.2' | head -1)"
mkdir -p "$root$share" "$root/etc" "$root/tmp" "$root/var/run/postgresql" "$root/docker-entrypoint-initdb.d" \
    "$root/var/lib/postgresql/data" "$root/usr/share/zoneinfo"
cp -rL "$share"/. "$root$share"
cp -r /usr/share/zoneinfo/Etc /usr/share/zoneinfo/UTC "$root/usr/share/zoneinfo/"
echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' >"$root/etc/passwd"
echo 'postgres:x:999:' >"$root/etc/group"
cat >"$root/entrypoint.sh" <<'SCRIPT'
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    chmod 700 "$PGDATA"
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" --auth-host=scram-sha-256 --auth-local=trust -E UTF8 --locale=C
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses=''" start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        . "$script"
    done
    pg_ctl -w stop
fi
exec "$@" -c listen_addresses='*'
SCRIPT
chmod 755 "$root/entrypoint.sh" "$root"
chmod 1777 "$root/tmp"
chown -R 999:999 "$root/var/lib/postgresql" "$root/var/run/postgresql"
tar -C "$root" -c . | "$docker" import \
    --change "ENV PATH=${server}bin:/bin:/usr/bin PGDATA=/var/lib/postgresql/data" \
    --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'CMD ["postgres"]' --change 'USER 999:999' \
    --change 'VOLUME /var/lib/postgresql/data' - busbar-test-postgres >/dev/null
echo busbar-test-postgres
