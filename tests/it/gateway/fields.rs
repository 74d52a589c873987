//! What passes of a head, in both directions, and what is added to it.

use super::{before, port};
use crate::support::wire::{Scripted, Then, Wire, exchange, say};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What belongs to one connection stays on it; what a client says about itself is not believed.
#[actix_web::test]
async fn a_request_is_sent_on_without_what_is_not_for_services() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let request = format!(
        "POST /api/payments HTTP/1.1\r\nhost: bills.example\r\nconnection: close, x-private\r\n\
         x-private: 1\r\nkeep-alive: timeout=5\r\nte: trailers\r\nproxy-authorization: x\r\n\
         upgrade: h2c\r\nx-user-id: root\r\nx-busbar-role: admin\r\n\
         x-forwarded-for: 10.0.0.1\r\nforwarded: for=10.0.0.1\r\nx-forwarded-proto: https\r\n\
         x-request-id: mine-1\r\ntraceparent: {TRACE}\r\nx-request-deadline-ms: 999999999\r\n\
         authorization: Basic x\r\ncookie: a=b\r\nidempotency-key: k-1\r\nif-none-match: \"v1\"\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );

    let answer = exchange(port(&system), request);

    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(answer.field("x-request-id"), "mine-1");
    assert_eq!(answer.field("traceparent"), TRACE);
    let sent = service.last();
    for name in [
        "connection",
        "x-private",
        "keep-alive",
        "te",
        "proxy-authorization",
        "upgrade",
        "x-user-id",
        "x-busbar-role",
        "forwarded",
    ] {
        assert!(!sent.has(name), "{name}: {sent:?}");
    }
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "bills.example"),
        ("via", "1.1 busbar"),
        ("x-request-id", "mine-1"),
        ("traceparent", TRACE),
        ("authorization", "Basic x"),
        ("cookie", "a=b"),
        ("idempotency-key", "k-1"),
        ("if-none-match", "\"v1\""),
        ("content-type", "application/json"),
        ("content-length", "2"),
    ] {
        assert_eq!(sent.field(name), value, "{name}: {sent:?}");
    }
    assert_eq!(sent.field("host"), service.url().trim_start_matches("http://"));
    let left_ms: u64 = sent.field("x-request-deadline-ms").parse().unwrap();
    assert!((1..=20_000).contains(&left_ms), "{left_ms}");
}

/// Ids are made for those who bring none, the same for the service and for the client.
#[actix_web::test]
async fn a_request_without_ids_gets_them() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;

    let answer = Wire::to(port(&system)).get("/api/payments");

    let sent = service.last();
    assert_eq!(sent.field("x-request-id"), answer.field("x-request-id"));
    assert_eq!(sent.field("traceparent"), answer.field("traceparent"));
    assert_eq!(answer.field("traceparent").len(), TRACE.len());
    assert!(!sent.has("content-length") && !sent.has("transfer-encoding"), "{sent:?}");
}

/// What vendors say of a trace goes with that trace alone.
#[actix_web::test]
async fn the_state_of_a_trace_stays_with_it() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    for (trace, state) in [(TRACE, "vendor=1"), ("00-broken", ""), (&TRACE.to_uppercase(), "")] {
        let client = system.anonymous().header("tracestate", "vendor=1");
        client.header("traceparent", trace).get("/api/payments").await.expect(200);
        assert_eq!(service.last().field("tracestate"), state, "{trace}");
    }
    system.anonymous().header("tracestate", "vendor=1").get("/api/payments").await.expect(200);
    assert!(!service.last().has("tracestate"));
}

/// The word of a proxy is taken when the settings trust it.
#[actix_web::test]
async fn a_trusted_proxy_is_believed() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[("GATEWAY_TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    let client = system.anonymous().header("x-forwarded-for", "203.0.113.9");

    client.header("x-forwarded-proto", "https").get("/api/payments").await.expect(200);

    let sent = service.last();
    assert_eq!(sent.field("x-forwarded-for"), "203.0.113.9, 127.0.0.1");
    assert_eq!(sent.field("x-forwarded-proto"), "https");
}

/// An answer comes whole with its own fields, and a problem of a service as it is.
#[actix_web::test]
async fn an_answer_passes_unchanged_but_for_its_connection() {
    let problem = r#"{"type":"/problems/bill_already_paid","code":"bill_already_paid"}"#;
    let service = Scripted::start(move |_, stream| {
        let length = problem.len();
        say(
            stream,
            format!(
                "HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\n\
                 content-length: {length}\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\
                 location: /bills/1\r\nvary: accept-language\r\nretry-after: 7\r\netag: \"v2\"\r\n\
                 connection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
                 proxy-authenticate: x\r\nx-cache: HIT\r\n\r\n{problem}"
            ),
        );
        Then::Keep
    });
    let system = before(&service, &[]).await;

    let answer = system.anonymous().get("/api/payments/1").await;

    assert_eq!((answer.status, answer.text()), (409, problem.to_owned()));
    for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.header(name), "", "{name}: {answer}");
    }
    for (name, value) in [
        ("content-type", "application/problem+json"),
        ("location", "/bills/1"),
        ("vary", "accept-language"),
        ("retry-after", "7"),
        ("etag", "\"v2\""),
        ("x-cache", "MISS"),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {answer}");
    }
    assert_eq!(answer.headers.get_all("set-cookie").count(), 2);
}

/// RFC 9110, section 15: a status that nobody has named passes, and no phrase is made up for it.
#[actix_web::test]
async fn an_unknown_status_passes() {
    let service = Scripted::start(|heard, stream| {
        let status = heard.message.target().trim_start_matches("/payments/").to_owned();
        say(stream, format!("HTTP/1.1 {status} Odd\r\ncontent-length: 0\r\n\r\n"));
        Then::Keep
    });
    let system = before(&service, &[]).await;
    for status in [299, 418, 499, 599] {
        let answer = Wire::to(port(&system)).get(&format!("/api/payments/{status}"));
        assert_eq!(answer.status(), status, "{answer:?}");
        assert!(!answer.line.contains('<'), "{answer:?}");
    }
}
