//! Requests that say the same in the same words, on connections that stay: most of what a cache is
//! asked for. They get what they would get if they said it in others.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Kept, port, told};
use crate::support::wire::{Message, Scripted, Then, Wire, say};

const FRESH: &str = "cache-control: max-age=600";

/// How often a question is asked until it is known: once to fetch, twice to be remembered.
const ASKED: usize = 4;

fn words(path: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nhost: busbar\r\n{fields}\r\n")
}

/// The last of several answers to the same words.
fn asked(wire: &mut Wire, words: &str) -> Message {
    (0..ASKED).for_each(|_| drop(wire.send(words).answer()));
    wire.send(words).answer()
}

#[actix_web::test]
async fn the_same_words_get_the_same_with_what_is_of_the_moment() {
    let kept = Kept::start().await;
    let words = words("/kept/a", &[&format!("x-say: {FRESH}|etag: \"v\"|x-own: 1")]);
    let mut wire = Wire::to(port(&kept.system));
    let first = asked(&mut wire, &words);
    kept.pass(7).await;
    let second = wire.send(&words).answer();

    assert_eq!((first.text(), second.text()), ("answer 1".to_owned(), "answer 1".to_owned()));
    assert_eq!(kept.seen(), 1);
    for answer in [&first, &second] {
        assert_eq!(answer.line, "HTTP/1.1 200 OK");
        for (name, value) in [("x-own", "1"), ("etag", "\"v\""), ("x-cache", "HIT")] {
            assert_eq!(answer.field(name), value, "{name}");
        }
        assert!(answer.has("date") && answer.has("traceparent") && answer.has("x-request-id"));
        assert_eq!(answer.field("content-length"), "8");
    }
    let age = |answer: &Message| answer.field("age").parse::<u64>().unwrap();
    assert!(age(&second) >= age(&first) + 7, "{first:?} {second:?}");
    let ttl = |answer: &Message| told(answer).2.rsplit('=').next().map(str::parse::<u64>);
    assert_eq!(ttl(&second).unwrap().unwrap(), 600 - age(&second));
    for name in ["x-request-id", "traceparent"] {
        assert_ne!(first.field(name), second.field(name), "{name}");
    }
    let names = |answer: &Message| -> Vec<String> {
        let mut names: Vec<_> = answer.fields.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&first), names(&second));
}

