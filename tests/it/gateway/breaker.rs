//! An instance that fails too often is left alone for a while, and so are its callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::json;

use super::settings::Gated;
use super::{QUIET, before, gateway, port, routed};
use crate::support::wire::{Scripted, Then, Wire, exchange, pause, reply, say};
use crate::support::{Engine, TestSystem};

/// Longer than any test.
const LONG: (&str, &str) = ("GATEWAY_BREAKER_OPEN_MS", "60000");
const SHORT: (&str, &str) = ("GATEWAY_BREAKER_OPEN_MS", "300");
const STATE: &str = "busbar_gateway_breaker_state";

/// A service that answers with a status that can be changed; 0: it closes instead.
fn moody(status: u16) -> (Scripted, Arc<AtomicU16>) {
    let mood = Arc::new(AtomicU16::new(status));
    let shown = mood.clone();
    let service = Scripted::start(move |_, stream| match shown.load(SeqCst) {
        0 => Then::Close,
        status => {
            say(stream, format!("HTTP/1.1 {status} Moody\r\ncontent-length: 0\r\n\r\n"));
            Then::Keep
        }
    });
    (service, mood)
}

async fn ask(system: &TestSystem, times: usize) -> Vec<u16> {
    let mut seen = Vec::new();
    for _ in 0..times {
        seen.push(system.anonymous().get("/api/payments").await.status);
    }
    seen
}

/// Five failures in a row: the sixth call gets its answer without the service, with the time to
/// come again. Nobody else notices.
#[actix_web::test]
async fn a_service_that_fails_is_left_alone() {
    let (sick, well) = (moody(503).0, Scripted::saying("well"));
    let behind = [(ServiceName::Payments, &sick), (ServiceName::Billing, &well)];
    let system = gateway(&behind, &[LONG]).await;
    assert_eq!(ask(&system, 5).await, [503; 5]);

    let refused = system.anonymous().post("/api/payments", json!({})).await;

    assert_eq!(sick.heard().len(), 5);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(refused.header("x-busbar-reason"), "breaker_rejecting");
    assert!(!refused.text().contains("127.0.0.1"), "{refused}");
    refused.expect_problem(503, "breaker_rejecting");
    assert_eq!(system.anonymous().get("/api/bills").await.text(), "well");
    let text = system.anonymous().get("/metrics/prometheus").await.text();
    for line in [
        "busbar_gateway_breaker_state{instance=\"0\",upstream=\"payments\"} 2",
        "busbar_gateway_breaker_state{instance=\"0\",upstream=\"billing\"} 0",
        "busbar_gateway_breaker_transitions_total{instance=\"0\",to=\"rejecting\",upstream=\"payments\"} 1",
        "busbar_gateway_upstream_requests_total{outcome=\"breaker_rejecting\",upstream=\"payments\"} 1",
        "busbar_gateway_refusals_total{reason=\"breaker_rejecting\"} 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let told = system.log().into_iter().filter(|line| line.contains("passing -> rejecting"));
    assert_eq!(told.count(), 1);
}

/// After the wait one request goes through, however many come; its success lets all through.
#[actix_web::test]
async fn one_probe_decides_for_all() {
    let mood = Arc::new(AtomicU16::new(503));
    let (shown, gate) = (mood.clone(), Arc::new(AtomicU16::new(0)));
    let opened = gate.clone();
    let service = Scripted::start(move |_, stream| {
        if shown.load(SeqCst) == 503 {
            say(stream, "HTTP/1.1 503 Sick\r\ncontent-length: 0\r\n\r\n");
            return Then::Keep;
        }
        while opened.load(SeqCst) == 0 {
            pause(Duration::from_millis(2));
        }
        reply(stream, "well");
        Then::Keep
    });
    let system = before(&service, &[SHORT]).await;
    ask(&system, 5).await;
    mood.store(200, SeqCst);
    let send = || {
        let mut wire = Wire::to(port(&system));
        wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
        wire
    };
    let mut early = Vec::new();
    system
        .eventually("the probe is under way", async || {
            early.push(send());
            service.heard().len() == 6
        })
        .await;

    let mut crowd: Vec<Wire> = (0..100).map(|_| send()).collect();

    let seen = crowd.iter_mut().map(|wire| wire.answer());
    assert!(seen.into_iter().all(|answer| answer.text().contains("breaker_rejecting")));
    assert_eq!(service.heard().len(), 6, "one probe");
    assert_eq!(system.figure(ServiceName::Gateway, STATE).await, 1.0);
    gate.store(1, SeqCst);
    let good = early.iter_mut().map(|wire| wire.answer().status());
    assert_eq!(good.filter(|status| *status == 200).count(), 1);
    assert_eq!(ask(&system, 20).await, [200; 20]);
    assert_eq!(system.figure(ServiceName::Gateway, STATE).await, 0.0);
}

/// Each failing probe doubles the wait.
#[actix_web::test]
async fn a_probe_that_fails_doubles_the_wait() {
    let (service, _) = moody(0);
    let retries_off = ("GATEWAY_RETRY_MAX", "0");
    let system = before(&service, &[SHORT, retries_off]).await;
    ask(&system, 5).await;
    for wait in ["300", "600", "1200"] {
        let line = format!("-> rejecting for {wait} ms");
        system
            .eventually("it is left alone for twice as long", async || {
                ask(&system, 1).await;
                system.log().iter().any(|told| told.contains(&line))
            })
            .await;
    }
    assert!(service.heard().len() <= 8, "{}", service.heard().len());
}

/// What the client did wrong is no failure; errors of the service's own are one only in numbers.
#[actix_web::test]
async fn clients_faults_never_trip_it_and_errors_do_in_numbers() {
    let (service, mood) = moody(404);
    let system = before(&service, &[LONG]).await;
    assert_eq!(ask(&system, 50).await, [404; 50]);
    // Half of the answers of the last ten seconds, at the latest when they are all.
    mood.store(500, SeqCst);
    assert_eq!(ask(&system, 19).await, [500; 19]);
    system
        .eventually("half of the answers are errors", async || ask(&system, 1).await == [503])
        .await;
    assert!(service.heard().len() >= 90, "{}", service.heard().len());
}

/// A hosted service that its supervisor has replaced is asked again at once.
#[actix_web::test]
async fn another_incarnation_is_reached_at_once() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let services = [ServiceName::Payments, ServiceName::Gateway];
    let impatient = ("GATEWAY_REQUEST_TIMEOUT_MS", "1000");
    system.spawn(&services, &[QUIET, LONG, impatient]);
    system.ready(&services).await;
    let delay = json!({"kind": "delay", "milliseconds": 3_000});
    system.inject(ServiceName::Payments, delay, 5).await;
    let ask = || {
        let get = "GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n";
        let mut wire = Wire::to(port(&system));
        wire.send(get);
        wire
    };
    let mut slow: Vec<Wire> = (0..5).map(|_| ask()).collect();
    let seen: Vec<u16> = slow.iter_mut().map(|wire| wire.answer().status()).collect();
    assert_eq!(seen, [504; 5]);
    system.anonymous().get("/api/payments").await.expect_problem(503, "breaker_rejecting");

    system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;

    system
        .eventually("the next incarnation answers", async || {
            system.anonymous().get("/api/payments").await.status == 401
        })
        .await;
}

