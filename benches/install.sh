# What the comparison needs besides cargo, installed when it is missing. Sourced by run.sh.

# has PROGRAM: also where only root's path leads.
has() { command -v "$1" > /dev/null || [ -x "/usr/sbin/$1" ]; }
path_of() { command -v "$1" || echo "/usr/sbin/$1"; }
takes_part() { case " $PEERS " in *" $1 "*) true ;; *) false ;; esac }

missing=""
has wrk || missing="$missing wrk"
has curl || missing="$missing curl"
has nginx || missing="$missing nginx-light"
! takes_part haproxy || has haproxy || missing="$missing haproxy"
! takes_part varnish || has varnishd || missing="$missing varnish"
! takes_part node || has node || missing="$missing nodejs"
! takes_part node || has npm || missing="$missing npm"
# shellcheck disable=SC2086
sh tests/packages.sh $missing

# The Node.js gateway and its packages live beside what cargo builds.
node_folder="${CARGO_TARGET_DIR:-target}/bench-node"
if takes_part node; then
    mkdir -p "$node_folder"
    if ! cmp -s benches/servers/package.json "$node_folder/package.json"; then
        rm -rf "$node_folder/node_modules"
        cp benches/servers/package.json "$node_folder/package.json.new"
        mv "$node_folder/package.json.new" "$node_folder/package.json"
    fi
    [ -e "$node_folder/node_modules/.package-lock.json" ] ||
        npm install --prefix "$node_folder" --no-audit --no-fund --omit=dev
    cp benches/servers/gateway.mjs "$node_folder/gateway.mjs"
fi