/// A request id and a trace of the client's own are given back.
#[actix_web::test]
async fn a_clients_own_id_comes_back_however_often() {
    let kept = Kept::start().await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let fields = ["x-request-id: mine", &format!("traceparent: {trace}")];
    let say = format!("x-say: {FRESH}");
    let words = words("/kept/a", &[&say, fields[0], fields[1]]);
    let answer = asked(&mut Wire::to(port(&kept.system)), &words);
    assert_eq!(answer.field("x-request-id"), "mine");
    assert!(answer.field("traceparent").contains("4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[actix_web::test]
async fn what_is_over_is_asked_for_again() {
    let kept = Kept::start().await;
    let words = words("/kept/a", &["x-say: cache-control: max-age=60"]);
    let mut wire = Wire::to(port(&kept.system));
    assert_eq!(asked(&mut wire, &words).text(), "answer 1");
    kept.pass(61).await;
    assert_eq!(wire.send(&words).answer().text(), "answer 2");
    assert_eq!(asked(&mut wire, &words).text(), "answer 2");

    // Written to; the client's own words go through the same gateway.
    assert_eq!(kept.ask("POST", "/kept/a", &["x-status: 204"]).status(), 204);
    assert_eq!(wire.send(&words).answer().text(), "answer 4");
    assert_eq!(asked(&mut wire, &words).text(), "answer 4");
}

#[actix_web::test]
async fn another_form_of_it_is_not_given() {
    let kept = Kept::start().await;
    let say = format!("x-say: {FRESH}|vary: accept-language");
    let in_language =
        |language: &str| words("/kept/a", &[&say, &format!("accept-language: {language}")]);
    let mut wire = Wire::to(port(&kept.system));
    assert_eq!(asked(&mut wire, &in_language("en")).text(), "answer 1");
    assert_eq!(asked(&mut wire, &in_language("vi")).text(), "answer 2");
    for _ in 0..ASKED {
        assert_eq!(wire.send(in_language("en")).answer().text(), "answer 1");
        assert_eq!(wire.send(in_language("vi")).answer().text(), "answer 2");
    }
}

#[actix_web::test]
async fn who_has_it_is_told_so_however_often() {
    let kept = Kept::start().await;
    let say = format!("x-say: {FRESH}|etag: \"v\"");
    let plain = words("/kept/a", &[&say]);
    let knowing = words("/kept/a", &[&say, "if-none-match: \"v\""]);
    let mut wire = Wire::to(port(&kept.system));
    asked(&mut wire, &plain);
    let answer = asked(&mut wire, &knowing);
    assert_eq!((answer.status(), answer.text()), (304, String::new()));
    assert_eq!(answer.field("etag"), "\"v\"");
    assert!(!answer.has("content-length"), "{answer:?}");
    assert_eq!(wire.send(&plain).answer().text(), "answer 1");
}

/// In a row, mixed with what goes its way through the server, and cut into pieces anywhere.
#[actix_web::test]
async fn answers_keep_their_order() {
    let kept = Kept::start().await;
    let known = words("/kept/a", &[&format!("x-say: {FRESH}")]);
    let mut wire = Wire::to(port(&kept.system));
    let first = asked(&mut wire, &known).text();
    let unknown = words("/kept/b", &["x-say: cache-control: no-store"]);
    let train = [&known, &unknown, &known, &known, &unknown, &known].map(String::as_str).concat();
    for size in [1, 7, 60, 1_000, 10_000] {
        let mut said = Vec::new();
        for piece in train.as_bytes().chunks(size) {
            wire.send(piece);
        }
        (0..6).for_each(|_| said.push(wire.answer().text()));
        for (place, text) in said.iter().enumerate() {
            let is_known = !matches!(place, 1 | 4);
            assert_eq!(*text == first, is_known, "by {size}: {said:?}");
        }
    }
    // More than are answered at one go.
    wire.send(known.repeat(500));
    (0..500).for_each(|_| assert_eq!(wire.answer().text(), first));
}

/// A body that no socket takes at once.
#[actix_web::test]
async fn a_large_answer_arrives_whole_at_a_slow_reader() {
    const LENGTH: usize = 900 * 1024;
    let service = Scripted::start(|_, stream| {
        let head = format!("HTTP/1.1 200 OK\r\n{FRESH}\r\ncontent-length: {LENGTH}\r\n\r\n");
        say(stream, head);
        let body: Vec<u8> = (0..LENGTH).map(|n| (n % 251) as u8).collect();
        say(stream, body);
        Then::Keep
    });
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let words = words("/kept/large", &[]);
    let mut wire = Wire::to(port(&system));
    asked(&mut wire, &words);
    // Several at once, and nobody reads for a while.
    wire.send(words.repeat(8));
    crate::support::wire::pause(Duration::from_millis(300));
    for _ in 0..8 {
        let answer = wire.answer();
        assert!(answer.is_whole && answer.body.len() == LENGTH);
        assert!(answer.body.iter().enumerate().all(|(n, byte)| *byte == (n % 251) as u8));
    }
    assert_eq!(service.heard().len(), 1);
}

/// Who asks again and again and reads none of it is left alone.
#[actix_web::test]
async fn who_reads_nothing_is_left_alone() {
    let service = Scripted::start(|_, stream| {
        say(stream, format!("HTTP/1.1 200 OK\r\n{FRESH}\r\ncontent-length: 2\r\n\r\nok"));
        Then::Keep
    });
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let words = words("/kept/small", &[]);
    asked(&mut Wire::to(port(&system)), &words);
    let mut client = TcpStream::connect(("127.0.0.1", port(&system))).unwrap();
    client.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    let many = words.repeat(1_000);
    let writing = actix_web::rt::task::spawn_blocking(move || {
        loop {
            if let Err(error) = client.write_all(many.as_bytes()) {
                return error.kind();
            }
        }
    });
    let ended = writing.await.unwrap();
    assert!(!matches!(ended, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{ended:?}");
}

/// Packed for those who take it.
#[actix_web::test]
async fn a_packed_answer_is_the_same_however_often() {
    let text = "electricity ".repeat(400);
    let body = text.clone();
    let service = Scripted::start(move |_, stream| {
        let fields = format!("{FRESH}\r\ncontent-type: text/plain\r\netag: \"v\"");
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\ncontent-length: {}\r\n\r\n", body.len());
        say(stream, format!("{head}{body}"));
        Then::Keep
    });
    let lines = "cache = \"shared\"\ncompress = \"on\"";
    let system = super::routed(&[("/kept", &service, lines)], &[]).await;
    let packed = words("/kept/a", &["accept-encoding: gzip"]);
    let plain = words("/kept/a", &[]);
    let mut wire = Wire::to(port(&system));
    let answer = asked(&mut wire, &packed);
    assert_eq!(answer.field("content-encoding"), "gzip");
    assert_eq!(answer.field("etag"), "W/\"v\"");
    let mut unpacked = String::new();
    let mut reader = flate2::read::GzDecoder::new(answer.body.as_slice());
    std::io::Read::read_to_string(&mut reader, &mut unpacked).unwrap();
    assert_eq!(unpacked, text);
    let answer = asked(&mut wire, &plain);
    assert_eq!((answer.field("content-encoding"), answer.text()), (String::new(), text));
    assert!(answer.field("vary").to_ascii_lowercase().contains("accept-encoding"));
}

/// They are counted like all others.
#[actix_web::test]
async fn every_one_of_them_is_counted() {
    let kept = Kept::start().await;
    let words = words("/kept/a", &[&format!("x-say: {FRESH}")]);
    let mut wire = Wire::to(port(&kept.system));
    let count = async |name: &str, label: &str| -> u64 {
        let text = kept.system.anonymous().get("/metrics/prometheus").await.text();
        let lines = text.lines().filter(|line| line.starts_with(name) && line.contains(label));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    asked(&mut wire, &words);
    let sent = u64::try_from(ASKED).unwrap() + 1;
    let is_asked = async || count("busbar_http_requests_total", "route=\"/kept\"").await == sent;
    kept.system.eventually("those before are counted", is_asked).await;
    let before = count("busbar_http_requests_total", "route=\"/kept\"").await;
    let hits = count("busbar_gateway_cache_requests_total", "hit").await;
    (0..10).for_each(|_| drop(wire.send(&words).answer()));
    // Each is counted once its answer is on its way.
    let all_are = async || {
        let requests = count("busbar_http_requests_total", "route=\"/kept\"").await;
        let given = count("busbar_gateway_cache_requests_total", "hit").await;
        assert!(requests <= before + 10 && given <= hits + 10, "{requests} {given}");
        (requests, given) == (before + 10, hits + 10)
    };
    kept.system.eventually("all are counted", all_are).await;
}
