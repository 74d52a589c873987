//! Requests in a row on one connection (RFC 9112, section 9.3.2): answered in their order, each
//! with its own answer.

use super::{before, port};
use crate::support::wire::{Scripted, Then, Wire, reply, say};

/// Says which request it has heard.
fn echoing() -> Scripted {
    Scripted::start(|heard, stream| {
        let message = &heard.message;
        let text = format!("{} {} {}", message.method(), message.target(), message.text());
        match message.method() {
            "HEAD" => {
                say(stream, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", text.len()))
            }
            _ => reply(stream, &text),
        }
        Then::Keep
    })
}

fn get(number: usize) -> String {
    format!("GET /api/payments/{number} HTTP/1.1\r\nhost: a\r\n\r\n")
}

/// The parser knows but one method and one version at a time: the last that it has read.
#[actix_web::test]
async fn a_request_behind_does_not_change_the_answer_before() {
    let service = echoing();
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    wire.send(format!(
        "{}HEAD /api/payments/2 HTTP/1.1\r\nhost: a\r\n\r\n{}\
         GET /api/payments/4 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n{}",
        get(1),
        get(3),
        get(5)
    ));

    assert_eq!(wire.answer().text(), "GET /payments/1 ");
    let head = wire.head_only();
    assert_eq!(head.field("content-length"), "HEAD /payments/2 ".len().to_string(), "{head:?}");
    assert_eq!(wire.answer().text(), "GET /payments/3 ");
    let old = wire.answer();
    assert!(old.line.starts_with("HTTP/1.0 200"), "{old:?}");
    assert_eq!(old.text(), "GET /payments/4 ");
    assert_eq!(wire.answer().text(), "GET /payments/5 ");
}

/// However the bytes fall into packets, bodies belong to their requests.
#[actix_web::test]
async fn bodies_between_requests_stay_where_they_belong() {
    let service = echoing();
    let system = before(&service, &[]).await;
    let held = "POST /api/payments/a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello";
    let chunked = "POST /api/payments/b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n\
                   4\r\nGET \r\n6\r\n/x HTT\r\n0\r\nx: y\r\n\r\n";
    let nothing = "POST /api/payments/c HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    let train = format!("{held}{chunked}{nothing}{}{held}\r\n{}", get(1), get(2));
    for size in [1, 2, 3, 7, 50, 64, 100, 1000] {
        let mut wire = Wire::to(port(&system));
        for piece in train.as_bytes().chunks(size) {
            wire.send(piece);
        }
        let said: Vec<String> = (0..6).map(|_| wire.answer().text()).collect();
        let wanted = [
            "POST /payments/a hello",
            "POST /payments/b GET /x HTT",
            "POST /payments/c ",
            "GET /payments/1 ",
            "POST /payments/a hello",
            "GET /payments/2 ",
        ];
        assert_eq!(said, wanted, "by {size}");
    }
}

/// More than is taken ahead, and a body that is streamed among them.
#[actix_web::test]
async fn a_long_train_arrives() {
    let service = echoing();
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    let large = "z".repeat(100_000);
    let length = large.len();
    let post =
        format!("POST /api/payments/z HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n");
    let gets: String = (0..1_000).map(get).collect();
    wire.send(format!("{gets}{post}{large}{}", get(1_000)));

    for number in 0..1_000 {
        assert_eq!(wire.answer().text(), format!("GET /payments/{number} "));
    }
    assert_eq!(wire.answer().text(), format!("POST /payments/z {large}"));
    assert_eq!(wire.answer().text(), "GET /payments/1000 ");
}

/// What comes behind a refused request is not looked at.
#[actix_web::test]
async fn nothing_behind_a_refused_request_is_answered() {
    let service = echoing();
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    let bad =
        "POST /api/payments HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n";
    wire.send(format!("{}{bad}{}", get(1), get(2)));

    assert_eq!(wire.answer().text(), "GET /payments/1 ");
    assert_eq!(wire.answer().status(), 400);
    assert!(wire.is_closed());
    assert_eq!(service.heard().len(), 1);
}
