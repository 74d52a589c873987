//! What nobody can do to others by what is kept: each gets what they have asked for.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use super::{Kept, port};
use crate::support::wire::{Message, Scripted, Then, Wire, pause, say};

const FRESH: &str = "x-say: cache-control: max-age=60";

fn words(method: &str, path: &str, host: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{FRESH}\r\n\r\n")
}

/// The end of a request can look like the whole of another one.
#[actix_web::test]
async fn a_request_that_comes_in_pieces_is_remembered_as_no_other() {
    // So many that each worker thread has some of them.
    const CONNECTIONS: usize = 12;
    let kept = Kept::start().await;
    for (method, begin) in [
        ("GET", "GET /kept/theirs HTTP/1.1\r\nx-a: "),
        ("GET", "GET http://elsewhere/kept/theirs HTTP/1.1\r\nx-a: "),
        ("HEAD", "GET /kept/theirs HTTP/1.1\r\nx-a: "),
    ] {
        let path = format!("/kept/ours-{}-{}", method.len(), begin.len());
        let ours = words(method, &path, "busbar");
        let mut theirs = String::new();
        for _ in 0..CONNECTIONS {
            let mut wire = Wire::to(port(&kept.system));
            for _ in 0..4 {
                wire.send(begin);
                pause(Duration::from_millis(15));
                theirs = wire.send(&ours).answer().text();
            }
        }
        for _ in 0..CONNECTIONS {
            let mut wire = Wire::to(port(&kept.system));
            wire.send(&ours);
            if method == "HEAD" {
                assert_eq!(wire.head_only().status(), 200);
                wire.send(words("GET", &path, "busbar"));
            }
            assert_ne!(wire.answer().text(), theirs, "{method} {begin}");
        }
    }
}

/// What the gateway writes, takes away or replaces cannot say for whom an answer is.
#[actix_web::test]
async fn an_answer_for_one_client_is_not_chosen_by_what_never_arrives() {
    let kept = Kept::start().await;
    for (vary, field) in [
        ("x-forwarded-for", "x-a: 1"),
        ("x-user-id", "x-user-id: somebody"),
        ("accept-language", "connection: accept-language\r\naccept-language: vi"),
    ] {
        let say = format!("{FRESH}|vary: {vary}");
        let path = format!("/kept/{vary}");
        let first = kept.get(&path, &[&say, field]).text();
        let then = kept.get(&path, &[&say, "accept-language: vi"]);
        assert_ne!(then.text(), first, "{vary}: {then:?}");
    }
}

/// RFC 9110, sections 15.5.13, 15.5.17 and 15.5.18: they speak of their own request alone.
#[actix_web::test]
async fn what_is_wrong_with_one_request_is_not_told_to_others() {
    let kept = Kept::start().await;
    for (status, field) in [("412", "if-match: \"x\""), ("416", "range: bytes=99-")] {
        let path = format!("/kept/{status}");
        let refused = kept.get(&path, &[FRESH, &format!("x-status: {status}"), field]);
        assert_eq!(refused.status().to_string(), status);
        assert_eq!(kept.get(&path, &[FRESH]).status(), 200);
    }
    // Our own says nothing by which another cache could keep it.
    let refused = kept.get("/kept/416", &[FRESH, "range: bytes=99-"]);
    assert_eq!((refused.status(), refused.field("content-range")), (416, "bytes */8".into()));
    assert!(!refused.has("cache-control") && !refused.has("etag"), "{refused:?}");
}

/// Quoted text that is not ASCII stands beside directives that hold all the same.
#[actix_web::test]
async fn what_forbids_holds_beside_what_nobody_understands() {
    let service = Scripted::start(|_, stream| {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n".to_vec();
        answer.extend_from_slice(b"cache-control: private, no-store, note=\"caf\xe9\"\r\n");
        answer.extend_from_slice(b"last-modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\nok");
        say(stream, answer);
        Then::Keep
    });
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    for _ in 0..2 {
        let answer = Wire::to(port(&system)).send(words("GET", "/kept/a", "busbar")).answer();
        assert!(!answer.field("cache-status").contains("hit"), "{answer:?}");
    }
}

