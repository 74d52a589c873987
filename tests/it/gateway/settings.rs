//! What each setting of the gateway does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{before, port};
use crate::support::wire::{Scripted, Then, Wire, pause, reply};
use crate::support::{Engine, TestSystem};

/// Each worker thread has connections of its own: with one, they are easy to count.
const ONE_WORKER: (&str, &str) = ("API_GATEWAY_WORKERS", "1");

/// Answers when it is let go, so that a test can hold many requests at once.
pub(super) struct Gated {
    pub(super) service: Scripted,
    is_open: Arc<AtomicBool>,
}

impl Gated {
    pub(super) fn start() -> Gated {
        let is_open = Arc::new(AtomicBool::new(false));
        let gate = is_open.clone();
        let service = Scripted::start(move |_, stream| {
            while !gate.load(SeqCst) {
                pause(Duration::from_millis(2));
            }
            reply(stream, "ok");
            Then::Keep
        });
        Gated { service, is_open }
    }

    /// Sends so many requests at once; they wait.
    pub(super) fn ask(system: &TestSystem, count: usize) -> Vec<Wire> {
        let ask = |_| {
            let mut wire = Wire::to(port(system));
            wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
            wire
        };
        (0..count).map(ask).collect()
    }

    pub(super) fn let_go(&self, wires: &mut [Wire]) {
        self.is_open.store(true, SeqCst);
        for wire in wires {
            assert_eq!(wire.answer().status(), 200);
        }
    }
}

/// `GATEWAY_MAX_SOCKETS`: never more connections to a service; further requests wait their turn.
#[actix_web::test]
async fn max_sockets_bounds_the_connections() {
    let gated = Gated::start();
    let bounds = [("GATEWAY_MAX_SOCKETS", "3"), ("GATEWAY_MAX_FREE_SOCKETS", "3"), ONE_WORKER];
    let system = before(&gated.service, &bounds).await;
    let mut wires = Gated::ask(&system, 8);
    system.eventually("three are under way and five in line", async || {
        let text = system.anonymous().get("/metrics/prometheus").await.text();
        let gauge = |state: &str, count: u8| {
            text.contains(&format!("busbar_gateway_pool_connections{{instance=\"0\",state=\"{state}\",upstream=\"payments\"}} {count}"))
        };
        gated.service.open() == 3 && gauge("busy", 3) && gauge("waiting", 5)
    })
    .await;
    gated.let_go(&mut wires);
    assert_eq!(gated.service.opened(), 3, "the others took turns on these");
}

/// `GATEWAY_MAX_FREE_SOCKETS`: no more are kept without use.
#[actix_web::test]
async fn max_free_sockets_bounds_the_idle_ones() {
    let gated = Gated::start();
    let system = before(&gated.service, &[("GATEWAY_MAX_FREE_SOCKETS", "2")]).await;
    let mut wires = Gated::ask(&system, 6);
    system.eventually("all are under way", async || gated.service.open() == 6).await;
    gated.let_go(&mut wires);
    system.eventually("the surplus is closed", async || gated.service.open() == 2).await;
}

/// `GATEWAY_MAX_FREE_SOCKETS=0`: no connection is used twice.
#[actix_web::test]
async fn no_free_sockets_means_no_reuse() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[("GATEWAY_MAX_FREE_SOCKETS", "0")]).await;
    for _ in 0..3 {
        system.anonymous().get("/api/payments").await.expect(200);
    }
    assert_eq!(service.opened(), 3);
}

/// `GATEWAY_KEEP_ALIVE_MS`: a connection is kept and used again for as long, and closed then.
#[actix_web::test]
async fn keep_alive_is_how_long_a_connection_is_kept() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[("GATEWAY_KEEP_ALIVE_MS", "2500"), ONE_WORKER]).await;
    for _ in 0..3 {
        system.anonymous().get("/api/payments").await.expect(200);
    }
    assert_eq!((service.opened(), service.open()), (1, 1));
    system.eventually("it is closed when nobody used it", async || service.open() == 0).await;

    let patient = before(&service, &[("GATEWAY_KEEP_ALIVE_MS", "60000"), ONE_WORKER]).await;
    patient.anonymous().get("/api/payments").await.expect(200);
    actix_rt::time::sleep(Duration::from_millis(4000)).await;
    assert_eq!(service.open(), 1, "and kept when it may be");
}

/// `GATEWAY_REQUEST_TIMEOUT_MS`: shown in `deadline`; here, that a longer one is not cut.
#[actix_web::test]
async fn request_timeout_is_no_shorter_than_it_says() {
    let service = Scripted::start(|_, stream| {
        pause(Duration::from_millis(1200));
        reply(stream, "ok");
        Then::Keep
    });
    let system = before(&service, &[("GATEWAY_REQUEST_TIMEOUT_MS", "10000")]).await;
    system.anonymous().get("/api/payments").await.expect(200);
}

