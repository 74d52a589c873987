//! Whoever reads the log may stop reading.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use busbar::types::ServiceName;

use crate::support::launch::signal;
use crate::support::{Engine, TestSystem};

struct Unread(Child);

impl Drop for Unread {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The program, whose log goes into a pipe that nobody empties.
fn unread(system: &TestSystem) -> Unread {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/test.toml");
    let started = Command::new(env!("CARGO_BIN_EXE_busbar"))
        .args(["start", "--data", "data", "--config"])
        .arg(config)
        .env_clear()
        .envs(system.environment().iter().cloned())
        .env("BUSBAR_LOG", "info")
        .current_dir(system.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    Unread(started.unwrap())
}

/// A log that nobody reads stops no request and no service, and the process ends when it is asked to.
#[actix_web::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let mut running = unread(&system);
    system.ready(&ServiceName::ALL).await;
    let padding = "x".repeat(500);
    for number in 0..1_000 {
        let answer = system.anonymous().get(&format!("/api/bills/{number}-{padding}")).await;
        assert_eq!(answer.status, 401, "{answer}");
    }
    system.anonymous().get("/health").await.expect(200);

    signal(running.0.id(), "TERM");
    system
        .eventually("the process has ended", async || {
            Path::new(&format!("/proc/{}/exe", running.0.id())).read_link().is_err()
        })
        .await;
    assert!(running.0.wait().unwrap().success());
}