/// The first one's body goes at the pace of its client, or of a service that stops: others go on.
#[actix_web::test]
async fn a_slow_body_holds_up_nobody_else() {
    let count = AtomicUsize::new(0);
    let service = Scripted::start(move |_, stream| {
        let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\n";
        if count.fetch_add(1, SeqCst) == 0 {
            say(stream, format!("{head}ne"));
            crate::support::wire::wait_for_close(stream);
            return Then::Close;
        }
        say(stream, format!("{head}whole"));
        Then::Keep
    });
    let lines = "cache = \"shared\"\ntimeout_ms = 60000";
    let system = super::routed(&[("/kept", &service, lines)], &[]).await;
    let mut slow = Wire::to(port(&system));
    slow.send(words("GET", "/kept/a", "busbar"));
    system.eventually("the first has been asked for", async || service.heard().len() == 1).await;
    let others: Vec<_> = (0..4)
        .map(|_| {
            let mut wire = Wire::to(port(&system));
            wire.send(words("GET", "/kept/a", "busbar"));
            wire
        })
        .collect();
    for mut wire in others {
        assert_eq!(wire.answer().text(), "whole");
    }
    assert_eq!(service.heard().len(), 2, "one of them went for all");
}

/// What is on its way while a part is purged was asked for before, and is not kept.
#[actix_web::test]
async fn what_is_on_its_way_past_a_purge_is_not_kept() {
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let (told, count) = (std::sync::Mutex::new(told), AtomicUsize::new(0));
    let service = Scripted::start(move |_, stream| {
        let number = count.fetch_add(1, SeqCst) + 1;
        if number == 1 {
            told.lock().unwrap().recv().unwrap();
        }
        let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 1\r\n\r\n";
        say(stream, format!("{head}{number}"));
        Then::Keep
    });
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let mut wire = Wire::to(port(&system));
    wire.send(words("GET", "/kept/a", "busbar"));
    system.eventually("it is on its way", async || service.heard().len() == 1).await;
    let part = serde_json::json!({"prefix": "/kept"});
    system.caretaker().post("/admin/cache/purge", part).await.expect(204);
    tell.send(()).unwrap();
    assert_eq!(wire.answer().text(), "1");
    let answer = Wire::to(port(&system)).send(words("GET", "/kept/a", "busbar")).answer();
    assert_eq!(answer.text(), "2", "{answer:?}");
}

/// Each answer has one id, its own.
#[actix_web::test]
async fn an_id_of_one_answer_is_not_given_to_others() {
    let kept = Kept::start().await;
    let say = format!(
        "{FRESH}|x-request-id: theirs|traceparent: theirs|x-busbar-reason: upstream_timeout"
    );
    let words = format!("GET /kept/a HTTP/1.1\r\nhost: busbar\r\n{say}\r\n\r\n");
    let mut wire = Wire::to(port(&kept.system));
    for _ in 0..6 {
        let answer = wire.send(&words).answer();
        let ids: Vec<_> = answer.fields.iter().filter(|(name, _)| name == "x-request-id").collect();
        assert!(ids.len() == 1 && ids[0].1 != "theirs", "{answer:?}");
        assert!(!answer.has("x-busbar-reason") && answer.field("traceparent") != "theirs");
    }
    assert_eq!(kept.seen(), 1);
}

/// RFC 9111, section 4.3.5: a HEAD that knows nothing of the body renews nothing.
#[actix_web::test]
async fn a_head_without_a_validator_keeps_no_old_body_alive() {
    let kept = Kept::start().await;
    let short = "x-say: cache-control: max-age=2";
    assert_eq!(kept.get("/kept/a", &[short]).text(), "answer 1");
    kept.pass(3).await;
    assert_eq!(kept.ask("HEAD", "/kept/a", &[short]).status(), 200);
    assert_eq!(kept.get("/kept/a", &[short]).text(), "answer 3");
}