/// `GATEWAY_SLOW_REQUEST_THRESHOLD_MS`: what takes longer is told, without its query; 0: nothing is.
#[actix_web::test]
async fn slow_requests_are_told() {
    let service = Scripted::start(|heard, stream| {
        if heard.message.target().starts_with("/payments/slow") {
            pause(Duration::from_millis(300));
        }
        reply(stream, "ok");
        Then::Keep
    });
    let system = before(&service, &[("GATEWAY_SLOW_REQUEST_THRESHOLD_MS", "250")]).await;
    let client = system.anonymous().header("x-request-id", "slow-7");
    client.get("/api/payments/slow?token=hidden").await.expect(200);
    let line = system.wait_for_log("slow_request:").await;
    for part in
        ["GET /api/payments/slow took ", "route=/api/payments", "status=200", "request=slow-7"]
    {
        assert!(line.contains(part), "`{part}` is missing in {line}");
    }
    let upstream_ms = line.split("upstream_ms=").nth(1).unwrap().split(' ').next().unwrap();
    assert!(upstream_ms.parse::<f64>().unwrap() >= 299.0, "{line}");
    assert!(!line.contains("hidden"), "{line}");
    let slow = "busbar_gateway_slow_requests_total";
    assert!(system.figure(ServiceName::Gateway, slow).await >= 1.0);

    let silent = before(&service, &[("GATEWAY_SLOW_REQUEST_THRESHOLD_MS", "0")]).await;
    silent.anonymous().get("/api/payments/slow").await.expect(200);
    assert_eq!(silent.figure(ServiceName::Gateway, slow).await, 0.0);
}

/// A slow request whose client has gone is told, too.
#[actix_web::test]
async fn an_abandoned_slow_request_is_told() {
    let gated = Gated::start();
    let system = before(&gated.service, &[("GATEWAY_SLOW_REQUEST_THRESHOLD_MS", "1")]).await;
    let wires = Gated::ask(&system, 1);
    system.eventually("it is under way", async || gated.service.open() == 1).await;
    drop(wires);
    let line = system.wait_for_log("slow_request:").await;
    assert!(line.contains("status=499"), "{line}");
    gated.is_open.store(true, SeqCst);
}

/// What a slow request was answered with is told also when that was no answer of a service.
#[actix_web::test]
async fn a_slow_refusal_is_told_by_its_status() {
    let gated = Gated::start();
    let settings =
        [("GATEWAY_SLOW_REQUEST_THRESHOLD_MS", "1"), ("GATEWAY_REQUEST_TIMEOUT_MS", "300")];
    let system = before(&gated.service, &settings).await;
    system.anonymous().get("/api/payments").await.expect(504);
    let line = system.wait_for_log("slow_request:").await;
    assert!(line.contains("status=504"), "{line}");
    gated.is_open.store(true, SeqCst);
}

/// `API_GATEWAY_PORT`: where it listens; what the start prints leads there.
#[actix_web::test]
async fn the_port_is_the_one_that_was_asked_for() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    system.wait_for_log(&format!("127.0.0.1:{}", system.port(ServiceName::Gateway))).await;
    system.anonymous().get("/api/payments").await.expect(200);
}

/// `GATEWAY_MAX_LATENCY_SAMPLES`: how many requests the percentiles look back on.
#[actix_web::test]
async fn percentiles_look_back_so_far_and_no_further() {
    let service = Scripted::start(|heard, stream| {
        if heard.message.target() == "/payments/slow" {
            pause(Duration::from_millis(400));
        }
        reply(stream, "ok");
        Then::Keep
    });
    let system = before(&service, &[("GATEWAY_MAX_LATENCY_SAMPLES", "5")]).await;
    let client = system.anonymous();
    client.get("/api/payments/slow").await.expect(200);
    let worst = async || client.get("/metrics").await.json["latencyMs"]["p99"].as_f64().unwrap();
    assert!(worst().await >= 400.0);
    for _ in 0..5 {
        client.get("/api/payments/fast").await.expect(200);
    }
    assert!(worst().await < 400.0, "the slow one is out of sight");
}

/// `METRICS_LEGACY_NAMES`: the names of the Node.js system are there, or are not.
#[actix_web::test]
async fn legacy_names_can_be_left_out() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[ServiceName::Gateway], &[("METRICS_LEGACY_NAMES", "false")]);
    system.ready(&[ServiceName::Gateway]).await;
    let text = system.anonymous().get("/metrics/prometheus").await.text();
    assert!(!text.contains("\ngateway_") && text.contains("busbar_gateway_"), "{text}");
}
