//! PostgreSQL for tests: one private server for the test process, a fresh database for each test.
//!
//! A server is kept by a small shell that holds the other end of a pipe. When the test process
//! ends, in whatever way, the pipe closes, and the shell stops the server and removes its folder.

mod copies;
mod keeper;
mod refusing;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tokio_postgres::{Config, NoTls};

pub(crate) use self::copies::copy;
pub(crate) use self::keeper::Keeper;
pub(crate) use self::refusing::{refuse_writes, take_writes};
use super::folder::scratch;

const USER: &str = "busbar";
const OWN_SERVER: &str = "BUSBAR_TEST_POSTGRES_URL";
const MISSING: &str = "PostgreSQL is not installed: `make test` installs it, \
     `apt-get install postgresql` does, too; or name a server in BUSBAR_TEST_POSTGRES_URL";
const START_MAX: Duration = Duration::from_secs(30);
const START_TRIES: u32 = 5;

/// Prints its folder, then does what it is told line by line until the pipe closes.
const KEEPER: &str = r#"
    cd /
    bin=$1
    dir=$(mktemp -d "$2/busbar-postgres.XXXXXX") ||
        dir=$(mktemp -d /tmp/busbar-postgres.XXXXXX) || exit 1
    server=
    stop() {
        [ -z "$server" ] || { kill -QUIT "$server"; wait "$server"; } 2>/dev/null
        server=
    }
    trap 'stop; rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
    "$bin/initdb" -D "$dir/data" -U busbar -A trust -E UTF8 --no-locale --no-sync \
        </dev/null >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
    sed -i '1i host all guarded 127.0.0.1/32 scram-sha-256' "$dir/data/pg_hba.conf"
    echo "$dir"
    while read -r order port; do
        stop
        if [ "$order" = start ]; then
            "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 \
                -c unix_socket_directories= -c max_connections=900 -c shared_buffers=32MB \
                -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
                -c autovacuum=off </dev/null >>"$dir/log" 2>&1 &
            server=$!
        fi
        echo "$order"
    done
"#;

/// The URL of a new and empty database on the server of this test process.
pub(crate) fn database(prefix: &str) -> String {
    of(&server(), &create(&server(), prefix, "template0"))
}

/// The URL of a database that is there on the server of this test process.
fn server() -> String {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    let own = || SHARED.get_or_init(Cluster::own).url("postgres");
    std::env::var(OWN_SERVER).unwrap_or_else(|_| own())
}

/// The URL of another database of a server.
fn of(server: &str, database: &str) -> String {
    let (server, parameters) = server.split_once('?').unwrap_or((server, ""));
    let base = server.rsplit_once('/').expect("a database in the URL").0;
    format!("{base}/{database}?{parameters}").trim_end_matches('?').to_owned()
}

