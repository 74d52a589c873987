//! Streams of events (`text/event-stream`) live longer than any request, but not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use super::{before, port};
use crate::support::wire::{Scripted, Then, Wire, pause, say, wait_for_close};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
                    cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n";
const ASK: &str =
    "GET /api/payments/stream HTTP/1.1\r\nhost: busbar\r\naccept: text/event-stream\r\n\r\n";
const SHORT: (&str, &str) = ("GATEWAY_REQUEST_TIMEOUT_MS", "500");

/// A stream outlives the deadline of requests, and is told of as nothing slow.
#[actix_web::test]
async fn a_stream_has_no_deadline() {
    let service = Scripted::start(|_, stream| {
        say(stream, HEAD);
        for _ in 0..8 {
            say(stream, "9\r\ndata: x\n\n\r\n");
            pause(Duration::from_millis(200));
        }
        say(stream, "0\r\n\r\n");
        Then::Keep
    });
    let system = before(&service, &[SHORT]).await;
    let gateway = port(&system);
    let answer = std::thread::spawn(move || Wire::to(gateway).send(ASK).answer()).join().unwrap();
    assert!(answer.is_whole, "{answer:?}");
    assert_eq!(answer.text(), "data: x\n\n".repeat(8));
    let slow = system.log().into_iter().filter(|line| line.contains("slow_request"));
    assert_eq!(slow.count(), 0);
}

/// Each event is passed on as it comes: the next one waits for the client to have seen it.
#[actix_web::test]
async fn nothing_is_held_back() {
    let seen = Arc::new(AtomicUsize::new(0));
    let seen_by_client = seen.clone();
    let service = Scripted::start(move |_, stream| {
        say(stream, HEAD);
        for number in 0..5 {
            while seen_by_client.load(SeqCst) < number {
                pause(Duration::from_millis(1));
            }
            say(stream, "9\r\ndata: x\n\n\r\n");
        }
        say(stream, "0\r\n\r\n");
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let gateway = port(&system);
    let client = std::thread::spawn(move || {
        let mut wire = Wire::to(gateway);
        assert_eq!(wire.send(ASK).head_only().status(), 200);
        for number in 1..=5 {
            while !wire.line().contains("data: x") {}
            seen.store(number, SeqCst);
        }
    });
    client.join().unwrap();
}

/// `GATEWAY_EVENTS_IDLE_MS`: silence ends it, on both sides.
#[actix_web::test]
async fn a_silent_stream_is_cut() {
    let service = Scripted::start(|_, stream| {
        say(stream, format!("{HEAD}9\r\ndata: x\n\n\r\n"));
        wait_for_close(stream);
        Then::Close
    });
    let system = before(&service, &[("GATEWAY_EVENTS_IDLE_MS", "300")]).await;
    let gateway = port(&system);
    let answer = std::thread::spawn(move || Wire::to(gateway).send(ASK).answer()).join().unwrap();
    assert_eq!((answer.status(), answer.is_whole), (200, false), "{answer:?}");
    assert_eq!(answer.text(), "data: x\n\n");
    system.eventually("its connection is closed", async || service.open() == 0).await;
    let text = system.anonymous().get("/metrics/prometheus").await.text();
    assert!(text.contains("busbar_gateway_bodies_cut_total{reason=\"idle\"} 1"), "{text}");
}
