//! A server built with the kit, as a client sees it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{HttpRequest, HttpResponse, web};
use busbar_http::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    amount: i64,
}

async fn take(Keyed(order, key): Keyed<Order>) -> Result<Reply, Problem> {
    Reply::first(201, &serde_json::json!({"amount": order.amount, "route": key.route}))
}

async fn fall(_: web::Path<String>) -> &'static str {
    panic!("the handler falls")
}

struct Running {
    address: SocketAddr,
    draining: Arc<AtomicBool>,
    metrics: Metrics,
    handle: ServerHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

/// What `/again` is answered with when the same bytes come again.
struct Again;

impl Repeat for Again {
    fn again(&self, _: &RequestId, head: &mut Vec<u8>) -> Option<bytes::Bytes> {
        head.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n");
        Some("again".into())
    }

    fn given(&self, _: Duration) {}

    fn size(&self) -> usize {
        0
    }
}

fn at_once(request: &HttpRequest, _: Instant) -> Option<HttpResponse> {
    (request.path() == "/again").then(|| {
        if let Some(repeatable) = Repeatable::of(request) {
            repeatable.keep(request, &"/again".into(), 200, Box::new(Again));
        }
        HttpResponse::Ok().body("once")
    })
}

async fn running() -> Running {
    running_with(Duration::from_secs(30)).await
}

async fn running_with(keep_alive: Duration) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let draining = Arc::new(AtomicBool::new(false));
    let metrics = Metrics::new("kit").unwrap();
    let health = Health::new("kit-service", 1, draining.clone(), vec![missing()]);
    let kit = Kit {
        metrics: metrics.clone(),
        health: web::Data::new(health),
        draining: draining.clone(),
        verifier: None,
        service_key: None,
        before: None,
        document: "{}".into(),
        at_once: Some(Arc::new(at_once)),
        figures: None,
    };
    let limits = Limits {
        workers: 1,
        keep_alive,
        client_request_timeout: Duration::from_secs(5),
        drain: Duration::from_secs(1),
        connections_max: 100,
        body_bytes_max: 64,
    };
    let configure = |config: &mut web::ServiceConfig| {
        Routes::new()
            .post("/orders", about("Order").keyed(), take)
            .get("/falls/{id}", about("Falls"), fall)
            .get("/slow", about("Slow"), || async {
                actix_rt::time::sleep(Duration::from_secs(30)).await;
                "slow"
            })
            .register(config);
    };
    let server = serve(listener, &limits, kit, configure).unwrap();
    let handle = server.handle();
    actix_rt::spawn(server);
    Running { address, draining, metrics, handle }
}

fn missing() -> Check {
    Check { name: "database", ask: Arc::new(|| Box::pin(async { Err("is away".into()) })) }
}

/// Sends a request on an open connection and reads one answer: head and body by its length.
fn exchange(stream: &mut TcpStream, request: &str) -> (String, String) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

async fn on_connection<T: Send + 'static>(
    address: SocketAddr,
    talk: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> T {
    web::block(move || talk(TcpStream::connect(address).unwrap())).await.unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: kit\r\nx-request-id: r-1\r\n\r\n")
}

fn post(body: &str, headers: &str) -> String {
    let length = body.len();
    format!("POST /orders HTTP/1.1\r\nhost: kit\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

#[actix_rt::test]
async fn a_panic_is_a_500_problem_and_the_connection_goes_on() {
    let server = running().await;
    let (head, body, next) = on_connection(server.address, |mut stream| {
        let (head, body) = exchange(&mut stream, &get("/falls/7"));
        (head, body, exchange(&mut stream, &get("/health/live")).0)
    })
    .await;
    assert!(head.starts_with("http/1.1 500"), "{head}");
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    assert!(head.contains("x-request-id: r-1"), "{head}");
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&problem["code"], &problem["request_id"]), (&"internal".into(), &"r-1".into()));
    assert_eq!(problem["instance"], "/falls/7");
    assert!(!body.contains("the handler falls"), "the inside is not told: {body}");
    assert!(next.starts_with("http/1.1 200"), "{next}");
    let text = server.metrics.text();
    let line = r#"busbar_http_panics_total{route="/falls/{id}",service="kit"} 1"#;
    assert!(text.contains(line), "{text}");
}

