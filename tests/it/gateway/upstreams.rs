//! Services that misbehave, are away, or are several.
//!
//! How the lane below takes each breach of HTTP is tested beside it; here a few go the whole way.

use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::json;

use super::{before, gateway, port};
use crate::support::Answer;
use crate::support::TestSystem;
use crate::support::postgres::free_port;
use crate::support::wire::{Scripted, Then, Wire, pause, reply, say, wait_for_close};
use busbar::types::ServiceName;

/// Interim answers are none: the answer to each request is its own.
#[actix_web::test]
async fn an_interim_answer_is_not_the_answer() {
    let service = Scripted::start(|heard, stream| {
        say(stream, "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
        pause(Duration::from_millis(100));
        reply(stream, heard.message.target());
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    for number in 0..4 {
        wire.send(format!("GET /api/payments/{number} HTTP/1.1\r\nhost: busbar\r\n\r\n"));
        assert_eq!(wire.head_only().status(), 103);
        let answer = wire.answer();
        assert_eq!((answer.status(), answer.text()), (200, format!("/payments/{number}")));
    }
}

/// An answer that breaks off is not passed on as a whole one.
#[actix_web::test]
async fn a_truncated_answer_is_seen_as_one() {
    let service = Scripted::start(|heard, stream| {
        match heard.message.target() {
            "/payments/at-once" => {
                say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf");
            }
            _ => {
                say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
                pause(Duration::from_millis(200));
            }
        }
        Then::Close
    });
    let system = before(&service, &[]).await;
    let gateway = port(&system);
    for path in ["later", "at-once"] {
        let answer = std::thread::spawn(move || {
            let request = format!("POST /api/payments/{path} HTTP/1.1\r\nhost: busbar\r\n\r\n");
            Wire::to(gateway).send(request).try_answer().unwrap_or_default()
        });
        let answer = answer.join().unwrap();
        assert!(answer.status() == 502 || !answer.is_whole, "{path}: {answer:?}");
    }
}

/// What is no HTTP is a 502 that says nothing of the inside.
#[actix_web::test]
async fn nonsense_is_a_bad_gateway() {
    let service = Scripted::start(|heard, stream| {
        match heard.message.target() {
            "/payments/noise" => say(stream, "220 mail.example ESMTP\r\n"),
            "/payments/length" => say(stream, "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx"),
            "/payments/switch" => say(stream, "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            _ => {}
        }
        Then::Close
    });
    let system = before(&service, &[]).await;
    for way in ["noise", "length", "switch", "silence"] {
        let answer = system.anonymous().post(&format!("/api/payments/{way}"), json!({})).await;
        assert!(!answer.text().contains("127.0.0.1"), "{answer}");
        answer.expect_problem(502, "upstream_failed");
    }
}

/// A service that is not there is a 503 that asks to come again.
#[actix_web::test]
async fn an_absent_service_is_unavailable() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let system = gateway(&[], &[("PAYMENT_SERVICE_URL", &nobody)]).await;
    let answer = system.anonymous().get("/api/payments").await;
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text().contains("127.0.0.1"), "{answer}");
    answer.expect_problem(503, "service_unavailable");
}

/// Loses the answer to the first request with a body or a path of its own, on whatever connection.
fn forgetful(losses: usize) -> Scripted {
    let lost = std::sync::atomic::AtomicUsize::new(0);
    Scripted::start(move |_, stream| {
        if lost.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < losses {
            return Then::Close;
        }
        reply(stream, "at last");
        Then::Keep
    })
}

async fn asked(losses: usize, ask: impl AsyncFn(&TestSystem) -> Answer) -> (Answer, usize) {
    let service = forgetful(losses);
    let system = before(&service, &[]).await;
    let answer = ask(&system).await;
    (answer, service.heard().len())
}

/// Asked again when that does no harm, twice; never when it may.
#[actix_web::test]
async fn a_lost_answer_is_asked_for_again_when_that_is_harmless() {
    let (read, seen) = asked(1, async |system| system.anonymous().get("/api/payments").await).await;
    assert_eq!((read.status, seen), (200, 2), "{read}");

    let keyed = async |system: &TestSystem| {
        system.anonymous().keyed("k-1").post("/api/payments", json!({"a": 1})).await
    };
    let (keyed_once, seen) = asked(1, keyed).await;
    assert_eq!((keyed_once.status, seen), (200, 2), "{keyed_once}");
    let (keyed_twice, seen) = asked(2, keyed).await;
    assert_eq!((keyed_twice.status, seen), (200, 3), "{keyed_twice}");
    let (keyed_thrice, seen) = asked(3, keyed).await;
    assert_eq!(seen, 3, "GATEWAY_RETRY_MAX");
    keyed_thrice.expect_problem(502, "upstream_failed");

    let (bare, seen) =
        asked(1, async |system| system.anonymous().post("/api/payments", json!({})).await).await;
    assert_eq!(seen, 1);
    bare.expect_problem(502, "upstream_failed");

    let large = "x".repeat(100_000);
    let (large, seen) = asked(1, async |system| {
        let client = system.anonymous().keyed("k-1");
        client.send(Method::POST, "/api/payments", Some(large.clone())).await
    })
    .await;
    assert_eq!(seen, 1, "what has streamed through is gone");
    large.expect_problem(502, "upstream_failed");
}

/// The same body and key go out both times.
#[actix_web::test]
async fn the_second_time_is_the_same_request() {
    let service = forgetful(1);
    let system = before(&service, &[]).await;
    system.anonymous().keyed("k-1").post("/api/payments", json!({"a": 1})).await.expect(200);
    let heard = service.heard();
    let seen: Vec<_> = heard
        .iter()
        .map(|heard| (heard.message.text(), heard.message.field("idempotency-key")))
        .collect();
    assert_eq!(seen, [(r#"{"a":1}"#.into(), "k-1".into()), (r#"{"a":1}"#.into(), "k-1".into())]);
    assert_eq!(heard[0].message.field("x-request-id"), heard[1].message.field("x-request-id"));
    assert_ne!(heard[0].connection, heard[1].connection);
}

/// Of several instances those that are away are passed over, also for what cannot be repeated.
#[actix_web::test]
async fn requests_go_round_an_instance_that_is_away() {
    let (one, two) = (Scripted::saying("one"), Scripted::saying("two"));
    let away = Scripted::saying("away");
    let urls = format!("{},{},{}", one.url(), away.url(), two.url());
    let system = gateway(&[], &[("PAYMENT_SERVICE_URL", &urls)]).await;
    system
        .eventually("all three are known to be up", async || {
            let health = system.anonymous().get("/health").await.json;
            let payments = &health["services"][1];
            payments["service"] == "payment" && payments["status"] == "UP"
        })
        .await;
    drop(away);
    let mut said = Vec::new();
    for _ in 0..20 {
        let answer = system.anonymous().post("/api/payments", json!({})).await;
        assert_eq!(answer.status, 200, "{answer}");
        said.push(answer.text());
    }
    assert!(said.contains(&"one".to_owned()) && said.contains(&"two".to_owned()), "{said:?}");
    assert!(system.figure(ServiceName::Gateway, "busbar_gateway_retries_total").await > 0.0);
}

/// When all connections are taken and the line is full, the next one is turned away at once.
#[actix_web::test]
async fn too_many_requests_overflow() {
    let service = Scripted::start(|_, stream| {
        wait_for_close(stream);
        Then::Close
    });
    let bounds = [
        ("GATEWAY_MAX_SOCKETS", "2"),
        ("GATEWAY_MAX_FREE_SOCKETS", "2"),
        ("GATEWAY_MAX_PENDING", "0"),
    ];
    let system = before(&service, &bounds).await;
    let mut held: Vec<Wire> = (0..2).map(|_| Wire::to(port(&system))).collect();
    for wire in &mut held {
        wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
    }
    system.eventually("both are under way", async || service.open() == 2).await;
    let start = Instant::now();
    let third = system.anonymous().get("/api/payments").await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(third.header("retry-after"), "1");
    third.expect_problem(503, "upstream_overflow");
    // The others do not stand in line for this service.
    system.anonymous().get("/health").await.expect(200);
    assert_eq!(service.opened(), 2);
}
