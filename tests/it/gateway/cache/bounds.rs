//! How much is kept.

use busbar::types::ServiceName;

use super::{Kept, port};
use crate::support::wire::{Scripted, Then, Wire, say};

const FRESH: &str = "x-say: cache-control: max-age=600";

#[actix_web::test]
async fn there_are_never_more_entries_than_allowed() {
    let kept = Kept::with("", &[("GATEWAY_CACHE_MAX_ENTRIES", "100")]).await;
    let mut wire = Wire::to(port(&kept.system));
    let mut get = |path: &str| {
        wire.send(format!("GET {path} HTTP/1.1\r\nhost: busbar\r\n{FRESH}\r\n\r\n"));
        wire.answer()
    };
    for number in 0..2_000 {
        get(&format!("/kept/a?cb={number}"));
        // What is asked for all the time stays.
        if number % 20 == 0 {
            get("/kept/often");
        }
    }
    let figure = async |name: &str| kept.system.figure(ServiceName::Gateway, name).await;
    let entries = figure("busbar_gateway_cache_entries").await;
    assert!((50.0..=100.0).contains(&entries), "{entries}");
    assert!(figure("busbar_gateway_cache_evictions_total").await >= 1_900.0);
    assert_eq!(get("/kept/often").field("x-cache"), "HIT");
}

#[actix_web::test]
async fn neither_a_large_answer_nor_many_take_more_than_their_bytes() {
    let service = Scripted::start(|heard, stream| {
        let length: usize = heard.message.field("x-length").parse().unwrap();
        say(
            stream,
            format!(
                "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: {length}\r\n\r\n"
            ),
        );
        say(stream, "x".repeat(length));
        Then::Keep
    });
    let bounds =
        [("GATEWAY_CACHE_MAX_BYTES", "400000"), ("GATEWAY_CACHE_MAX_ENTRY_BYTES", "20000")];
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &bounds).await;
    let mut wire = Wire::to(port(&system));
    let mut get = |path: &str, length: usize| {
        let fields = format!("host: busbar\r\nx-length: {length}\r\n");
        wire.send(format!("GET {path} HTTP/1.1\r\n{fields}\r\n"));
        let answer = wire.answer();
        assert_eq!((answer.status(), answer.body.len()), (200, length));
        answer.field("x-cache")
    };
    for _ in 0..2 {
        assert_eq!(get("/kept/large", 30_000), "MISS");
    }
    for number in 0..200 {
        get(&format!("/kept/{number}"), 15_000);
    }
    let bytes = system.figure(ServiceName::Gateway, "busbar_gateway_cache_bytes").await;
    assert!((15_000.0..=400_000.0).contains(&bytes), "{bytes}");
}

#[actix_web::test]
async fn zero_is_no_cache() {
    for variable in ["GATEWAY_CACHE_MAX_ENTRIES", "GATEWAY_CACHE_MAX_BYTES"] {
        let kept = Kept::with("", &[(variable, "0")]).await;
        for _ in 0..2 {
            assert_eq!(kept.get("/kept/a", &[FRESH]).field("x-cache"), "BYPASS", "{variable}");
        }
    }
}

/// What breaks off is not kept, and what is longer or shorter than it says is not either.
#[actix_web::test]
async fn only_what_came_whole_is_kept() {
    let service = Scripted::start(|heard, stream| {
        let head = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\n";
        match heard.message.target() {
            "/kept/short" => say(stream, format!("{head}content-length: 9\r\n\r\nhalf")),
            "/kept/chunks" => {
                say(stream, format!("{head}transfer-encoding: chunked\r\n\r\n9\r\nhalf"))
            }
            _ => say(stream, format!("{head}\r\nto the end")),
        }
        Then::Close
    });
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    for path in ["/kept/short", "/kept/chunks", "/kept/short", "/kept/chunks"] {
        let mut wire = Wire::to(port(&system));
        wire.send(format!("GET {path} HTTP/1.1\r\nhost: busbar\r\n\r\n"));
        let answer = wire.try_answer().unwrap_or_default();
        assert_ne!(answer.field("x-cache"), "HIT", "{path}");
        assert!(!answer.is_whole || answer.status() == 502, "{path}: {answer:?}");
    }
    let closed: Vec<_> = (0..2).map(|_| Wire::to(port(&system)).get("/kept/close")).collect();
    assert_eq!(
        (closed[1].text().as_str(), closed[1].field("x-cache").as_str()),
        ("to the end", "HIT")
    );
}
