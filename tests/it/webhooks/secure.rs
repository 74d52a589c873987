//! Deliveries over TLS: to whom the certificate names, and to nobody else.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use super::house::{LOOPBACK, attempted, tested, webhook};
use crate::support::python::python;
use crate::support::{Engine, TestSystem};

/// The receiver of `secure.py`; ends with its value.
struct Secure {
    process: Child,
    port: u16,
}

impl Secure {
    fn start(authority: &Path) -> Secure {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/webhooks/secure.py");
        let mut process = python()
            .arg(script)
            .arg(authority)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Secure { port: line.trim().parse().expect("a port"), process }
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

async fn certificates_are_checked(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let (authority, hosts) = (system.folder().join("ca.pem"), system.folder().join("hosts"));
    let secure = Secure::start(&authority);
    std::fs::write(&hosts, "127.0.0.1 hook.example other.example\n").unwrap();
    let hosts = ("BUSBAR_FAULTS_HOSTS_FILE", hosts.to_str().unwrap());
    let authority = ("BUSBAR_WEBHOOKS_CA_FILE", authority.to_str().unwrap());
    system.launch_with(&[LOOPBACK, hosts, authority]).await;
    let staff = system.admin().await;
    for (name, outcome, response) in [
        ("hook.example", "delivered", Some("safely heard")),
        ("other.example", "tls_failed", None),
        ("127.0.0.1", "tls_failed", None),
    ] {
        let made = webhook(&staff, &format!("https://{name}:{}/", secure.port), &["*"]).await;
        let sent = attempted(&system, &tested(&staff, &made).await, 1).await;
        let attempt = &sent["attempts"][0];
        assert_eq!(attempt["outcome"], outcome, "{name}");
        assert_eq!(attempt["response"].as_str(), response, "{name}");
    }
    // Without the setting the authority is nobody.
    system.kill();
    system.launch_with(&[LOOPBACK, hosts]).await;
    let staff = system.admin().await;
    let made = webhook(&staff, &format!("https://hook.example:{}/", secure.port), &["*"]).await;
    let sent = attempted(&system, &tested(&staff, &made).await, 1).await;
    assert_eq!(sent["attempts"][0]["outcome"], "tls_failed");
    system.finish().await;
}

#[actix_web::test]
async fn certificates_are_checked_sqlite() {
    certificates_are_checked(Engine::Sqlite).await;
}

#[actix_web::test]
async fn certificates_are_checked_postgres() {
    certificates_are_checked(Engine::Postgres).await;
}
