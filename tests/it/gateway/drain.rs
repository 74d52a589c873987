//! The end of the process: what is under way is finished, the idle is closed, the code tells.

use std::time::Duration;
use std::time::Instant;

use busbar::types::ServiceName;
use serde_json::json;

use super::{PATIENT, port};
use crate::support::wire::Wire;
use crate::support::{Engine, TestSystem};

/// Time enough for slow requests on a busy machine.
const LIMITS: [(&str, &str); 3] =
    [PATIENT, ("BUSBAR_SERVER_DRAIN_MS", "20000"), ("BUSBAR_SHUTDOWN_TIMEOUT_MS", "25000")];
const LIVE: &str = "GET /health/live HTTP/1.1\r\nhost: busbar\r\n\r\n";

/// Through the gateway, and at the service.
fn both_ways(system: &TestSystem) -> Vec<u16> {
    vec![port(system), system.port(ServiceName::Users)]
}

/// So many slow requests, at these ports in turn.
async fn slow_requests(system: &TestSystem, ports: &[u16], count: usize) -> Vec<Wire> {
    let delay = json!({"kind": "delay", "milliseconds": 2000});
    system.inject(ServiceName::Users, delay, u32::try_from(count).unwrap()).await;
    // Each has an address of its own: none is answered by what another brings.
    let ask = |(number, port): (usize, &u16)| {
        let mut wire = Wire::to(*port);
        wire.send(format!("GET /.well-known/jwks.json?{number} HTTP/1.1\r\nhost: busbar\r\n\r\n"));
        wire
    };
    ports.iter().cycle().take(count).enumerate().map(ask).collect()
}

fn idle_connections(ports: &[u16], count: usize) -> Vec<Wire> {
    let open = |port: &u16| {
        let mut wire = Wire::to(*port);
        assert_eq!(wire.send(LIVE).answer().status(), 200);
        wire
    };
    ports.iter().cycle().take(count).map(open).collect()
}

/// The whole house.
async fn all_of_it(engine: Engine) {
    let system = TestSystem::start_with(engine, &LIMITS).await;
    let ports = ServiceName::ALL.map(|name| system.port(name));
    what_is_under_way_is_finished(&system, &ports, &both_ways(&system)).await;
}

#[actix_web::test]
async fn a_stop_finishes_what_is_under_way_sqlite() {
    all_of_it(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_stop_finishes_what_is_under_way_postgres() {
    all_of_it(Engine::Postgres).await;
}

/// One service, as it runs in a container of its own.
#[actix_web::test]
async fn a_stop_of_one_service_alone_does_the_same() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let alone = [ServiceName::Users];
    system.spawn(&alone, &LIMITS);
    system.ready(&alone).await;
    let port = [system.port(ServiceName::Users)];
    what_is_under_way_is_finished(&system, &port, &port).await;
}

/// SIGTERM under way: every request is answered, every idle connection closed, the code is 0.
async fn what_is_under_way_is_finished(system: &TestSystem, ports: &[u16], busy: &[u16]) {
    let mut idle = idle_connections(ports, 500);
    let mut slow = slow_requests(system, busy, 50).await;
    system
        .eventually("all are under way", async || {
            let gauge = "busbar_http_requests_in_flight";
            // The question is one itself.
            system.figure(ServiceName::Users, gauge).await >= 51.0
        })
        .await;
    let mut process = system.take_process();

    process.signal("TERM");

    let answered = std::thread::spawn(move || {
        slow.iter_mut()
            .map(|wire| wire.try_answer().unwrap_or_default().status())
            .collect::<Vec<_>>()
    });
    let status = process.ended().await;
    assert_eq!(answered.join().unwrap(), vec![200; 50], "{}", process.log().join("\n"));
    assert!(idle.iter_mut().all(Wire::is_closed));
    assert_eq!(status.code(), Some(0), "{}", process.log().join("\n"));
}

/// Before it drains, the process goes on serving and says that it is about to leave; a second
/// signal ends it at once.
#[actix_web::test]
async fn a_stop_is_announced_and_can_be_forced() {
    let delay = ("BUSBAR_SHUTDOWN_DELAY_MS", "25000");
    let system = TestSystem::prepare(Engine::Sqlite);
    let services = [ServiceName::Users, ServiceName::Gateway];
    system.spawn(&services, &[PATIENT, delay]);
    system.ready(&services).await;
    let mut process = system.take_process();

    process.wait_for_log("The API is described at").await;
    process.signal("TERM");
    process.wait_for_log("not ready any more").await;

    for name in services {
        let mut wire = Wire::to(system.port(name));
        assert_eq!(wire.get("/health/ready").status(), 503, "{name}");
        assert_eq!(wire.get("/health/live").status(), 200, "{name}");
        assert_eq!(wire.get("/.well-known/jwks.json").status(), 200, "{name}");
    }
    let mut slow = slow_requests(&system, &both_ways(&system), 2).await;
    let start = Instant::now();
    process.signal("TERM");
    assert_eq!(process.ended().await.code(), Some(1));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(slow.iter_mut().all(|wire| wire.try_answer().is_none()), "they were cut");
}
