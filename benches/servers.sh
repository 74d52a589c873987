# Starts and ends the servers of one case. Sourced by run.sh.

pids=""
# Ends what was started here, by its id, and waits until it is gone.
end_all() {
    for pid in $pids; do kill "$pid" 2> /dev/null || true; done
    for pid in $pids; do wait "$pid" 2> /dev/null || true; done
    pids=""
}

# template FILE PORT: a settings file of servers/ with its places filled in; prints where it is.
template() {
    sed -e "s|@WORK@|$work|g" -e "s|@PORT@|$2|g" -e "s|@UPSTREAM@|$upstream_port|g" \
        -e "s|@KIBIBYTE@|$kibibyte|g" "benches/servers/$1" > "$work/$1"
    echo "$work/$1"
}

# run_nginx FILE PORT: its workers as whoever runs this, whose private folder they write to.
run_nginx() {
    "$(path_of nginx)" -g "user $(id -un) $(id -gn);" -c "$(template "$1" "$2")" \
        > "$work/$1.out" 2>&1 &
}

port_of() {
    case "$1" in
    busbar) echo $((PORTS + 1)) ;;
    busbar-bare) echo $((PORTS + 2)) ;;
    nginx) echo $((PORTS + 3)) ;;
    haproxy) echo $((PORTS + 4)) ;;
    varnish) echo $((PORTS + 5)) ;;
    node) echo $((PORTS + 6)) ;;
    relay) echo $((PORTS + 7)) ;;
    esac
}

# url_of PEER WHAT PATH: Busbar's default route has another name than the bare one and the peers'.
url_of() {
    case "$2-$1" in
    passed-busbar) prefix=api/payments ;;
    passed-*) prefix=bench ;;
    kept-*) prefix=kept ;;
    esac
    echo "http://127.0.0.1:$(port_of "$1")/$prefix/$3"
}

# Starts a peer; its process id is $!.
start() {
    port=$(port_of "$1")
    case "$1" in
    busbar | busbar-bare)
        env -i API_GATEWAY_PORT="$port" API_GATEWAY_WORKERS=2 BUSBAR_LOG=error BUSBAR_ADMIN_ADDR=off \
            PAYMENT_SERVICE_URL="http://127.0.0.1:$upstream_port" \
            "$busbar" start --services gateway --data "$work/$1" \
            --config "$(template busbar.toml "$port")" > "$work/$1.log" 2>&1 &
        ;;
    nginx) run_nginx nginx.conf "$port" ;;
    haproxy)
        "$(path_of haproxy)" -db -f "$(template haproxy.cfg "$port")" > "$work/haproxy.log" 2>&1 &
        ;;
    varnish)
        # Without a jail: its folder is private to whoever runs this.
        "$(path_of varnishd)" -F -j none -n "$work/varnish" -a "127.0.0.1:$port" \
            -f "$(template varnish.vcl "$port")" -s malloc,256m -p thread_pools=2 \
            > "$work/varnish.log" 2>&1 &
        ;;
    relay) "$relay" "$port" "http://127.0.0.1:$upstream_port" > "$work/relay.log" 2>&1 & ;;
    node) NODE_ENV=production node "$node_folder/gateway.mjs" "$port" "$upstream_port" > "$work/node.log" 2>&1 & ;;
    esac
}

start_upstream() {
    run_nginx upstream.conf "$upstream_port"
    pids="$pids $!"
}

# Until a URL is answered with success; ten seconds at most.
await() {
    tries=0
    until curl -sf -o /dev/null "$1"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 100 ]; then
            echo "no answer from $1" >&2
            tail -n 5 "$work"/*.log >&2
            exit 1
        fi
        sleep 0.1
    done
}

# A process and all below it.
tree() {
    echo "$1"
    for child in $(pgrep -P "$1" || true); do tree "$child"; done
}
# User and system time of a tree, in clock ticks.
ticks() {
    for pid in $(tree "$1"); do cat "/proc/$pid/stat"; done 2> /dev/null |
        sed 's/.*) //' | awk '{ sum += $12 + $13 } END { print sum + 0 }'
}
# The most memory that the processes of a tree have had, in KiB, added up.
peak() {
    for pid in $(tree "$1"); do cat "/proc/$pid/status"; done 2> /dev/null |
        awk '/^VmHWM/ { sum += $2 } END { print sum + 0 }'
}
