//! Interim answers (RFC 9110, section 15.2) on their way to the client.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use super::{before, port};
use crate::support::wire::{Scripted, Then, Wire, exchange, reply, say};

/// 102 and 103 come before the answer, with their fields, and are no part of it.
#[actix_web::test]
async fn interim_answers_come_before_the_answer() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let service = Scripted::start(move |_, stream| {
        say(stream, "HTTP/1.1 102 Processing\r\nx-step: 1\r\n\r\n");
        say(
            stream,
            "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nlink: </b.css>\r\nconnection: x-hop\r\n\
             x-hop: 1\r\nkeep-alive: timeout=5\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </c.css>\r\n\r\n",
        );
        // The answer itself is not there before the client has seen these.
        let _ = released.lock().unwrap().recv();
        reply(stream, "done");
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    wire.send("GET /api/payments HTTP/1.1\r\nhost: a\r\n\r\n");

    let processing = wire.head_only();
    assert_eq!((processing.status(), processing.field("x-step").as_str()), (102, "1"));
    let hints = wire.head_only();
    assert_eq!(hints.line, "HTTP/1.1 103 Early Hints");
    assert_eq!(hints.field("link"), "</a.css>, </b.css>");
    for name in ["connection", "x-hop", "keep-alive"] {
        assert!(!hints.has(name), "RFC 9110, section 7.6.1: {hints:?}");
    }
    assert_eq!(wire.head_only().field("link"), "</c.css>");
    release.send(()).unwrap();
    let answer = wire.answer();
    assert_eq!((answer.status(), answer.text().as_str()), (200, "done"), "{answer:?}");
    assert!(!answer.has("link"), "{answer:?}");
    release.send(()).unwrap();
    wire.send("GET /api/payments HTTP/1.1\r\nhost: a\r\n\r\n");
    let statuses = [(); 3].map(|()| wire.head_only().status());
    assert_eq!((statuses, wire.answer().status()), ([102, 103, 103], 200), "and once more");
}

/// HTTP/1.0 has no interim answers, and 100 is about the gateway's own connection.
#[actix_web::test]
async fn nobody_gets_an_interim_answer_that_is_not_for_them() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 100 Continue\r\n\r\n");
        say(stream, "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
        reply(stream, "done");
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let old = exchange(port(&system), "GET /api/payments HTTP/1.0\r\n\r\n");
    assert_eq!((old.status(), old.text().as_str()), (200, "done"), "{old:?}");

    let mut wire = Wire::to(port(&system));
    wire.send("GET /api/payments HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(wire.head_only().status(), 103);
    assert_eq!(wire.answer().text(), "done");
}

/// Many clients, each with requests in a row: every interim answer is that of its own request.
#[actix_web::test]
async fn interim_answers_do_not_change_places() {
    const CLIENTS: usize = 16;
    const EACH: usize = 20;
    let service = Scripted::start(|heard, stream| {
        let target = heard.message.target().to_owned();
        say(stream, format!("HTTP/1.1 103 Early Hints\r\nx-of: {target}\r\n\r\n"));
        if target.ends_with('7') {
            // A large answer, of which the next hint must not become a part.
            reply(stream, &target.repeat(20_000));
        } else {
            reply(stream, &target);
        }
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let gateway = port(&system);
    let clients = (0..CLIENTS).map(|client| {
        std::thread::spawn(move || {
            let target = |number: usize| format!("/payments/{client}-{number}");
            let mut wire = Wire::to(gateway);
            let all: String = (0..EACH)
                .map(|number| format!("GET /api{} HTTP/1.1\r\nhost: a\r\n\r\n", target(number)))
                .collect();
            wire.send(all);
            for number in 0..EACH {
                let hint = wire.head_only();
                assert_eq!((hint.status(), hint.field("x-of")), (103, target(number)));
                let answer = wire.answer();
                let times = if number % 10 == 7 { 20_000 } else { 1 };
                assert_eq!((answer.status(), answer.text()), (200, target(number).repeat(times)));
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}
