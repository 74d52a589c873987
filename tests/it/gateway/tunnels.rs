//! WebSockets that pass through (RFC 6455; RFC 9110, section 7.8).

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use busbar::types::ServiceName;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::{before, port};
use crate::support::TestSystem;
use crate::support::launch::PATIENCE;
use crate::support::wire::{Heard, Message, Scripted, Then, exchange, pause, read_message, say};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const UNDER_WAY: &str = "busbar_gateway_requests_under_way";
const SHORT: (&str, &str) = ("GATEWAY_REQUEST_TIMEOUT_MS", "1000");

fn opening(more: &str) -> String {
    format!(
        "GET /api/notifications/live?x=1 HTTP/1.1\r\nhost: busbar\r\nconnection: Upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\n{more}\r\n"
    )
}

/// The head of an answer that understood the opening.
fn accepted(opening: &Message) -> String {
    let key = opening.field("sec-websocket-key");
    let shown = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, shown.as_bytes()));
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\nsec-websocket-protocol: chat\r\n\r\n"
    )
}

/// Says `first` together with the head, then everything back until the other side is done.
fn echo(first: &'static str) -> Scripted {
    Scripted::start(move |heard, stream| answer_with_echo(heard, stream, first))
}

fn answer_with_echo(heard: &Heard, stream: &mut TcpStream, first: &str) -> Then {
    say(stream, format!("{}{first}", accepted(&heard.message)));
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    Then::Close
}

/// What a service does that says everything back.
pub(super) fn echo_to(heard: &Heard, stream: &mut TcpStream) -> Then {
    answer_with_echo(heard, stream, "")
}

/// Opens a tunnel at a path.
pub(super) fn opened(stream: &mut TcpStream, path: &str) {
    let opening = opening("").replace("/api/notifications/live?x=1", path);
    stream.write_all(opening.as_bytes()).unwrap();
    assert_eq!(read_message(stream, false).expect("an answer").status(), 101);
}

async fn in_front_of(service: &Scripted, more: &[(&str, &str)]) -> TestSystem {
    super::gateway(&[(ServiceName::Notifications, service)], more).await
}

fn open(system: &TestSystem) -> (TcpStream, Message) {
    let mut stream = TcpStream::connect(("127.0.0.1", port(system))).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(opening("x-user-id: root\r\n").as_bytes()).unwrap();
    let head = read_message(&mut stream, false).expect("an answer");
    (stream, head)
}

