//! What an operator sees of the settings: `check-config`, and a start that is refused.
//!
//! How settings are read is tested beside them, in `src/config/tests`.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use busbar::types::ServiceName;
use serde_json::json;

use crate::support::launch::PATIENCE;
use crate::support::{Engine, TestSystem, postgres, system};

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        Folder(system::fresh_folder())
    }

    fn file(&self, name: &str, text: &str) -> &Folder {
        std::fs::write(self.0.join(name), text).unwrap();
        self
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Runs the program to its end: exit code and all that it printed.
    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
        let child = Command::new(env!("CARGO_BIN_EXE_busbar"))
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .current_dir(&self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("busbar starts");
        let id = child.id().to_string();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = ended.recv_timeout(PATIENCE) else {
            drop(Command::new("sh").args(["-c", &format!("kill -9 {id}")]).status());
            panic!("it does not end");
        };
        let output = output.unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8(printed).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const FAULTY: [(&str, &str); 4] = [
    ("GATEWAY_CACHE_TTL_MS", "ten"),
    ("DB_USE_PGBOUNCER", "maybe"),
    ("GATEWAY_MAX_FREE_SOCKETS", "4096"),
    ("USER_SERVICE_DATABASE_URL", "postgres://ada:hunter2@db/users?socket_timeout=1"),
];

fn assert_all_faults_are_named(printed: &str) {
    for part in [
        "5 faults",
        "busbar.toml:2: gateway.cach_ttl_ms = \"5\": unknown setting; did you mean gateway.cache_ttl_ms?",
        "GATEWAY_CACHE_TTL_MS: gateway.cache_ttl_ms = \"ten\": a whole number from 0 to",
        "DB_USE_PGBOUNCER: database.use_pgbouncer = \"maybe\": true or false",
        "GATEWAY_MAX_FREE_SOCKETS: gateway.max_free_sockets = \"4096\": at most gateway.max_sockets",
        "USER_SERVICE_DATABASE_URL: services.users.database_url = \"***\"",
    ] {
        assert!(printed.contains(part), "`{part}` is missing in:\n{printed}");
    }
    assert!(!printed.contains("hunter2"), "{printed}");
}

/// One run names everything that is wrong, with code 2, before anything is opened or made.
#[test]
fn a_start_with_faults_names_them_all_and_opens_nothing() {
    let folder = Folder::new();
    folder.file("busbar.toml", "[gateway]\ncach_ttl_ms = 5\n");
    // Whoever tried to open this port would say that it is taken.
    let port = postgres::free_port().to_string();
    let held = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let variables = [&FAULTY[..], &[("API_GATEWAY_PORT", port.as_str())]].concat();

    let (code, printed) = folder.run(&["start", "--config", "busbar.toml"], &variables);

    assert_eq!(code, 2, "{printed}");
    assert_all_faults_are_named(&printed);
    held.set_nonblocking(true).unwrap();
    assert!(held.accept().is_err(), "nobody came by");
    assert_eq!(folder.names(), ["busbar.toml"], "nothing was made");
}

/// Where nothing can be written, a start says what is kept there, and by which name to move it. What keeps
/// nothing there need not be able to.
#[test]
fn a_start_without_a_place_for_its_data_says_so() {
    let folder = Folder::new();
    // Nobody can make a folder in a file, root neither.
    folder.file("taken", "").file("key", &format!("{}=\n", "A".repeat(43)));
    let data = folder.0.join("taken/data").to_string_lossy().into_owned();
    let key = folder.0.join("key").to_string_lossy().into_owned();
    let nowhere = "postgres://ada@127.0.0.1:1/payments";
    // What comes behind that question: the port, and it is taken.
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    for (services, is_refused) in [("payments,documents", true), ("payments", false)] {
        let (code, printed) = folder.run(
            &["start"],
            &[
                ("BUSBAR_SERVICES", services),
                ("BUSBAR_DATA_DIR", &data),
                ("BUSBAR_SERVICE_KEY_FILE", &key),
                ("PAYMENT_SERVICE_DATABASE_URL", nowhere),
                ("DOCUMENT_SERVICE_DATABASE_URL", nowhere),
                ("PAYMENT_SERVICE_PORT", &port),
            ],
        );
        assert_eq!(code, 1, "{printed}");
        let told = format!(
            "the data directory {data} cannot be written: Not a directory (os error 20). \
             All content of documents is there: name another folder with BUSBAR_DATA_DIR"
        );
        assert_eq!(printed.contains(&told), is_refused, "{printed}");
    }
}

/// `check-config` finds the same without starting.
#[test]
fn check_config_finds_the_same_faults() {
    let folder = Folder::new();
    folder.file("busbar.toml", "[gateway]\ncach_ttl_ms = 5\n");

    let (code, printed) = folder.run(&["check-config", "--config", "busbar.toml"], &FAULTY);

    assert_eq!(code, 2, "{printed}");
    assert_all_faults_are_named(&printed);
}

/// Valid settings are shown with their origins, without secrets, and unknown variables are warned about.
#[test]
fn check_config_shows_what_is_in_effect() {
    let folder = Folder::new();
    folder.file("busbar.toml", "[gateway]\n\ncache_ttl_ms = 5\n");
    let variables = [
        ("GATEWAY_MAX_SOCKETS", "300"),
        ("GATEWAY_FOO", "1"),
        ("BUSBAR_ADMIN_PASSWORD", "hunter2 hunter2 hunter2"),
    ];

    let (code, printed) = folder.run(&["check-config", "--config", "busbar.toml"], &variables);

    assert_eq!(code, 0, "{printed}");
    let row = |key: &str| {
        let rows = || printed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = rows().find(|row| row.first() == Some(&key));
        row.unwrap_or_else(|| panic!("no row of {key} in:\n{printed}")).split_off(1)
    };
    assert_eq!(row("gateway.cache_ttl_ms"), ["5", "busbar.toml:3"]);
    assert_eq!(row("gateway.max_sockets"), ["300", "GATEWAY_MAX_SOCKETS"]);
    assert_eq!(row("gateway.request_timeout_ms"), ["4000", "default"]);
    assert_eq!(row("users.admin_password"), ["***", "BUSBAR_ADMIN_PASSWORD"]);
    assert!(printed.contains("GATEWAY_FOO: unknown variable"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
    assert_eq!(folder.names(), ["busbar.toml"], "nothing was made");
}

/// In production nobody can ask for a fault: neither by an oversight in the settings, nor at the door.
#[actix_web::test]
async fn faults_cannot_be_asked_for_in_production() {
    let production = format!("{}/config/production.toml", env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::new();
    for (variable, key) in
        [("BUSBAR_FAULT_INJECTION", "faults.injection"), ("BUSBAR_FAILPOINT", "faults.point")]
    {
        let value = [(variable, "true")];
        for command in ["check-config", "start"] {
            let (code, printed) = folder.run(&[command, "--config", &production], &value);
            assert_eq!(code, 2, "{printed}");
            let fault =
                format!("{variable}: {key} = \"true\": only where server.bind is a loopback");
            assert!(printed.contains(&fault), "{printed}");
        }
    }

    let system = TestSystem::prepare(Engine::Sqlite);
    let services = [ServiceName::Payments];
    system.spawn_with(&production, &services, &[("BUSBAR_FAULT_INJECTION", "")]);
    system.ready(&services).await;
    let house = system.internal(ServiceName::Payments);
    let fault = json!({"fault": {"kind": "panic_thread"}});
    house.post("/internal/fault", fault).await.expect_problem(404, "not_found");
    let advance = json!({"milliseconds": 1});
    house.post("/internal/clock", advance).await.expect_problem(404, "not_found");
}

/// A service that does not exist is answered with the list and the nearest one.
#[test]
fn an_unknown_service_is_answered_with_the_list() {
    let (code, printed) = Folder::new().run(&["start", "--services", "paymnets"], &[]);
    assert_eq!(code, 2, "{printed}");
    assert!(printed.contains("--services: process.services = \"paymnets\""), "{printed}");
    assert!(printed.contains("did you mean `payments`?"), "{printed}");
}
