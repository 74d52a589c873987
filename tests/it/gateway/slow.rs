//! Clients that send or read slowly: they are ended, and keep nobody else waiting.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;

use super::{before, gateway, port};
use crate::support::launch::PATIENCE;
use crate::support::wire::{Scripted, Then, Wire, reply, say, wait_for_close};

const HEAD_TIMEOUT: (&str, &str) = ("BUSBAR_SERVER_CLIENT_REQUEST_TIMEOUT_MS", "1500");
const REQUEST_TIMEOUT: (&str, &str) = ("GATEWAY_REQUEST_TIMEOUT_MS", "3000");
/// Between two bytes of a slow client.
const PACE: Duration = Duration::from_millis(100);

/// Sends this, then a byte at a time, until it is ended; all that it was told, if it ever was.
fn dribble(gateway: u16, start: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", gateway)).unwrap();
    stream.set_read_timeout(Some(PACE)).unwrap();
    stream.write_all(start.as_bytes()).unwrap();
    let mut told = Vec::new();
    let mut buffer = [0; 4096];
    let turns = PATIENCE.as_millis() / PACE.as_millis();
    for _ in 0..turns {
        drop(stream.write_all(b"x"));
        match stream.read(&mut buffer) {
            Ok(0) => return Some(String::from_utf8_lossy(&told).into_owned()),
            Ok(read) => told.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Some(String::from_utf8_lossy(&told).into_owned()),
        }
    }
    None
}

/// Two hundred slow clients, heads and bodies a byte at a time, before a service that takes four
/// requests at once: they hold none of its places, and are told that they were too slow.
#[actix_web::test]
async fn two_hundred_slow_clients_keep_nobody_waiting() {
    const SLOW: usize = 200;
    let service = Scripted::saying("ok");
    let few = [
        HEAD_TIMEOUT,
        REQUEST_TIMEOUT,
        ("GATEWAY_MAX_SOCKETS", "4"),
        ("GATEWAY_MAX_FREE_SOCKETS", "4"),
        ("GATEWAY_MAX_PENDING", "4"),
    ];
    let system = before(&service, &few).await;
    let gateway = port(&system);
    let kinds = [
        ("GET /api/payments HTTP/1.1\r\nhost: a\r\nx-slow: ", "head_too_slow"),
        ("GE", "head_too_slow"),
        (
            "POST /api/payments HTTP/1.1\r\nhost: a\r\ncontent-length: 5000\r\n\r\n",
            "request_timeout",
        ),
        (
            "POST /api/payments HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfff\r\n",
            "request_timeout",
        ),
    ];
    let ended = Arc::new(AtomicUsize::new(0));
    let clients = (0..SLOW).map(|number| {
        let (start, code) = kinds[number % kinds.len()];
        let ended = ended.clone();
        std::thread::spawn(move || {
            let told = dribble(gateway, start);
            ended.fetch_add(1, SeqCst);
            let told = told.expect(start);
            assert!(told.starts_with("HTTP/1.1 408 "), "{start:?}: {told}");
            assert!(told.contains(code), "{start:?}: {told}");
        })
    });
    let clients: Vec<_> = clients.collect();

    let mut served = 0;
    let mut wire = Wire::to(gateway);
    while served < 50 || ended.load(SeqCst) < SLOW {
        let answer = wire.get("/api/payments/fast");
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"), "{answer:?}");
        served += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    clients.into_iter().for_each(|client| client.join().unwrap());
    assert_eq!(service.heard().len(), served, "no slow request was sent on");
}

/// The second head of a connection has its time as the first has; between them a client may wait.
#[actix_web::test]
async fn each_head_has_its_time() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[HEAD_TIMEOUT]).await;
    let mut wire = Wire::to(port(&system));
    // Longer than a head may take, as no head has begun.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(wire.get("/api/payments").status(), 200);
    tokio::time::sleep(Duration::from_millis(2_000)).await;
    assert_eq!(wire.get("/api/payments").status(), 200);

    wire.send("GET /api/payments HTTP/1.1\r\nhost");
    let answer = wire.answer();
    assert_eq!(answer.status(), 408, "RFC 9110, section 15.5.9: {answer:?}");
    assert_eq!(answer.field("x-busbar-reason"), "head_too_slow");
    assert!(wire.is_closed());
}

/// Who never says a word is told none: the connection ends.
#[actix_web::test]
async fn who_says_nothing_is_told_nothing() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[HEAD_TIMEOUT]).await;
    let mut wire = Wire::to(port(&system));
    system.eventually("it ends", async || wire.has_been_closed()).await;
    assert!(wire.is_closed(), "something was said");
}

/// A large body passes through as long as it comes.
#[actix_web::test]
async fn a_body_that_stops_coming_is_ended() {
    let service = Scripted::start(|_, stream| {
        reply(stream, "ok");
        Then::Keep
    });
    let documents = gateway(&[(ServiceName::Documents, &service)], &[]).await;
    let mut wire = Wire::to(port(&documents));
    wire.send("POST /api/documents HTTP/1.1\r\nhost: a\r\ncontent-length: 200000\r\n\r\n");
    wire.send("x".repeat(150_000));

    let answer = wire.answer();

    assert_eq!(answer.status(), 408, "{answer:?}");
    assert!(answer.text().contains("\"code\":\"request_timeout\""), "{answer:?}");
    documents.eventually("the service is left alone", async || service.open() == 0).await;
}

/// A client that takes nothing of its answer has its place until its deadline, and no longer.
#[actix_web::test]
async fn a_client_that_does_not_read_gives_its_place_back() {
    let service = Scripted::start(|heard, stream| {
        if heard.message.target().ends_with("/endless") {
            say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
            let piece = vec![b'z'; 1_000_000];
            while stream.write_all(&piece).is_ok() {}
            wait_for_close(stream);
            return Then::Close;
        }
        reply(stream, "ok");
        Then::Keep
    });
    let one = [
        REQUEST_TIMEOUT,
        ("GATEWAY_MAX_SOCKETS", "1"),
        ("GATEWAY_MAX_FREE_SOCKETS", "1"),
        ("GATEWAY_MAX_PENDING", "0"),
    ];
    let system = before(&service, &one).await;
    let mut idle = Wire::to(port(&system));
    idle.send("GET /api/payments/endless HTTP/1.1\r\nhost: a\r\n\r\n");
    system.eventually("it has begun", async || service.open() == 1).await;
    assert_eq!(system.anonymous().get("/api/payments").await.status, 503);

    system
        .eventually("the next one is served", async || {
            system.anonymous().get("/api/payments").await.status == 200
        })
        .await;
}

/// It is left alone before that, when it has taken nothing for long.
#[actix_web::test]
async fn a_client_that_reads_nothing_is_left_alone() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
        let piece = vec![b'z'; 1_000_000];
        while stream.write_all(&piece).is_ok() {}
        Then::Close
    });
    // Longer than the test is patient.
    let system = before(&service, &[("GATEWAY_REQUEST_TIMEOUT_MS", "120000")]).await;
    let mut idle = Wire::to(port(&system));
    idle.send("GET /api/payments HTTP/1.1\r\nhost: a\r\n\r\n");
    system.eventually("it has begun", async || service.open() == 1).await;
    system.eventually("the service is left alone", async || service.open() == 0).await;
}
