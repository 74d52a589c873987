//! What is no request, or could be read as two: refused before anything is sent on.

use super::{before, port, routed};
use crate::support::wire::{Message, Scripted, Wire, exchange};

/// Sends each of these and expects its refusal, on a connection that ends with it.
fn refuses(gateway: u16, cases: &[(&str, u16, &str)]) {
    for (request, status, code) in cases {
        let mut wire = Wire::to(gateway);
        let answer = wire.send(request).answer();
        assert_eq!((answer.status(), reason(&answer).as_str()), (*status, *code), "{request:?}");
        let body = answer.text();
        assert!(body.contains(&format!("\"code\":\"{code}\"")), "{request:?}: {body}");
        assert!(wire.is_closed(), "{request:?}: something came after {answer:?}");
    }
}

fn reason(answer: &Message) -> String {
    answer.field("x-busbar-reason")
}

/// RFC 9112, sections 6.1 and 6.3: a body that ends in two places is how requests are smuggled.
#[actix_web::test]
async fn a_body_with_two_ends_is_refused() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let post = |fields: &str| {
        format!("POST /api/payments HTTP/1.1\r\nhost: a\r\n{fields}\r\n\r\n0\r\n\r\n")
    };
    for (fields, status, code) in [
        ("content-length: 5\r\ntransfer-encoding: chunked", 400, "length_invalid"),
        ("transfer-encoding: chunked\r\ncontent-length: 5", 400, "length_invalid"),
        ("content-length: 5\r\ncontent-length: 6", 400, "length_invalid"),
        ("content-length: 5\r\ncontent-length: 5", 400, "length_invalid"),
        ("content-length: +5", 400, "length_invalid"),
        ("content-length: 5, 5", 400, "length_invalid"),
        ("content-length: -5", 400, "length_invalid"),
        ("content-length: 99999999999999999999", 400, "length_invalid"),
        ("transfer-encoding: chunked, identity", 400, "transfer_coding_invalid"),
        ("transfer-encoding: xchunked", 400, "transfer_coding_invalid"),
        ("transfer-encoding: , chunked", 400, "transfer_coding_invalid"),
        ("transfer-encoding: gzip, chunked", 501, "transfer_coding_unknown"),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
            400,
            "transfer_coding_invalid",
        ),
        // Not fields at all, or not these.
        ("content-length : 5", 400, "request_malformed"),
        ("transfer-encoding : chunked", 400, "request_malformed"),
        ("x: y\r\n content-length: 5", 400, "request_malformed"),
        ("x: y\ncontent-length: 5", 400, "request_malformed"),
        ("x: y\rcontent-length: 5", 400, "request_malformed"),
        ("x: y\0", 400, "request_malformed"),
        ("x\0: y", 400, "request_malformed"),
        (": y", 400, "request_malformed"),
        ("no field", 400, "request_malformed"),
    ] {
        refuses(port(&system), &[(&post(fields), status, code)]);
    }
    let old = "POST /api/payments HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    refuses(port(&system), &[(old, 400, "transfer_coding_invalid")]);
    assert!(service.heard().is_empty(), "{:?}", service.heard());
    let counted = "busbar_http_refused_total{reason=\"length_invalid\",service=\"gateway\"} 8";
    let figures = Wire::to(port(&system)).get("/metrics/prometheus").text();
    assert!(figures.contains(counted), "{figures}");
}

/// RFC 9112, section 7.1: chunks are exactly so; extensions are none of our business.
#[actix_web::test]
async fn chunks_are_read_to_the_letter() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let post = |body: &str| {
        format!(
            "POST /api/payments HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{body}"
        )
    };
    for body in [
        "5g\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nx: y\n\r\n\r\n",
        "5\r\nhello\r\n0\r\nno field\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5;a[=b\r\nhello\r\n0\r\n\r\n",
        "\r\n\r\n",
    ] {
        refuses(port(&system), &[(&post(body), 400, "chunk_invalid")]);
    }
    assert!(service.heard().is_empty(), "{:?}", service.heard());

    // RFC 9110, section 6.5.1: a trailer is never a field.
    let body = "5;name=\"value\"\r\nhello\r\n1 ; x\r\n!\r\n0\r\nx-user: me\r\nhost: b\r\n\r\n";
    let answer = exchange(port(&system), post(body));
    assert_eq!(answer.status(), 200, "{answer:?}");
    let sent = service.last();
    assert_eq!((sent.text().as_str(), sent.field("content-length").as_str()), ("hello!", "6"));
    assert!(!sent.has("x-user") && !sent.has("trailer"), "{sent:?}");
}