/// A private server. It ends when this is dropped, and at the latest with the process.
pub(crate) struct Cluster {
    keeper: Keeper,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// A server of one's own, for tests that stop it. It runs.
    pub(crate) fn own() -> Cluster {
        let bin = programs().expect(MISSING);
        let text = |path| Path::to_str(path).expect("a UTF-8 path");
        let mut keeper = Keeper::start(KEEPER, &[text(&bin), text(scratch())]);
        let folder = PathBuf::from(keeper.answer());
        let mut cluster = Cluster { keeper, folder, port: 0 };
        for _ in 0..START_TRIES {
            // Another program may take the port before the server does.
            cluster.port = free_port();
            if cluster.try_start() {
                return cluster;
            }
        }
        panic!("PostgreSQL does not start: {}", cluster.log());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of a database that is there.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgresql://{USER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The URL of a new and empty database.
    pub(crate) fn database(&self, prefix: &str) -> String {
        let name = create(&self.url("postgres"), prefix, "template0");
        self.url(&name)
    }

    /// Ends all connections and the server, as a crash would.
    pub(crate) fn stop(&mut self) {
        self.keeper.order("stop");
    }

    /// Starts it again on its port and waits until it answers.
    pub(crate) fn start(&mut self) {
        assert!(self.try_start(), "PostgreSQL does not start again: {}", self.log());
    }

    fn try_start(&mut self) -> bool {
        self.keeper.order(&format!("start {}", self.port));
        let deadline = Instant::now() + START_MAX;
        while Instant::now() < deadline && !self.log().contains("could not create any TCP/IP") {
            // It is this server, not another one that was faster to the port.
            let answer = try_text(&self.url("postgres"), "SHOW data_directory");
            if answer.is_ok_and(|data| Path::new(&data).parent() == Some(&self.folder)) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// The folder with the server's programs: Debian's newest, or one of the path.
fn programs() -> Option<PathBuf> {
    let complete = |bin: &PathBuf| ["postgres", "initdb"].iter().all(|p| bin.join(p).is_file());
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    versions.sort_by_key(|bin| {
        let version = bin.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        version.and_then(|version| version.parse::<u32>().ok())
    });
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions.into_iter().rev().chain(std::env::split_paths(&path)).find(complete)
}

/// Below the range from which the system gives ports to outgoing connections.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const LOWEST: u32 = 15_000;
    const PORTS: u32 = 32_767 - LOWEST;
    let start = std::process::id().wrapping_mul(7_919);
    for _ in 0..PORTS {
        let offset = start.wrapping_add(NEXT.fetch_add(13, Ordering::Relaxed)) % PORTS;
        let port = u16::try_from(LOWEST + offset).expect("below 32768");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port below 32768");
}

/// Creates a database in the C locale, as a copy of another, and tells its name.
fn create(server: &str, prefix: &str, original: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // One at a time: some versions refuse when two copy the same template.
    static ONE: Mutex<()> = Mutex::new(());
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("busbar_test_{prefix}_{}_{number}", std::process::id());
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let statement = format!(
        "CREATE DATABASE {name} TEMPLATE {original} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    try_text(server, &statement).unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    name
}

/// Runs one statement on a connection of its own; the first column of the first row, or nothing.
pub(crate) fn text(url: &str, statement: &str) -> String {
    try_text(url, statement).unwrap_or_else(|error| panic!("{statement}: {error:?}"))
}

fn try_text(url: &str, statement: &str) -> Result<String, tokio_postgres::Error> {
    // The program's own parameter, at the end, is not one of this client's.
    let (url, schema) = url.rsplit_once("schema=").unwrap_or((url, ""));
    let mut config: Config = url.trim_end_matches(['?', '&']).parse()?;
    if !schema.is_empty() {
        config.options(format!("-c search_path={schema}"));
    }
    config.connect_timeout(Duration::from_secs(2));
    // A thread of its own: the caller's may be inside a runtime.
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let (client, connection) = config.connect(NoTls).await?;
            let connection = tokio::spawn(connection);
            let messages = client.simple_query(statement).await?;
            drop(client);
            let _ = connection.await;
            let first = messages.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            });
            Ok(first.and_then(|row| row.get(0)).unwrap_or_default().to_owned())
        })
    };
    std::thread::scope(|scope| scope.spawn(run).join()).expect("no panic")
}

#[cfg(test)]
mod tests {
    //! That nothing stays behind, however a test process ends.

    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    const ROLE: &str = "BUSBAR_TEST_HOLD_A_CLUSTER";

    /// Not a test of its own: the process that is killed by the next one.
    #[test]
    fn holds_a_cluster() {
        if std::env::var_os(ROLE).is_none() {
            return;
        }
        let cluster = Cluster::own();
        println!("\nheld {} {}", cluster.port(), cluster.folder().display());
        std::thread::sleep(Duration::from_secs(60));
    }

    #[test]
    fn a_server_goes_with_its_test_process_even_when_that_is_killed() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "support::postgres::tests::holds_a_cluster", "--nocapture"])
            .env(ROLE, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let held = lines.into_iter().find(|line| line.starts_with("held ")).unwrap();
        let [_, port, folder] = held.split(' ').collect::<Vec<_>>()[..] else { panic!("{held}") };
        let address = format!("127.0.0.1:{port}");
        assert!(std::net::TcpStream::connect(&address).is_ok() && Path::new(folder).is_dir());

        child.kill().unwrap();
        child.wait().unwrap();

        let deadline = Instant::now() + Duration::from_secs(20);
        while Path::new(folder).exists() || std::net::TcpStream::connect(&address).is_ok() {
            assert!(Instant::now() < deadline, "the server of a killed process is still there");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
