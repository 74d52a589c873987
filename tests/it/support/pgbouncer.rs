//! A private PgBouncer in transaction mode.

use std::path::PathBuf;

use super::launch::eventually;
use super::postgres::{self, Keeper};

const MISSING: &str = "PgBouncer is not installed: `make test` installs it, \
                       `apt-get install pgbouncer` does, too";

/// Writes its settings, runs it, and ends it when the pipe closes.
const KEEPER: &str = r#"
    cd /
    dir=$(mktemp -d "${TMPDIR:-/tmp}/busbar-pgbouncer.XXXXXX") ||
        dir=$(mktemp -d /tmp/busbar-pgbouncer.XXXXXX) || exit 1
    trap 'kill -INT "$server"; wait "$server"; rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '%s\nauth_file = %s/users\n' "$2" "$dir" >"$dir/ini"
    echo '"busbar" ""' >"$dir/users"
    "$1" "$dir/ini" </dev/null >"$dir/log" 2>&1 &
    server=$!
    echo "$dir"
    read -r end
"#;

/// Ends with its value.
pub(crate) struct PgBouncer {
    _keeper: Keeper,
    port: u16,
}

impl PgBouncer {
    /// Before the server of a URL, with fewer connections to it than a service has.
    pub(crate) async fn before(server: &str) -> PgBouncer {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join("pgbouncer"))
            .find(|program| program.is_file())
            .expect(MISSING);
        let server = url::Url::parse(server).unwrap();
        let (host, from) = (server.host_str().unwrap(), server.port().unwrap_or(5432));
        let port = postgres::free_port();
        let settings = format!(
            "[databases]\n* = host={host} port={from}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\npool_mode = transaction\n\
             default_pool_size = 2\nmax_client_conn = 100"
        );
        let mut keeper = Keeper::start(KEEPER, &[program.to_str().unwrap(), &settings]);
        keeper.answer();
        eventually("PgBouncer listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        PgBouncer { _keeper: keeper, port }
    }

    /// The same database, through it.
    pub(crate) fn url(&self, server: &str) -> String {
        let mut url = url::Url::parse(server).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }
}