#[actix_rt::test]
async fn wrong_requests_get_problems_with_stable_codes() {
    let server = running().await;
    let key = "idempotency-key: k\r\ncontent-type: application/json\r\n";
    let cases = [
        (get("/nothing"), 404, "not_found"),
        (get("/orders"), 405, "method_not_allowed"),
        (
            post("{\"amount\":1}", "content-type: application/json\r\n"),
            400,
            "idempotency_key_required",
        ),
        (post("{", key), 400, "invalid_json"),
        (post("{\"amount\":1}", "idempotency-key: k\r\n"), 415, "unsupported_media_type"),
        (post("{\"amount\":\"1\"}", key), 422, "type_mismatch"),
        (post("{\"amount\":1,\"role\":\"admin\"}", key), 422, "unknown_field"),
        (post(&format!("{{\"amount\":1}}{}", " ".repeat(64)), key), 413, "body_too_large"),
    ];
    for (request, status, code) in cases {
        let shown = request.clone();
        let (head, body) =
            on_connection(server.address, move |mut stream| exchange(&mut stream, &request)).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{shown}\n{head}");
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], code, "{shown}");
        assert!(problem["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        if status == 405 {
            assert!(head.contains("allow: post"), "{head}");
        }
    }
    let (head, body) = on_connection(server.address, move |mut stream| {
        exchange(&mut stream, &post("{\"amount\":1}", key))
    })
    .await;
    assert!(head.starts_with("http/1.1 201"), "{head}");
    assert!(body.contains("\"route\":\"/orders\""), "{body}");
}

#[actix_rt::test]
async fn unknown_paths_add_no_series() {
    let server = running().await;
    on_connection(server.address, |mut stream| {
        (0..50).for_each(|number| drop(exchange(&mut stream, &get(&format!("/x{number}")))));
    })
    .await;
    let text = server.metrics.text();
    let lines = text.lines().filter(|line| line.starts_with("busbar_http_requests_total")).count();
    assert_eq!(lines, 1, "{text}");
    assert!(
        text.contains(r#"code="404",method="GET",route="unmatched",service="kit"} 50"#),
        "{text}"
    );
}

#[actix_rt::test]
async fn a_draining_server_says_so_and_closes() {
    let server = running().await;
    server.draining.store(true, SeqCst);
    let (ready, end) = on_connection(server.address, |mut stream| {
        let ready = exchange(&mut stream, &get("/health/ready"));
        (ready, stream.read(&mut [0]).unwrap())
    })
    .await;
    assert!(ready.0.starts_with("http/1.1 503"), "{}", ready.0);
    assert!(ready.0.contains("connection: close"), "{}", ready.0);
    assert_eq!(end, 0, "the server closes the connection");
}

#[actix_rt::test]
async fn a_missing_database_degrades_but_does_not_kill() {
    let server = running().await;
    let [detail, live, ready] = on_connection(server.address, |mut stream| {
        ["/health", "/health/live", "/health/ready"].map(|path| exchange(&mut stream, &get(path)))
    })
    .await;
    assert!(detail.0.starts_with("http/1.1 200") && detail.1.contains("DEGRADED"), "{detail:?}");
    assert!(live.0.starts_with("http/1.1 200") && live.1.contains("UP"), "{live:?}");
    assert!(ready.0.starts_with("http/1.1 503") && ready.1.contains("database"), "{ready:?}");
}

#[actix_rt::test]
async fn a_client_that_leaves_ends_its_request() {
    let server = running().await;
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(get("/slow").as_bytes()).unwrap();
    in_flight_becomes(&server, 1).await;
    drop(stream);
    in_flight_becomes(&server, 0).await;
}

async fn in_flight_becomes(server: &Running, wanted: i64) {
    let start = std::time::Instant::now();
    while server.metrics.json()["requests"]["inFlight"] != wanted {
        assert!(start.elapsed() < Duration::from_secs(10), "{wanted} in flight is never reached");
        actix_rt::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The same bytes are answered below the server from their third time on, are counted all the same,
/// and no longer once the server drains. Who is silent after that is idle like anybody.
#[actix_rt::test]
async fn the_same_bytes_are_answered_again() {
    let kit = running_with(Duration::from_secs(1)).await;
    let draining = kit.draining.clone();
    let (before, after) = on_connection(kit.address, move |mut stream| {
        let request = "GET /again HTTP/1.1\r\nhost: kit\r\n\r\n";
        let other = "GET /again HTTP/1.1\r\nhost: kit\r\nx-request-id: mine\r\n\r\n";
        let mut said = Vec::new();
        for request in [request, request, request, other, other, other, request] {
            said.push(exchange(&mut stream, request).1);
        }
        let idle = stream.read(&mut [0]);
        assert!(matches!(idle, Ok(0)), "{idle:?}");
        draining.store(true, SeqCst);
        let mut stream = TcpStream::connect(stream.peer_addr().unwrap()).unwrap();
        (said, exchange(&mut stream, request))
    })
    .await;
    assert_eq!(before, ["once", "once", "again", "once", "once", "once", "again"]);
    assert_eq!(after.1, "once");
    assert!(after.0.contains("connection: close"), "{}", after.0);
    assert_eq!(kit.metrics.requests_total(), 8);
    let series = "busbar_http_requests_total{code=\"200\",method=\"GET\",route=\"/again\",service=\"kit\"} 2";
    assert!(kit.metrics.text().contains(series), "{}", kit.metrics.text());
}
