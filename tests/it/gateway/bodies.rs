//! Bodies on their way through: whole, bounded, as they come.

use std::net::TcpListener;
use std::time::Duration;

use awc::http::Method;

use super::{PATIENT, before, gateway, port};
use crate::support::launch::PATIENCE;
use crate::support::wire::{Scripted, Then, Wire, exchange, reply, say, wait_for_close};

/// The largest body that the gateway of these tests passes on.
const MAX: (&str, &str) = ("GATEWAY_MAX_BODY_BYTES", "200000");

fn chunked(target: &str, chunk: usize, chunks: usize) -> Vec<u8> {
    let head =
        format!("POST {target} HTTP/1.1\r\nhost: busbar\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut request = head.into_bytes();
    for _ in 0..chunks {
        request.extend(format!("{chunk:x}\r\n").into_bytes());
        request.extend(vec![b'x'; chunk]);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    request
}

/// Small, large and chunked bodies arrive as they were sent.
#[actix_web::test]
async fn request_bodies_arrive_whole() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[MAX]).await;
    for length in [0, 1, 65_536, 65_537, 200_000] {
        let body = "x".repeat(length);
        let posted = system.anonymous().send(Method::POST, "/api/payments", Some(body)).await;
        posted.expect(200);
        let sent = service.last();
        assert_eq!((sent.body.len(), sent.field("content-length")), (length, length.to_string()));
    }
    let answer = exchange(port(&system), chunked("/api/payments", 10_000, 20));
    assert_eq!(answer.status(), 200, "{answer:?}");
    let sent = service.last();
    assert_eq!((sent.body.len(), sent.field("transfer-encoding").as_str()), (200_000, "chunked"));
}

/// A service that says the length of each piece of a body as it comes; its url.
fn measuring() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut wire = Wire::over(stream, PATIENCE);
                if wire.head_only().target().starts_with("/health") {
                    wire.send("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"status\":\"UP\"}");
                    return;
                }
                wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
                loop {
                    let (length, piece) = (wire.line(), wire.line());
                    if length.trim() == "0" {
                        break;
                    }
                    let told = (piece.len() - 2).to_string();
                    wire.send(format!("{:x}\r\n{told}\r\n", told.len()));
                }
                wire.send("0\r\n\r\n");
            });
        }
    });
    url
}

/// An answer may begin before its request is over: each then goes on as the other does.
#[actix_web::test]
async fn a_request_goes_on_behind_the_head_of_its_answer() {
    let url = measuring();
    let system = gateway(&[], &[PATIENT, MAX, ("PAYMENT_SERVICE_URL", url.as_str())]).await;
    let mut wire = Wire::to(port(&system));
    let told = |wire: &mut Wire| {
        wire.line();
        wire.line().trim().parse::<usize>().unwrap()
    };

    wire.send("POST /api/payments HTTP/1.1\r\nhost: busbar\r\ntransfer-encoding: chunked\r\n\r\n");
    let large = "x".repeat(100_000);
    wire.send(format!("{:x}\r\n{large}\r\n", large.len()));
    assert_eq!(wire.head_only().status(), 200);
    let mut seen = 0;
    while seen < large.len() {
        seen += told(&mut wire);
    }
    for piece in ["second", "third"] {
        wire.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        assert_eq!(told(&mut wire), piece.len());
    }
    wire.send("0\r\n\r\n");
    assert_eq!((wire.line().as_str(), wire.line().as_str()), ("0\r\n", "\r\n"));
}

/// A body over the limit is refused: when it says so, before the service hears of it.
#[actix_web::test]
async fn a_body_that_is_too_large_is_refused() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[MAX]).await;
    let body = "x".repeat(200_001);

    let declared = system.anonymous().send(Method::POST, "/api/payments", Some(body)).await;
    declared.expect_problem(413, "body_too_large");
    assert!(service.heard().is_empty());

    let answer = exchange(port(&system), chunked("/api/payments", 100_000, 30));
    assert_eq!(answer.status(), 413, "{answer:?}");
    assert!(answer.text().contains("\"code\":\"body_too_large\""), "{answer:?}");
    assert!(service.heard().iter().all(|heard| !heard.message.is_whole), "it saw the end");
}

/// Two lengths are one too many: nothing is sent on.
#[actix_web::test]
async fn a_request_with_two_lengths_is_refused() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let answer = exchange(
        port(&system),
        "POST /api/payments HTTP/1.1\r\nhost: busbar\r\ncontent-length: 3\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    assert_eq!(answer.status(), 400, "{answer:?}");
    assert!(service.heard().is_empty());
}

