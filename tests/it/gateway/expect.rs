//! `Expect: 100-continue` from end to end (RFC 9110, section 10.1.1).

use super::{before, port};
use crate::support::wire::{Scripted, Wire, exchange};

fn head(target: &str, length: usize, more: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\nexpect: 100-continue\r\n{more}\r\n"
    )
}

/// The client is asked for its body when it is wanted; the service hears of no expectation.
#[actix_web::test]
async fn a_body_is_asked_for_when_it_is_wanted() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    // Held, and streamed.
    for length in [5, 100_000] {
        wire.send(head("/api/payments", length, ""));
        let asked = wire.head_only();
        assert_eq!(asked.line, "HTTP/1.1 100 Continue", "{asked:?}");
        wire.send("x".repeat(length));
        assert_eq!(wire.answer().status(), 200);
        let sent = service.last();
        assert_eq!((sent.body.len(), sent.has("expect")), (length, false), "{sent:?}");
    }
    // One that does not wait is not asked.
    let answer = wire.send(format!("{}hello", head("/api/payments", 5, ""))).answer();
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(wire.get("/api/payments").status(), 200, "the connection goes on");
}

/// A request that is answered without its body is not asked for it.
#[actix_web::test]
async fn an_unwanted_body_is_not_asked_for() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    for (target, length, status) in [("/nowhere", 5, 404), ("/api/payments", 90_000_000, 413)] {
        let mut wire = Wire::to(port(&system));
        let answer = wire.send(head(target, length, "")).answer();
        assert_eq!(answer.status(), status, "{answer:?}");
        assert!(wire.is_closed(), "the body could come any time");
    }
    assert!(service.heard().is_empty());
}

/// What cannot be met is refused; HTTP/1.0 expects nothing.
#[actix_web::test]
async fn another_expectation_fails() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let request =
        "POST /api/payments HTTP/1.1\r\nhost: a\r\nexpect: a-teapot\r\ncontent-length: 0\r\n\r\n";
    let answer = exchange(port(&system), request);
    assert_eq!(answer.status(), 417, "{answer:?}");
    assert!(answer.text().contains("\"code\":\"expectation_failed\""), "{answer:?}");
    let both = exchange(port(&system), head("/api/payments", 5, "expect: a-teapot\r\n"));
    assert_eq!(both.status(), 417, "{both:?}");
    assert!(service.heard().is_empty());

    let old = "POST /api/payments HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi";
    assert_eq!(exchange(port(&system), old).status(), 200);
    assert_eq!(service.last().text(), "hi");
}
