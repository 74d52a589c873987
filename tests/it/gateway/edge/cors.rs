//! Scripts of other web pages (WHATWG Fetch, CORS protocol).

use awc::http::Method;

use super::{answering, before, routed};
use crate::support::{Answer, TestSystem};

const PAGE: &str = "https://app.example";
const PAGES: (&str, &str) = ("GATEWAY_CORS_ORIGINS", "https://app.example, http://localhost:5173");

async fn preflight(system: &TestSystem, origin: &str, path: &str, method: &str) -> Answer {
    let browser = system
        .anonymous()
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,idempotency-key");
    browser.send(Method::OPTIONS, path, None).await
}

fn vary(answer: &Answer) -> String {
    let lines = answer.headers.get_all("vary").filter_map(|line| line.to_str().ok());
    lines.collect::<Vec<_>>().join(", ")
}

/// Fetch, section 3.3.6: a browser is told by the gateway what it may ask; nothing is sent on.
#[actix_web::test]
async fn a_preflight_is_answered_here() {
    let service = answering("200 OK\r\n", "ok");
    let system = before(&service, &[PAGES]).await;
    let answer = preflight(&system, PAGE, "/api/payments/1", "PATCH").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0), "{answer}");
    for (name, value) in [
        ("access-control-allow-origin", PAGE),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("access-control-allow-headers", "authorization,idempotency-key"),
        ("access-control-max-age", "600"),
        ("vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {answer}");
    }
    assert!(service.heard().is_empty());

    // Another page, no page, no such place: nothing is allowed, and the request goes its way.
    for (origin, path) in [("https://evil.test", "/api/payments"), ("null", "/api/payments")] {
        let answer = preflight(&system, origin, path, "GET").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{answer}");
        assert_eq!(answer.header("access-control-allow-methods"), "", "{answer}");
    }
    assert_eq!(service.heard().len(), 2);
    let nowhere = preflight(&system, PAGE, "/nowhere", "GET").await;
    nowhere.expect_problem(404, "not_found");
    let plain = system.anonymous().send(Method::OPTIONS, "/api/payments", None).await;
    assert_eq!((plain.status, service.heard().len()), (200, 3));
}

/// Fetch, section 3.3.3: what a script may read of an answer, a problem's too.
#[actix_web::test]
async fn answers_may_be_read_by_the_named_pages() {
    let head = "200 OK\r\nvary: accept-language\r\naccess-control-allow-origin: *\r\n";
    let service = answering(head, "ok");
    let system = before(&service, &[PAGES]).await;
    let asked =
        async |origin: &str| system.anonymous().header("origin", origin).get("/api/payments").await;
    for page in [PAGE, "http://localhost:5173"] {
        let answer = asked(page).await;
        assert_eq!(answer.header("access-control-allow-origin"), page, "{answer}");
        assert_eq!(answer.header("access-control-allow-credentials"), "true", "{answer}");
        let exposed = answer.header("access-control-expose-headers");
        for name in ["x-request-id", "retry-after", "ratelimit", "etag", "location"] {
            assert!(exposed.split(", ").any(|known| known == name), "{name}: {exposed}");
        }
        assert_eq!(vary(&answer), "accept-language, Origin");
    }
    for stranger in ["https://evil.test", "https://app.example.evil.test", "null"] {
        let answer = asked(stranger).await;
        assert_eq!(answer.status, 200, "it goes on as usual");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{answer}");
        assert_eq!(vary(&answer), "accept-language, Origin");
    }
    let nobody = system.anonymous().get("/api/payments").await;
    assert_eq!(vary(&nobody), "accept-language, Origin", "for caches in between");

    let lost = system.anonymous().header("origin", PAGE).get("/api/nowhere").await;
    assert_eq!(lost.header("access-control-allow-origin"), PAGE, "{lost}");
    lost.expect_problem(404, "not_found");
}

/// An added route with methods of its own, and one that takes all.
#[actix_web::test]
async fn a_preflight_names_what_the_route_takes() {
    let legacy = answering("200 OK\r\n", "ok");
    let routes = [("/some", &legacy, "methods = [\"GET\", \"PUT\"]"), ("/all", &legacy, "")];
    let system = routed(&routes, &[PAGES]).await;
    let allowed = async |path: &str, method: &str| {
        let answer = preflight(&system, PAGE, path, method).await;
        assert_eq!(answer.status, 204, "{answer}");
        answer.header("access-control-allow-methods").to_owned()
    };
    assert_eq!(allowed("/some", "PUT").await, "GET, PUT");
    assert_eq!(allowed("/all/a", "PURGE").await, "PURGE");
}

/// With no page named, an upstream's own word about it passes.
#[actix_web::test]
async fn without_pages_nothing_happens() {
    let head = "200 OK\r\naccess-control-allow-origin: https://other.example\r\n";
    let legacy = answering(head, "ok");
    let system = routed(&[("/legacy", &legacy, "")], &[]).await;
    let answer = preflight(&system, PAGE, "/legacy", "GET").await;
    assert_eq!(answer.header("access-control-allow-origin"), "https://other.example", "{answer}");
    assert_eq!((answer.status, vary(&answer)), (200, String::new()));
}
