# Says where and with what was measured. Sourced by run.sh.

first_number() { grep -o '[0-9][0-9.]*[0-9]' | head -n 1; }
locked() { grep -A 1 "^name = \"$1\"\$" Cargo.lock | tail -n 1 | first_number; }
version_of() {
    case "$1" in
    busbar) "$busbar" version | first_number ;;
    nginx) "$(path_of nginx)" -v 2>&1 | first_number ;;
    haproxy) "$(path_of haproxy)" -v | first_number ;;
    varnish) "$(path_of varnishd)" -V 2>&1 | first_number ;;
    node) echo "$(node --version) with express and axios" ;;
    relay) echo "of actix-web $(locked actix-web) and awc $(locked awc)" ;;
    esac
}

about() {
    processor=$(awk -F ': ' '/model name/ { print $2; exit }' /proc/cpuinfo)
    memory=$(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)
    versions=""
    for peer in $PEERS; do
        [ "$peer" = busbar-bare ] || versions="$versions, $peer $(version_of "$peer")"
    done
    echo "Measured on $(date -u +%Y-%m-%d) on $(nproc) cores of ${processor:-$(uname -m)}, $memory GiB," \
        "$(uname -sr), all on one machine: load generator, upstream and server share its cores."
    echo "Versions: ${versions#, }; commit $(git rev-parse --short HEAD 2> /dev/null || echo unknown)."
    echo "Medians of $ROUNDS interleaved rounds of $SECONDS_EACH s."
    echo
}