/// Who wants the newest goes at once: an answer that somebody else waits for could not serve them.
#[actix_web::test]
async fn nobody_waits_in_a_row_for_what_cannot_serve_them() {
    const ALL: usize = 4;
    let count = AtomicUsize::new(0);
    let service = Scripted::start(move |_, stream| {
        // Nobody is answered before all have asked.
        count.fetch_add(1, SeqCst);
        while count.load(SeqCst) < ALL {
            pause(Duration::from_millis(5));
        }
        say(stream, "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 2\r\n\r\nok");
        Then::Keep
    });
    let lines = "cache = \"shared\"\ntimeout_ms = 5000";
    let system = super::routed(&[("/kept", &service, lines)], &[]).await;
    let mut wires: Vec<Wire> = (0..ALL).map(|_| Wire::to(port(&system))).collect();
    for wire in &mut wires {
        wire.send("GET /kept/a HTTP/1.1\r\nhost: busbar\r\ncache-control: max-age=0\r\n\r\n");
    }
    assert!(wires.iter_mut().all(|wire| wire.answer().status() == 200));
}

/// RFC 9110, section 15.4.5: a 304 says what its 200 says.
#[actix_web::test]
async fn who_has_a_packed_body_is_told_of_that_one() {
    let text = "water ".repeat(400);
    let service = Scripted::start(move |_, stream| {
        let fields = "cache-control: max-age=60\r\ncontent-type: text/plain\r\netag: \"v\"\r\n";
        let length = text.len();
        say(stream, format!("HTTP/1.1 200 OK\r\n{fields}content-length: {length}\r\n\r\n{text}"));
        Then::Keep
    });
    let lines = "cache = \"shared\"\ncompress = \"on\"";
    let system = super::routed(&[("/kept", &service, lines)], &[]).await;
    let ask = |more: &str| -> Message {
        let fields = format!("host: busbar\r\naccept-encoding: gzip\r\n{more}");
        Wire::to(port(&system)).send(format!("GET /kept/a HTTP/1.1\r\n{fields}\r\n")).answer()
    };
    let packed = ask("");
    assert_eq!(
        (packed.field("content-encoding"), packed.field("etag")),
        ("gzip".into(), "W/\"v\"".into())
    );
    for _ in 0..4 {
        let known = ask("if-none-match: W/\"v\"\r\n");
        assert_eq!((known.status(), known.field("etag")), (304, "W/\"v\"".into()));
        assert_eq!(known.field("vary"), packed.field("vary"));
    }
    assert_eq!(ask("if-none-match: \"v\"\r\n").field("etag"), "\"v\"");
}

/// An address is counted with what it holds.
#[actix_web::test]
async fn long_addresses_are_within_the_bound() {
    let kept = Kept::with("", &[("GATEWAY_CACHE_MAX_BYTES", "262144")]).await;
    let mut wire = Wire::to(port(&kept.system));
    for number in 0..200 {
        let path = format!("/kept/{number}?{}", "a".repeat(4_000));
        assert_eq!(wire.send(words("GET", &path, "busbar")).answer().status(), 200);
    }
    let mut hits = 0;
    for number in 0..200 {
        let path = format!("/kept/{number}?{}", "a".repeat(4_000));
        let answer = wire.send(words("GET", &path, "busbar")).answer();
        hits += usize::from(answer.field("cache-status").contains("hit"));
    }
    assert!(hits * 4_000 < 262_144, "{hits}");
}

/// Behind a proxy that is trusted the same path may be asked for in two ways.
#[actix_web::test]
async fn what_was_asked_for_by_another_scheme_is_another_answer() {
    let trusted = [("GATEWAY_TRUSTED_PROXIES", "127.0.0.0/8")];
    let kept = Kept::with("", &trusted).await;
    let by = |scheme: &str| {
        let scheme = format!("x-forwarded-proto: {scheme}");
        kept.get("/kept/a", &[FRESH, &scheme]).text()
    };
    let first = (by("http"), by("https"));
    assert_ne!(first.0, first.1);
    assert_eq!((by("http"), by("https")), first);
    assert_eq!(kept.seen(), 2);
}