/// Answers of every framing reach the client whole.
#[actix_web::test]
async fn answers_arrive_whole() {
    let service = Scripted::start(|heard, stream| {
        let large = "y".repeat(3_000_000);
        match heard.message.target() {
            "/payments/length" => reply(stream, &large),
            "/payments/chunks" => {
                say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
                for piece in large.as_bytes().chunks(100_000) {
                    say(stream, format!("{:x}\r\n", piece.len()));
                    say(stream, piece);
                    say(stream, "\r\n");
                }
                say(stream, "0\r\n\r\n");
            }
            "/payments/unframed" => {
                say(stream, format!("HTTP/1.1 200 OK\r\n\r\n{large}"));
                return Then::Close;
            }
            "/payments/nothing" => say(stream, "HTTP/1.1 204 No Content\r\n\r\n"),
            _ => say(stream, "HTTP/1.1 304 Not Modified\r\netag: \"v1\"\r\n\r\n"),
        }
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let client = system.anonymous();
    for way in ["length", "chunks", "unframed"] {
        let answer = client.get(&format!("/api/payments/{way}")).await;
        assert_eq!((answer.status, answer.body.len()), (200, 3_000_000), "{way}");
    }
    assert_eq!(client.get("/api/payments/nothing").await.status, 204);
    let same = client.get("/api/payments/same").await;
    assert_eq!((same.status, same.header("etag"), same.body.len()), (304, "\"v1\"", 0));
}

/// RFC 9112, section 6.1: a client of HTTP/1.0 knows no chunks. What has no length ends with the
/// connection, even if it would have been kept.
#[actix_web::test]
async fn an_old_client_gets_no_chunks() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
        Then::Keep
    });
    let system = before(&service, &[]).await;
    for connection in ["close", "keep-alive"] {
        let mut wire = Wire::to(port(&system));
        wire.send(format!("GET /api/payments HTTP/1.0\r\nconnection: {connection}\r\n\r\n"));
        let answer = wire.answer();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "hi"), "{answer:?}");
        assert!(!answer.has("transfer-encoding") && !answer.has("content-length"), "{answer:?}");
        assert_ne!(answer.field("connection"), "keep-alive", "{answer:?}");
    }
}

/// HEAD shows the length of what GET would bring, and the connection goes on.
#[actix_web::test]
async fn head_has_the_length_and_no_body() {
    let service = Scripted::start(|heard, stream| {
        match heard.message.method() {
            "HEAD" => say(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n"),
            _ => reply(stream, "after"),
        }
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    // Both at once: the second is there before the first is answered.
    wire.send(
        "HEAD /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n\
         GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n",
    );
    let head = wire.head_only();
    assert_eq!((head.status(), head.field("content-length").as_str()), (200, "1234"), "{head:?}");
    assert_eq!(wire.answer().text(), "after");
}

/// A piece of an answer is passed on when it comes, not when the answer is whole.
#[actix_web::test]
async fn answers_are_streamed() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        // The rest never comes.
        wait_for_close(stream);
        Then::Close
    });
    let system = before(&service, &[]).await;
    let gateway = port(&system);
    let first = std::thread::spawn(move || {
        let mut wire = Wire::to(gateway);
        wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
        let head = wire.head_only();
        (head.status(), wire.line(), wire.line())
    });
    let seen = first.join().unwrap();
    assert_eq!(seen, (200, "5\r\n".to_owned(), "first\r\n".to_owned()));
    system
        .eventually("the service sees that the client has gone", async || service.open() == 0)
        .await;
}

/// A client that leaves takes its request along: the service sees its connection closed.
#[actix_web::test]
async fn a_client_that_leaves_ends_the_exchange() {
    let service = Scripted::start(|_, stream| {
        wait_for_close(stream);
        Then::Close
    });
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
    system.eventually("the request has arrived", async || service.open() == 1).await;
    drop(wire);
    system.eventually("the exchange has ended", async || service.open() == 0).await;
    assert_eq!(service.heard().len(), 1, "and was not begun again");
}

/// A client that stops reading holds the service back, not the gateway's memory.
#[actix_web::test]
async fn a_slow_reader_holds_the_service_back() {
    const PIECE: usize = 1_000_000;
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = sent.clone();
    let service = Scripted::start(move |_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let piece = vec![b'z'; PIECE];
        for _ in 0..100 {
            use std::io::Write;
            let head = format!("{PIECE:x}\r\n");
            let all = [head.as_bytes(), &piece, b"\r\n"].concat();
            if stream.write_all(&all).is_err() {
                return Then::Close;
            }
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        Then::Close
    });
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n");
    assert_eq!(wire.head_only().status(), 200);
    system.eventually("the service gives up", async || service.open() == 0).await;
    let pieces = sent.load(std::sync::atomic::Ordering::SeqCst);
    assert!(pieces < 50, "{pieces} MB went nowhere");
}
