//! What is written to is not given any more (RFC 9111, section 4.4).

use std::time::Duration;

use super::{Kept, port};
use crate::support::wire::{Scripted, Then, Wire, pause, reply, say};

const FRESH: &str = "x-say: cache-control: max-age=600";

#[actix_web::test]
async fn a_write_that_succeeds_is_the_end_of_what_is_kept() {
    let kept = Kept::start().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "M-SEARCH"] {
        let path = format!("/kept/{method}");
        let before = kept.get(&path, &[FRESH]).text();
        for status in ["422", "500"] {
            kept.ask(method, &path, &[&format!("x-status: {status}")]);
            assert_eq!(kept.get(&path, &[FRESH]).text(), before, "{method} {status}");
        }
        kept.ask("OPTIONS", &path, &[]);
        assert_eq!(
            kept.get(&path, &[FRESH]).text(),
            before,
            "{method}: safe methods change nothing"
        );
        kept.ask(method, &path, &["x-status: 204"]);
        assert_ne!(kept.get(&path, &[FRESH]).text(), before, "{method}");
    }
}

/// `Location` and `Content-Location`, here and not elsewhere.
#[actix_web::test]
async fn what_a_write_names_goes_too() {
    let kept = Kept::start().await;
    for (name, value, is_gone) in [
        ("location", "/kept/named", true),
        ("content-location", "named?x=1", true),
        ("location", "http://busbar/kept/named", true),
        ("location", "http://elsewhere/kept/named", false),
    ] {
        let before = kept.get("/kept/named", &[FRESH]).text();
        kept.ask("POST", "/kept/writes", &[&format!("x-say: {name}: {value}")]);
        assert_eq!(kept.get("/kept/named", &[FRESH]).text() != before, is_gone, "{name}: {value}");
    }
}

/// An answer that was on its way while its address was written to is given to its own client alone.
#[actix_web::test]
async fn what_was_read_before_a_write_is_not_kept_after_it() {
    let service = Scripted::start(|heard, stream| {
        if heard.message.method() == "GET" {
            say(
                stream,
                "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 3\r\n\r\n",
            );
            if heard.message.has("x-slow") {
                pause(Duration::from_millis(800));
            }
            say(stream, if heard.message.has("x-slow") { "old" } else { "new" });
        } else {
            reply(stream, "written");
        }
        Then::Keep
    });
    let system = super::routed(&[("/kept", &service, "cache = \"shared\"")], &[]).await;
    let mut reader = Wire::to(port(&system));
    reader.send("GET /kept/a HTTP/1.1\r\nhost: busbar\r\nx-slow: 1\r\n\r\n");
    system.eventually("it reads", async || service.heard().len() == 1).await;
    let mut writer = Wire::to(port(&system));
    writer.send("PUT /kept/a HTTP/1.1\r\nhost: busbar\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(writer.answer().status(), 200);
    assert_eq!(reader.answer().text(), "old");
    assert_eq!(writer.get("/kept/a").text(), "new");
}
