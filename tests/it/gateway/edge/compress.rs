//! Packed answers, for those who ask.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::{answering, before, port, routed};
use crate::support::wire::{Message, Scripted, Then, Wire, pause, reply, say};
use crate::support::{Answer, TestSystem};

const JSON: &str = "200 OK\r\ncontent-type: application/json\r\nvary: authorization\r\netag: \"v3\"\r\naccept-ranges: bytes\r\n";

fn text() -> String {
    (0..4_000).map(|line| format!("{{\"line\":{line}}},")).collect()
}

fn unpacked(answer: &Answer) -> String {
    let mut plain = String::new();
    let read = match answer.header("content-encoding") {
        "br" => brotli::Decompressor::new(&*answer.body, 4_096).read_to_string(&mut plain),
        "gzip" => flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut plain),
        other => panic!("{other}: {answer}"),
    };
    read.unwrap();
    plain
}

async fn asked(system: &TestSystem, wish: &str) -> Answer {
    system.anonymous().header("accept-encoding", wish).get("/api/payments").await
}

fn vary(answer: &Answer) -> String {
    let lines = answer.headers.get_all("vary").filter_map(|line| line.to_str().ok());
    lines.collect::<Vec<_>>().join(", ")
}

/// RFC 9110, section 12.5.3: the client gets what it likes best, and nothing that it did not ask for.
/// RFC 9110, sections 8.4, 8.8.1 and 12.5.5: the answer says so.
#[actix_web::test]
async fn answers_are_packed_for_those_who_ask() {
    let service = answering(JSON, text());
    let system = before(&service, &[]).await;
    for (wish, coding) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("*", "br"),
    ] {
        let answer = asked(&system, wish).await;
        assert_eq!(answer.header("content-encoding"), coding, "{wish}");
        assert_eq!(unpacked(&answer), text());
        assert!(answer.body.len() < text().len() / 3, "{}", answer.body.len());
        assert_eq!(vary(&answer), "authorization, Accept-Encoding");
        assert_eq!(answer.header("etag"), "W/\"v3\"");
        for name in ["content-length", "accept-ranges"] {
            assert_eq!(answer.header(name), "", "{name}");
        }
    }
    for wish in ["identity", "gzip;q=0", "deflate", "zstd", "identity, br;q=0.3"] {
        let answer = asked(&system, wish).await;
        assert_eq!((answer.header("content-encoding"), answer.text()), ("", text()), "{wish}");
        assert_eq!(vary(&answer), "authorization, Accept-Encoding", "for caches in between");
        assert_eq!((answer.header("etag"), answer.header("accept-ranges")), ("\"v3\"", "bytes"));
        assert_eq!(answer.header("content-length"), text().len().to_string());
    }
}