/// An added route has a breaker when it says so.
#[actix_web::test]
async fn an_added_route_says_whether_it_has_one() {
    let (with, without) = (moody(503).0, moody(503).0);
    let routes = [("/with", &with, "breaker = \"on\""), ("/without", &without, "")];
    let system = routed(&routes, &[LONG]).await;
    for path in ["/with", "/without"] {
        for _ in 0..8 {
            system.anonymous().get(path).await;
        }
    }
    assert_eq!((with.heard().len(), without.heard().len()), (5, 8));
}

/// A service that is busy and says when to come again does the right thing.
#[actix_web::test]
async fn one_of_ours_that_is_busy_is_not_left_alone() {
    let service = Scripted::start(|_, stream| {
        say(
            stream,
            "HTTP/1.1 503 Busy\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
             content-length: 2\r\n\r\n{}",
        );
        Then::Keep
    });
    let system = before(&service, &[LONG]).await;
    ask(&system, 30).await;
    assert_eq!(service.heard().len(), 30);
}

/// What the client does slowly is not the service's fault.
#[actix_web::test]
async fn a_slow_client_does_not_trip_it() {
    let gated = Gated::start();
    let short = ("GATEWAY_REQUEST_TIMEOUT_MS", "500");
    let system = before(&gated.service, &[LONG, short]).await;
    let gateway = port(&system);
    let slow = "POST /api/payments HTTP/1.1\r\nhost: busbar\r\ntransfer-encoding: chunked\r\n\r\n";
    let askers: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || exchange(gateway, format!("{slow}1\r\na\r\n")).status())
        })
        .collect();
    let seen: Vec<u16> = askers.into_iter().map(|asker| asker.join().unwrap()).collect();
    assert_eq!(seen, [408; 8]);
    assert_eq!(system.figure(ServiceName::Gateway, STATE).await, 0.0);
}

/// What a client can have any service say says nothing about it.
#[actix_web::test]
async fn a_method_that_nobody_knows_trips_nothing() {
    let service = Scripted::start(|heard, stream| {
        let status = if heard.message.method() == "GET" { "200 OK" } else { "501 What" };
        say(stream, format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"));
        Then::Keep
    });
    let system =
        routed(&[("/any", &service, "methods = [\"*\"]\nbreaker = \"on\"")], &[LONG]).await;
    for _ in 0..30 {
        let request = "FOO /any HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\r\n";
        assert_eq!(exchange(port(&system), request).status(), 501);
    }
    assert_eq!(system.anonymous().get("/any").await.status, 200);
}

/// Whoever is slow with a body is not the one that all others wait for.
#[actix_web::test]
async fn a_slow_upload_keeps_nobody_from_a_service_that_is_well() {
    let (service, mood) = moody(503);
    let system = before(&service, &[SHORT]).await;
    system
        .eventually("it is left alone", async || {
            ask(&system, 5).await;
            let answer = system.anonymous().get("/api/payments").await;
            answer.header("x-busbar-reason") == "breaker_rejecting"
        })
        .await;
    mood.store(200, SeqCst);
    let mut slow = Vec::new();
    system
        .eventually("an upload is let through", async || {
            let mut wire = Wire::to(port(&system));
            wire.send(
                "POST /api/payments HTTP/1.1\r\nhost: busbar\r\ncontent-length: 100000\r\n\r\nx",
            );
            slow.push(wire);
            system.figure(ServiceName::Gateway, STATE).await == 1.0
        })
        .await;
    assert_eq!(ask(&system, 1).await, [200], "at once");
}