fn read(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn is_closed(stream: &mut TcpStream) -> bool {
    !matches!(stream.read(&mut [0]), Ok(1..))
}

/// The opening with its fields, a megabyte each way, and the end that the client makes.
#[actix_web::test]
async fn bytes_pass_both_ways_until_the_client_leaves() {
    let service = echo("early");
    let system = in_front_of(&service, &[]).await;
    let (mut stream, head) = open(&system);

    assert_eq!(head.status(), 101, "{head:?}");
    assert_eq!(head.field("upgrade").to_lowercase(), "websocket");
    assert_eq!(head.field("connection").to_lowercase(), "upgrade");
    assert_eq!(head.field("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(head.field("sec-websocket-protocol"), "chat");
    assert!(!head.has("content-length") && !head.has("transfer-encoding"), "{head:?}");
    let heard = service.last();
    assert_eq!(heard.target(), "/notifications/live?x=1");
    assert_eq!(heard.field("upgrade"), "websocket");
    assert_eq!(heard.field("connection").to_lowercase(), "upgrade");
    assert_eq!((heard.field("via"), heard.has("x-user-id")), ("1.1 busbar".to_owned(), false));
    assert!(heard.has("x-request-id") && heard.has("x-forwarded-for"), "{heard:?}");

    assert_eq!(read(&mut stream, 5), b"early");
    let sent: Vec<u8> = (0..1_u32 << 20).map(|n| (n % 251) as u8).collect();
    let (mut way_in, bytes) = (stream.try_clone().unwrap(), sent.clone());
    let writer = std::thread::spawn(move || way_in.write_all(&bytes).unwrap());
    assert!(read(&mut stream, sent.len()) == sent, "what came back is what was sent");
    writer.join().unwrap();
    assert_eq!(system.figure(ServiceName::Gateway, UNDER_WAY).await, 1.0);

    stream.shutdown(Shutdown::Both).unwrap();
    system.eventually("the service is told", async || service.open() == 0).await;
    let is_over = async || system.figure(ServiceName::Gateway, UNDER_WAY).await == 0.0;
    system.eventually("its place is free", is_over).await;
}

/// The end that the service makes reaches the client.
#[actix_web::test]
async fn a_service_that_leaves_ends_it() {
    let service = Scripted::start(|heard, stream| {
        say(stream, accepted(&heard.message));
        say(stream, "bye");
        Then::Close
    });
    let system = in_front_of(&service, &[]).await;
    let (mut stream, _) = open(&system);
    assert_eq!(read(&mut stream, 3), b"bye");
    assert!(is_closed(&mut stream));
}

/// No deadline holds for it.
#[actix_web::test]
async fn it_outlives_the_deadline_of_requests() {
    let service = echo("");
    let system = in_front_of(&service, &[SHORT]).await;
    let (mut stream, _) = open(&system);
    pause(Duration::from_millis(2500));
    stream.write_all(b"still here").unwrap();
    assert_eq!(read(&mut stream, 10), b"still here");
}

/// `GATEWAY_TUNNEL_IDLE_MS`: silence on both sides ends it.
#[actix_web::test]
async fn silence_ends_it() {
    let service = echo("");
    let system = in_front_of(&service, &[("GATEWAY_TUNNEL_IDLE_MS", "300")]).await;
    let (mut stream, head) = open(&system);
    assert_eq!(head.status(), 101);
    let closed = std::thread::spawn(move || is_closed(&mut stream));
    assert!(closed.join().unwrap());
    system.eventually("the service is free", async || service.open() == 0).await;
}

/// A gateway that leaves does not wait for it.
#[actix_web::test]
async fn a_stop_ends_it() {
    let service = echo("");
    let system = in_front_of(&service, &[("BUSBAR_SHUTDOWN_TIMEOUT_MS", "25000")]).await;
    let (mut stream, _) = open(&system);
    let mut process = system.take_process();
    process.signal("TERM");
    let closed = std::thread::spawn(move || is_closed(&mut stream));
    assert_eq!(process.ended().await.code(), Some(0), "{}", process.log().join("\n"));
    assert!(closed.join().unwrap());
}

/// A service that does not switch has its answer passed on like any other.
#[actix_web::test]
async fn a_refusal_is_an_answer() {
    let service = Scripted::start(|_, stream| {
        say(
            stream,
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\nx-why: because\r\nx-busbar-reason: none\r\n\r\nno",
        );
        Then::Keep
    });
    let system = in_front_of(&service, &[]).await;
    let answer = exchange(port(&system), opening(""));
    assert_eq!((answer.status(), answer.text()), (403, "no".to_owned()));
    assert_eq!(answer.field("x-why"), "because");
    assert!(!answer.has("x-busbar-reason"), "the gateway has no reason of its own");
}

/// RFC 6455, section 4.1: an answer that does not show the key is none; and nobody switches unasked.
#[actix_web::test]
async fn an_answer_to_something_else_is_a_bad_gateway() {
    let service = Scripted::start(|_, stream| {
        say(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-accept: bm90IGl0\r\n\r\n",
        );
        Then::Close
    });
    let system = before(&service, &[]).await;
    let gateway = port(&system);
    let asked = opening("").replace("/api/notifications/live", "/api/payments");
    for request in [asked, "GET /api/payments HTTP/1.1\r\nhost: busbar\r\n\r\n".to_owned()] {
        let answer = exchange(gateway, request);
        assert_eq!(answer.status(), 502, "{answer:?}");
        assert_eq!(answer.field("x-busbar-reason"), "upstream_failed");
    }
}

/// RFC 6455, section 4.2.1: what is no opening does not reach a service.
#[actix_web::test]
async fn a_malformed_opening_is_refused() {
    let service = echo("");
    let system = in_front_of(&service, &[]).await;
    for (from, to, status) in [
        ("sec-websocket-version: 13", "sec-websocket-version: 8", 426),
        (KEY, "c2hvcnQ=", 400),
        ("GET", "POST", 400),
    ] {
        let answer = exchange(port(&system), opening("").replace(from, to));
        assert_eq!(answer.status(), status, "{to}: {answer:?}");
        if status == 426 {
            assert_eq!(answer.field("sec-websocket-version"), "13");
        }
    }
    assert!(service.heard().is_empty());
}

/// RFC 9110, section 7.8: an upgrade to what is not spoken here is no reason to refuse, and the answer
/// does not claim that anything was switched. So do clients ask that would rather speak HTTP/2.
#[actix_web::test]
async fn an_upgrade_to_something_else_is_an_ordinary_request() {
    let service = Scripted::saying("ok");
    let system = in_front_of(&service, &[]).await;
    let answer = exchange(
        port(&system),
        "GET /api/notifications HTTP/1.1\r\nhost: busbar\r\nconnection: Upgrade, HTTP2-Settings\r\n\
         upgrade: h2c\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    );
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"), "{answer:?}");
    assert!(answer.field("connection").eq_ignore_ascii_case("close"), "{answer:?}");
    let sent = service.last();
    for name in ["upgrade", "http2-settings", "connection"] {
        assert!(!sent.has(name), "{name}: {sent:?}");
    }
}
