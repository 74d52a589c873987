//! What the gateway answers itself: assets, the API page, figures.

use serde_json::json;

use super::{before, gateway, port};
use crate::support::Person;
use crate::support::wire::{Scripted, exchange};

/// `CDN_BASE_URL`: browsers are sent there, path and query as they came.
#[actix_web::test]
async fn assets_are_elsewhere() {
    let system = gateway(&[], &[("CDN_BASE_URL", "https://cdn.example.com/")]).await;
    let client = system.anonymous();
    for (path, place) in [
        ("/assets/a/b.css?v=2", "https://cdn.example.com/a/b.css?v=2"),
        ("/assets/a%20b/%C3%A9.png", "https://cdn.example.com/a%20b/%C3%A9.png"),
        ("/assets/", "https://cdn.example.com/"),
        ("/assets/x?to=https://evil.example", "https://cdn.example.com/x?to=https://evil.example"),
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.header("location")), (302, place), "{answer}");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
    }
    for path in [
        "/assets/..%2f..%2fetc",
        "/assets/../etc",
        "/assets//evil.example/x",
        "/assets/%5c%5cevil",
        "/assets/a%0d%0ab",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\r\n");
        let answer = exchange(port(&system), request);
        assert_eq!(answer.status(), 400, "{path}: {answer:?}");
        assert!(answer.text().contains("path_invalid"), "{answer:?}");
    }
}

/// Without one, there are no assets, and nobody remembers that for long.
#[actix_web::test]
async fn without_a_cdn_there_are_no_assets() {
    let system = gateway(&[], &[]).await;
    let answer = system.anonymous().get("/assets/a.css").await;
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.expect_problem(404, "not_found");
}

/// The description of the whole, and a page for it that needs nothing from elsewhere.
#[actix_web::test]
async fn the_api_is_described() {
    let system = gateway(&[], &[]).await;
    let client = system.anonymous();
    let document = client.get("/openapi.json").await.expect(200);
    for path in ["/api/users", "/api/bills/{id}", "/api/payments", "/.well-known/jwks.json"] {
        assert!(document["paths"][path].is_object(), "{path} is missing");
    }
    let page = client.get("/docs").await;
    assert_eq!((page.status, page.header("location")), (308, "docs/"));
    let page = client.get("/docs/").await;
    assert!(page.header("content-type").starts_with("text/html"), "{page}");
    let start = client.get("/docs/swagger-initializer.js").await.text();
    assert!(start.contains("/openapi.json"), "{start}");
    for text in [page.text(), start] {
        assert!(!text.contains("https://") && !text.contains("http://"), "{text}");
    }
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "index.css"] {
        assert_eq!(client.get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    assert_eq!(client.get("/docs/nothing.js").await.status, 404);
}

/// The keys and names of the Node.js system, beside our own.
#[actix_web::test]
async fn figures_have_the_names_of_the_origin() {
    let service = Scripted::saying("ok");
    let system = before(&service, &[("GATEWAY_CACHE_TTL_MS", "1234")]).await;
    let client = system.anonymous();
    client.get("/api/payments").await.expect(200);
    client.get("/api/bills").await.expect_problem(503, "service_unavailable");

    let figures = client.get("/metrics").await.expect(200);

    assert_eq!(figures["requests"]["proxied"], 2);
    assert_eq!(figures["requests"]["upstreamErrors"], 1);
    assert!(figures["requests"]["total"].as_u64().unwrap() >= 2);
    for key in ["average", "p50", "p95", "p99"] {
        assert!(figures["latencyMs"][key].as_f64().unwrap() > 0.0, "{figures}");
    }
    assert_eq!(figures["cache"], json!({"entries": 0, "hitRatio": 0.0, "ttlMs": 1234}));
    assert_eq!(figures["connections"], json!({"maxSockets": 2048, "maxFreeSockets": 256}));

    let answer = client.get("/metrics/prometheus").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text();
    for line in [
        "gateway_proxied_requests_total 2",
        "gateway_upstream_errors_total 1",
        "gateway_cache_hits_total 0",
        "gateway_cache_misses_total 1",
        "gateway_cache_hit_ratio 0",
        "gateway_cache_entries 0",
        "busbar_gateway_upstream_requests_total{outcome=\"ok\",upstream=\"payments\"} 1",
        "busbar_gateway_upstream_requests_total{outcome=\"connect\",upstream=\"billing\"} 1",
        "busbar_gateway_upstream_duration_seconds_count{upstream=\"payments\"} 1",
        "busbar_http_requests_total{code=\"200\",method=\"GET\",route=\"/api/payments\",service=\"gateway\"} 1",
    ] {
        assert!(text.lines().any(|shown| shown == line), "`{line}` is missing in\n{text}");
    }
    for name in [
        "gateway_requests_total",
        "gateway_latency_average_ms",
        "gateway_latency_p50_ms",
        "gateway_latency_p95_ms",
        "gateway_latency_p99_ms",
    ] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{name} "))), "{name}");
    }
}

/// Paths that nobody knows make no new series.
#[actix_web::test]
async fn unknown_paths_add_no_series() {
    let system = gateway(&[], &[]).await;
    let client: Person = system.anonymous();
    client.get("/scan/0").await.expect(404);
    let series = async || client.get("/metrics/prometheus").await.text().lines().count();
    client.get("/metrics/prometheus").await.expect(200);
    let before = series().await;
    for number in 1..50 {
        client.get(&format!("/scan/{number}")).await.expect(404);
    }
    assert_eq!(series().await, before);
}
