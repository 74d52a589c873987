//! One deadline for a whole request: for the head, for the body, for what it left behind.

use std::time::{Duration, Instant};

use busbar::types::ServiceName;
use serde_json::json;

use super::{before, port};
use crate::support::wire::{Scripted, Then, Wire, pause, say, wait_for_close};
use crate::support::{Engine, TestSystem};

const SHORT: (&str, &str) = ("GATEWAY_REQUEST_TIMEOUT_MS", "1000");
const DEADLINE: Duration = Duration::from_millis(1000);
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(4000);

/// A service that takes too long is answered for, in time, and is not left working for nobody.
#[actix_web::test]
async fn a_slow_service_is_a_problem_in_time() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let services = [ServiceName::Payments, ServiceName::Gateway];
    system.spawn(&services, &[SHORT]);
    system.ready(&services).await;
    let delay = json!({"kind": "delay", "milliseconds": 10_000});
    system.inject(ServiceName::Payments, delay, 1).await;

    let start = Instant::now();
    let client = system.anonymous().header("x-request-id", "slow-1");
    let answer = client.get("/api/payments").await;
    let took = start.elapsed();

    assert!((DEADLINE..DEADLINE + SLACK).contains(&took), "{took:?}");
    let problem = answer.expect_problem(504, "upstream_timeout");
    assert_eq!(problem["request_id"], "slow-1");
    let body = problem.to_string();
    assert!(!body.contains("127.0.0.1") && !body.contains("localhost"), "{body}");
    system
        .eventually("the service has stopped working on it", async || {
            // The question itself is one request in flight.
            let gauge = "busbar_http_requests_in_flight";
            system.figure(ServiceName::Payments, gauge).await <= 1.0
        })
        .await;
}

/// The same before a service that says nothing: the connection is closed.
#[actix_web::test]
async fn the_exchange_ends_with_the_deadline() {
    let service = Scripted::start(|_, stream| {
        wait_for_close(stream);
        Then::Close
    });
    let system = before(&service, &[SHORT]).await;
    let start = Instant::now();
    system.anonymous().get("/api/payments").await.expect_problem(504, "upstream_timeout");
    assert!(start.elapsed() < DEADLINE + SLACK);
    system.eventually("its connection is closed", async || service.open() == 0).await;
    assert_eq!(service.heard().len(), 1, "a late answer is not asked for again");
    let timeouts =
        "busbar_gateway_upstream_requests_total{outcome=\"timeout\",upstream=\"payments\"} 1";
    let text = system.anonymous().get("/metrics/prometheus").await.text();
    assert!(text.contains(timeouts), "{text}");
}

/// A body that drips is cut when the time is over, and the client can tell that it was.
#[actix_web::test]
async fn a_dripping_body_is_cut() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        for _ in 0..1000 {
            if std::io::Write::write_all(stream, b".").is_err() {
                return Then::Close;
            }
            pause(Duration::from_millis(100));
        }
        Then::Close
    });
    let system = before(&service, &[SHORT]).await;
    let gateway = port(&system);
    let start = Instant::now();
    let answer = std::thread::spawn(move || {
        let mut wire = Wire::to(gateway);
        wire.send("GET /api/payments?secret=1 HTTP/1.1\r\nhost: busbar\r\n\r\n");
        wire.answer()
    });
    let line = system.wait_for_log("the answer was cut in its body").await;
    let answer = answer.join().unwrap();
    assert!(start.elapsed() < DEADLINE + SLACK, "{:?}", start.elapsed());
    assert_eq!((answer.status(), answer.is_whole), (200, false), "{answer:?}");
    assert!(line.contains("GET /api/payments:") && !line.contains("secret"), "{line}");
    system.eventually("its connection is closed", async || service.open() == 0).await;
}

/// A client that does not read is no reason to keep the service's connection.
#[actix_web::test]
async fn a_client_that_does_not_read_loses_the_service_at_the_deadline() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk = [b"100000\r\n".as_slice(), &vec![b'x'; 0x10_0000], b"\r\n"].concat();
        while std::io::Write::write_all(stream, &chunk).is_ok() {}
        Then::Close
    });
    let system = before(&service, &[SHORT]).await;
    let mut wire = Wire::to(port(&system));
    wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
    system.eventually("the service was asked", async || service.opened() == 1).await;
    system.eventually("the service is free again", async || service.open() == 0).await;
    drop(wire);
}

/// A client that does not send its body in time is told so; the service never hears of it.
#[actix_web::test]
async fn a_body_that_does_not_come_is_the_clients_fault() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[SHORT]).await;
    let gateway = port(&system);
    let answer = std::thread::spawn(move || {
        let mut wire = Wire::to(gateway);
        wire.send("POST /api/payments HTTP/1.1\r\nhost: busbar\r\ncontent-length: 10\r\n\r\nhalf");
        wire.answer()
    });
    let answer = answer.join().unwrap();
    assert_eq!(answer.status(), 408, "{answer:?}");
    assert!(answer.text().contains(r#""code":"request_timeout""#), "{answer:?}");
    assert!(service.heard().is_empty());
}
