//! Routes that the settings add: other services, in whatever language, behind the same gateway.

use super::{port, routed};
use crate::support::wire::{Scripted, Then, exchange, say};

/// Every method, header and status code passes unchanged.
#[actix_web::test]
async fn an_added_route_passes_everything_unchanged() {
    let legacy = Scripted::start(|heard, stream| {
        let status = heard.message.field("x-wanted");
        say(stream, format!("HTTP/1.1 {status} Whatever\r\nx-own: a\r\nx-own: b\r\n"));
        say(stream, "set-cookie: c=1\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
        Then::Keep
    });
    let system = routed(&[("/legacy", &legacy, "")], &[]).await;
    for (method, status) in
        [("GET", 299), ("M-SEARCH", 404), ("PURGE", 599), ("PATCH", 302), ("DELETE", 503)]
    {
        let answer = exchange(
            port(&system),
            format!(
                "{method} /legacy/a%2Fb//c?q=%20 HTTP/1.1\r\nhost: busbar\r\nx-wanted: {status}\r\nx-any: 1\r\ndate: then\r\n\r\n"
            ),
        );
        assert_eq!((answer.status(), answer.field("x-own")), (status, "a, b".to_owned()));
        assert_eq!(answer.field("set-cookie"), "c=1");
        assert_eq!(answer.field("location"), "/elsewhere");
        let heard = legacy.last();
        assert_eq!((heard.method(), heard.target()), (method, "/legacy/a%2Fb//c?q=%20"));
        assert_eq!((heard.field("x-any"), heard.field("date")), ("1".into(), "then".into()));
    }
}

/// A service of others is called by the name that its clients know; what it says of caches and of
/// protocols stays, and each message tells which way it came (RFC 9110, section 7.6.3).
#[actix_web::test]
async fn what_a_proxy_could_change_stays() {
    let legacy = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 426 Upgrade Required\r\nupgrade: h9/1\r\nconnection: upgrade\r\n");
        say(stream, "via: 1.0 inner\r\nx-cache: HIT\r\ncontent-length: 0\r\n\r\n");
        Then::Keep
    });
    let system = routed(&[("/legacy", &legacy, "")], &[]).await;
    let options = "OPTIONS /legacy HTTP/1.1\r\nhost: a\r\nmax-forwards: 0\r\n\r\n";
    let allowed = exchange(port(&system), options).field("allow");
    assert_eq!(allowed, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE");
    for (request, host, via) in [
        ("GET /legacy HTTP/1.1\r\nhost: known.example:81\r\n\r\n", "known.example:81", "1.1"),
        ("GET http://meant.example/legacy HTTP/1.1\r\nhost: said\r\n\r\n", "meant.example", "1.1"),
        ("GET /legacy HTTP/1.0\r\nhost: old.example\r\n\r\n", "old.example", "1.0"),
        ("GET /legacy HTTP/1.0\r\n\r\n", legacy.url().trim_start_matches("http://"), "1.0"),
    ] {
        let answer = exchange(port(&system), request);
        let heard = legacy.last();
        assert_eq!(
            (heard.field("host"), heard.field("via")),
            (host.into(), format!("{via} busbar"))
        );
        assert_eq!((answer.status(), answer.field("upgrade")), (426, "h9/1".into()), "{answer:?}");
        let connection = answer.field("connection").to_lowercase();
        assert!(connection.contains("upgrade"), "{answer:?}");
        assert!(!connection.contains("close"), "{answer:?}");
        assert_eq!(answer.field("via"), "1.0 inner, 1.1 busbar");
        assert_eq!(answer.field("x-cache"), "HIT");
        assert!(!answer.has("cache-status"), "{answer:?}");
        assert!(!heard.has("date"), "{heard:?}");
    }
}

/// The longest prefix wins, and is cut off where the route says so.
#[actix_web::test]
async fn the_longest_prefix_wins() {
    let (outer, inner) = (Scripted::saying("outer"), Scripted::saying("inner"));
    let strip = "strip_prefix = true";
    let system = routed(&[("/a", &outer, ""), ("/a/b", &inner, strip)], &[]).await;
    let said = async |path: &str| system.anonymous().get(path).await.text();
    assert_eq!(said("/a/c").await, "outer");
    assert_eq!(said("/a/bc").await, "outer");
    assert_eq!(said("/a/b/c?d=1").await, "inner");
    assert_eq!(inner.last().target(), "/c?d=1");
    assert_eq!(said("/a/b").await, "inner");
    assert_eq!(inner.last().target(), "/");
    system.anonymous().get("/b").await.expect_problem(404, "not_found");
}

/// What a route does not take is refused by name, and nothing is sent on.
#[actix_web::test]
async fn a_route_takes_what_it_says() {
    let legacy = Scripted::saying("legacy");
    let lines = "methods = [\"GET\", \"PUT\"]\nbody_bytes_max = 3";
    let system = routed(&[("/legacy", &legacy, lines)], &[]).await;
    let refused = system.anonymous().delete("/legacy").await;
    assert_eq!(refused.header("allow"), "GET, PUT");
    refused.expect_problem(405, "method_not_allowed");
    let put = |body: &str| {
        let length = body.len();
        let head =
            format!("PUT /legacy HTTP/1.1\r\nhost: busbar\r\ncontent-length: {length}\r\n\r\n");
        exchange(port(&system), format!("{head}{body}")).status()
    };
    assert_eq!((put("123"), put("1234")), (200, 413));
    let way_out = "GET /legacy/../api/users HTTP/1.1\r\nhost: busbar\r\n\r\n";
    assert_eq!(exchange(port(&system), way_out).status(), 400);
    assert_eq!(legacy.heard().len(), 1);
}
