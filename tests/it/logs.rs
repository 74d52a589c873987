//! Whoever reads the log may stop reading.

use std::path::Path;
use std::process::Stdio;

use busbar::types::ServiceName;

use crate::support::bare::Bare;
use crate::support::launch::signal;
use crate::support::{Engine, TestSystem};

/// A log that nobody reads stops no request and no service, and the process ends when it is asked to.
#[actix_web::test]
async fn a_log_that_nobody_reads_stops_nobody() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let mut running = Bare::start(&system, "", Stdio::piped());
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