/// What is short, is no text, has its coding already, or must stay as it is.
#[actix_web::test]
async fn what_must_not_be_packed_is_not() {
    let service = Scripted::start(|heard, stream| {
        let target = heard.message.target().trim_start_matches("/payments/").to_owned();
        let (status, fields, length) = match target.as_str() {
            "short" => ("200 OK", "content-type: text/plain", 1_023),
            "pdf" => ("200 OK", "content-type: application/pdf", 5_000),
            "packed" => ("200 OK", "content-type: text/plain\r\ncontent-encoding: zstd", 5_000),
            "fixed" => ("200 OK", "content-type: text/plain\r\ncache-control: no-transform", 5_000),
            "events" => ("200 OK", "content-type: text/event-stream", 5_000),
            "part" => {
                let part = "content-type: text/plain\r\ncontent-range: bytes 0-4999/9000";
                ("206 Partial Content", part, 5_000)
            }
            _ => ("200 OK", "content-type: text/plain", 5_000),
        };
        let head = format!("HTTP/1.1 {status}\r\n{fields}\r\ncontent-length: {length}\r\n\r\n");
        say(stream, format!("{head}{}", "x".repeat(length)));
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let client = system.anonymous().header("accept-encoding", "gzip");
    for what in ["short", "pdf", "packed", "fixed", "events", "part"] {
        let answer = client.get(&format!("/api/payments/{what}")).await;
        assert!(matches!(answer.header("content-encoding"), "" | "zstd"), "{answer}");
        assert!(answer.body.len() >= 1_023 && vary(&answer).is_empty(), "{what}");
    }
    let range = client.header("range", "bytes=0-9").get("/api/payments/whole").await;
    assert_eq!(range.header("content-encoding"), "", "a range is one of the plain body");
    let whole = client.get("/api/payments/whole").await;
    assert_eq!(whole.header("content-encoding"), "gzip");
}

/// RFC 9110, section 9.3.2: HEAD has the fields of GET, and the connection goes on.
#[actix_web::test]
async fn head_says_what_get_would() {
    let service = answering(JSON, text());
    let system = before(&service, &[]).await;
    let ask = |method: &str| {
        format!("{method} /api/payments HTTP/1.1\r\nhost: busbar\r\naccept-encoding: gzip\r\n\r\n")
    };
    let mut wire = Wire::to(port(&system));
    wire.send(ask("HEAD"));
    let head = wire.head_only();
    assert_eq!((head.status(), head.field("content-encoding").as_str()), (200, "gzip"), "{head:?}");
    assert_eq!(head.field("etag"), "W/\"v3\"");
    assert!(!head.has("content-length") && !head.has("accept-ranges"), "{head:?}");
    wire.send(ask("GET"));
    let answer = wire.answer();
    assert_eq!((answer.status(), answer.field("content-encoding").as_str()), (200, "gzip"));
    assert!(answer.is_whole && !answer.body.is_empty());
}

/// What has come is passed on before the rest is there.
#[actix_web::test]
async fn packed_answers_are_streamed() {
    let may_end = Arc::new(AtomicBool::new(false));
    let gate = may_end.clone();
    let service = Scripted::start(move |_, stream| {
        say(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n",
        );
        say(stream, "\r\n5\r\nfirst\r\n");
        while !gate.load(SeqCst) {
            pause(std::time::Duration::from_millis(2));
        }
        say(stream, "4\r\nlast\r\n0\r\n\r\n");
        Then::Keep
    });
    let system = before(&service, &[]).await;
    let gateway = port(&system);
    let reader = std::thread::spawn(move || {
        let mut wire = Wire::to(gateway);
        wire.send("GET /api/payments HTTP/1.1\r\nhost: busbar\r\naccept-encoding: gzip\r\n\r\n");
        let head = wire.head_only();
        let first = usize::from_str_radix(wire.line().trim(), 16).unwrap();
        may_end.store(true, SeqCst);
        (head.field("content-encoding"), first)
    });
    let (coding, first) = reader.join().unwrap();
    assert!(coding == "gzip" && first > 5, "{coding} {first}");
}

/// A change that is tied to a version works with the tag of a packed answer.
#[actix_web::test]
async fn a_weakened_tag_still_guards_a_change() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    system.anonymous().header("if-match", "W/\"v3\"").get("/api/payments/1").await.expect(200);
    assert_eq!(service.last().field("if-match"), "\"v3\"");
}

/// An added route is packed when it says so.
#[actix_web::test]
async fn an_added_route_is_packed_when_it_says_so() {
    let legacy = answering(JSON, text());
    let routes = [("/packed", &legacy, "compress = \"on\""), ("/plain", &legacy, "")];
    let system = routed(&routes, &[]).await;
    let coding = async |path: &str| {
        let answer = system.anonymous().header("accept-encoding", "br").get(path).await;
        (answer.header("content-encoding").to_owned(), vary(&answer))
    };
    assert_eq!(coding("/packed").await.0, "br");
    assert_eq!(coding("/plain").await, (String::new(), "authorization".to_owned()));
}

/// An answer that breaks off does not look whole.
#[actix_web::test]
async fn a_packed_answer_that_breaks_off_is_cut() {
    let service = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 90000\r\n\r\n");
        reply(stream, &"x".repeat(40_000));
        Then::Close
    });
    let system = before(&service, &[]).await;
    let ask = "GET /api/payments HTTP/1.1\r\nhost: busbar\r\naccept-encoding: gzip\r\n\r\n";
    let answer = Wire::to(port(&system)).send(ask).try_answer();
    let looks_whole = |answer: &Message| answer.status() == 200 && answer.is_whole;
    assert!(!answer.as_ref().is_some_and(looks_whole), "{answer:?}");
}

/// What the cache keeps is the plain form: each client gets it as it asks.
#[actix_web::test]
async fn a_kept_answer_is_packed_for_each_client() {
    let head = "200 OK\r\ncontent-type: application/json\r\ncache-control: max-age=600\r\n\
                etag: \"v3\"\r\n";
    let legacy = answering(head, text());
    let system = routed(&[("/kept", &legacy, "compress = \"on\"\ncache = \"shared\"")], &[]).await;
    for (wish, coding) in [("br", "br"), ("gzip", "gzip"), ("identity", ""), ("br", "br")] {
        let answer = system.anonymous().header("accept-encoding", wish).get("/kept").await;
        assert_eq!(answer.header("content-encoding"), coding, "{wish}: {}", answer.status);
        let plain = if coding.is_empty() { answer.text() } else { unpacked(&answer) };
        assert_eq!((plain, vary(&answer).as_str()), (text(), "Accept-Encoding"));
    }
    assert_eq!(legacy.heard().len(), 1);
}