/// RFC 9112, sections 2.2, 2.3, 3 and 3.2: a request line and a host.
#[actix_web::test]
async fn a_request_line_is_read_to_the_letter() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let long = format!("GET /api/payments?{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(9_000));
    let large = "x: y\r\n".repeat(100);
    let many = format!("GET /api/payments HTTP/1.1\r\nhost: a\r\n{large}\r\n");
    let large = format!("x: {}\r\n", "y".repeat(70_000));
    let large = format!("GET /api/payments HTTP/1.1\r\nhost: a\r\n{large}\r\n");
    refuses(
        port(&system),
        &[
            ("GET /api/payments HTTP/1.1\r\n\r\n", 400, "host_invalid"),
            ("GET /api/payments HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", 400, "host_invalid"),
            ("GET /api/payments HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "host_invalid"),
            ("GET /api/payments HTTP/1.1\r\nhost: u@a\r\n\r\n", 400, "host_invalid"),
            ("GET /api/payments HTTP/1.1\r\nhost:\r\n\r\n", 400, "host_invalid"),
            ("GET /api/payments HTTP/1.1\r\nhost: a%2\r\n\r\n", 400, "host_invalid"),
            ("GET /api/payments HTTP/1.1\nhost: a\n\n", 400, "request_malformed"),
            ("GET /api/payments\r\n\r\n", 400, "request_malformed"),
            ("GET /api/payments HTTP/0.9\r\n\r\n", 505, "version_unknown"),
            ("GET /api/payments HTTP/2.0\r\nhost: a\r\n\r\n", 505, "version_unknown"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version_unknown"),
            ("G@T /api/payments HTTP/1.1\r\nhost: a\r\n\r\n", 400, "request_malformed"),
            ("GET /api/pay\0ments HTTP/1.1\r\nhost: a\r\n\r\n", 400, "target_invalid"),
            ("GET /api/pay\rments HTTP/1.1\r\nhost: a\r\n\r\n", 400, "request_malformed"),
            ("GET /api/payments#a HTTP/1.1\r\nhost: a\r\n\r\n", 400, "target_invalid"),
            ("GET * HTTP/1.1\r\nhost: a\r\n\r\n", 400, "target_invalid"),
            ("GET a.b:80 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "target_invalid"),
            ("CONNECT a.b:80 HTTP/1.1\r\nhost: a.b:80\r\n\r\n", 405, "method_not_allowed"),
            (&long, 414, "target_too_long"),
            (&many, 431, "head_too_large"),
            (&large, 431, "head_too_large"),
        ],
    );
    assert!(service.heard().is_empty(), "{:?}", service.heard());
}

/// RFC 9110, section 2.5: a later minor version is understood; it is answered in the one known here.
#[actix_web::test]
async fn a_later_minor_version_is_understood() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    for version in ["1.2", "1.9", "1.1"] {
        wire.send(format!("GET /api/payments HTTP/{version}\r\nhost: a\r\n\r\n"));
        let answer = wire.answer();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"), "{version}");
        assert!(answer.line.starts_with("HTTP/1.1 "), "{version}: {answer:?}");
    }
}

/// RFC 9110, section 9.3.2: a refusal of HEAD has no body either.
#[actix_web::test]
async fn a_refused_head_gets_no_body() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));
    wire.send("HEAD /api/payments HTTP/1.1\r\nhost: a b\r\n\r\n");
    let answer = wire.head_only();
    assert_eq!((answer.status(), reason(&answer).as_str()), (400, "host_invalid"));
    assert!(wire.is_closed(), "a body came");
}

/// RFC 9112, section 3.2.2: the authority of the target is the host, whatever the field says.
#[actix_web::test]
async fn a_target_in_absolute_form_names_the_host() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let request =
        "GET http://meant.example:81/api/payments?a=b HTTP/1.1\r\nhost: said.example\r\n\r\n";

    let answer = exchange(port(&system), request);

    assert_eq!(answer.status(), 200, "{answer:?}");
    let sent = service.last();
    assert_eq!(sent.target(), "/payments?a=b");
    assert_eq!(sent.field("x-forwarded-host"), "meant.example:81");
}

/// RFC 9110, section 9.3.7: `OPTIONS *` is about the server.
#[actix_web::test]
async fn the_server_itself_has_options() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let mut wire = Wire::to(port(&system));

    let answer = wire.send("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").answer();

    assert_eq!(answer.status(), 204, "{answer:?}");
    assert!(answer.field("allow").contains("OPTIONS"), "{answer:?}");
    // RFC 9112, section 3.2.4: so it is in absolute form, without a path.
    let answer = wire.send("OPTIONS http://a.b:81 HTTP/1.1\r\nhost: a\r\n\r\n").answer();
    assert_eq!(answer.status(), 204, "{answer:?}");
    assert_eq!(wire.get("/api/payments").status(), 200, "and the connection goes on");
}

/// RFC 9110, section 7.6.2: `Max-Forwards` of OPTIONS is counted down, and answered at its end.
#[actix_web::test]
async fn the_last_hop_answers_itself() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[]).await;
    let ask = |left: &str| {
        let fields = format!("host: a\r\nmax-forwards: {left}\r\n\r\n");
        exchange(port(&system), format!("OPTIONS /api/payments HTTP/1.1\r\n{fields}"))
    };

    let answer = ask("0");
    assert_eq!((answer.status(), answer.has("allow")), (204, true), "{answer:?}");
    assert!(service.heard().is_empty());

    assert_eq!(ask("5").status(), 200);
    assert_eq!(service.last().field("max-forwards"), "4");
}

/// RFC 9110, sections 7.6.2 and 9.3.8: the last hop sends TRACE back, without what is secret in it.
#[actix_web::test]
async fn the_last_hop_of_a_trace_tells_what_it_got() {
    let service = Scripted::saying("ok");
    let system = routed(&[("/legacy", &service, "")], &[]).await;
    let request = "TRACE /legacy/a HTTP/1.1\r\nhost: a\r\nmax-forwards: 0\r\nx-any: 1\r\n\
                   cookie: secret\r\nauthorization: Bearer secret\r\n\r\n";

    let answer = exchange(port(&system), request);

    let kind = answer.field("content-type");
    assert_eq!((answer.status(), kind.as_str()), (200, "message/http"), "{answer:?}");
    let told = answer.text();
    assert!(
        told.starts_with("TRACE /legacy/a HTTP/1.1\r\n") && told.contains("x-any: 1"),
        "{told}"
    );
    assert!(!told.contains("secret"), "{told}");
    assert!(service.heard().is_empty());
}

/// RFC 9110, section 9.3.8: content of a TRACE is not sent on, however it is framed.
#[actix_web::test]
async fn a_trace_has_no_content() {
    let service = Scripted::saying("ok");
    let system = routed(&[("/legacy", &service, "")], &[]).await;
    for framed in
        ["content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"]
    {
        let answer =
            exchange(port(&system), format!("TRACE /legacy/a HTTP/1.1\r\nhost: a\r\n{framed}"));
        assert_eq!(answer.status(), 400, "{answer:?}");
        assert!(answer.text().contains("request_malformed"), "{answer:?}");
    }
    assert!(service.heard().is_empty());
    let bare = "TRACE /legacy/a HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(exchange(port(&system), bare).status(), 200);
}
