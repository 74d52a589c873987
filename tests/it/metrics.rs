//! What a scrape shows: a bounded number of series, sums that add up, exemplars that lead to the log,
//! and an answer also while the databases are away. And the log as JSON lines.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpStream;

use actix_web::web;
use busbar::types::ServiceName;
use busbar::types::ServiceName::{Billing, Gateway, Payments};
use serde_json::{Value, json};

use crate::support::launch::eventually;
use crate::support::orders::order;
use crate::support::postgres::Cluster;
use crate::support::wire::read_message;
use crate::support::{Engine, Person, TestSystem};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";
/// What is logged in these tests: access lines, too.
const LOGGED: (&str, &str) = ("BUSBAR_LOG", "info");

/// Every metric with its series: their labels, and what they read.
fn series(text: &str) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut found: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let (metric, labels) = name.split_once('{').unwrap_or((name, ""));
        let value = value.parse().unwrap();
        found.entry(metric.to_owned()).or_default().insert(labels.to_owned(), value);
    }
    found
}

/// Asks for paths on one connection and counts the answers of 404.
fn scan(port: u16, paths: impl Iterator<Item = String>) -> usize {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let answers = paths.map(|path| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: busbar\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        read_message(&mut stream, true).expect("an answer").status()
    });
    answers.filter(|status| *status == 404).count()
}

#[actix_web::test]
async fn a_scanner_adds_no_series_and_every_request_is_counted() {
    let system = TestSystem::start(Engine::Sqlite).await;
    for (service, prefix) in [(Gateway, "/wp-admin"), (Billing, "/bills/x")] {
        let asker = Person::anonymous(&system.service_url(service));
        let shown = async || series(&asker.get("/metrics/prometheus").await.text());
        let answered = |shown: &BTreeMap<String, BTreeMap<String, f64>>, filter: &str| -> f64 {
            let all = shown["busbar_http_requests_total"].iter();
            all.filter(|(labels, _)| labels.contains(filter)).map(|(_, count)| count).sum()
        };
        let (unmatched, port) = ("route=\"unmatched\"", system.port(service));
        // Health is asked for meanwhile, as always.
        for known in ["/health", "/health/live", "/health/ready", "/metrics/prometheus"] {
            asker.get(known).await;
        }
        let before = shown().await;

        let paths = (0..10_000).map(move |number| format!("{prefix}/{number}/{number}"));
        let not_found = web::block(move || scan(port, paths)).await.unwrap();

        let after = shown().await;
        assert_eq!(not_found, 10_000, "{service}");
        assert_eq!(answered(&after, unmatched) - answered(&before, unmatched), 10_000.0);
        assert!(answered(&after, unmatched) <= answered(&after, "code=\"404\""), "{service}");
        let of_requests = |metric: &str| {
            metric.starts_with("busbar_http_") || metric.starts_with("busbar_gateway_")
        };
        for (metric, now) in after.iter().filter(|(metric, _)| of_requests(metric)) {
            let had = before.get(metric).map_or(0, BTreeMap::len);
            // A histogram's one more series has a line for each bucket.
            let lines_max = if metric.ends_with("_bucket") { 13 } else { 1 };
            assert!(now.len() <= had + lines_max, "{service}: {metric}: {had} -> {}", now.len());
        }
        let durations = after["busbar_http_request_duration_seconds_count"].iter();
        let timed: f64 = durations.filter(|(l, _)| l.contains(unmatched)).map(|(_, n)| n).sum();
        assert_eq!(timed, answered(&after, unmatched), "{service}: each is counted in both");
    }
    system.finish().await;
}

#[actix_web::test]
async fn exemplars_lead_to_the_log_and_only_for_those_who_want_them() {
    let more = [LOGGED, ("BUSBAR_LOG_FORMAT", "json")];
    let system = TestSystem::start_with(Engine::Sqlite, &more).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced = format!("00-{trace}-00f067aa0ba902b7-01");
    let alice = system.person("alice").await.header("traceparent", &traced);
    let bill = system.issued_bill(&alice, 4_496).await;
    let paid = alice.keyed("k-1").post("/api/payments", order(&bill, 4_496, "tok_ok")).await;
    assert!(paid.status < 300, "{paid}");

    for service in [Gateway, Payments] {
        let asker = Person::anonymous(&system.service_url(service));
        let open = asker.header("accept", OPEN_METRICS).get("/metrics/prometheus").await;
        let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert_eq!(open.header("content-type"), format);
        let text = open.text();
        assert!(text.ends_with("\n# EOF\n"), "{text}");
        let traces: BTreeSet<&str> = text
            .lines()
            .filter_map(|line| line.split_once(" # {trace_id=\""))
            .filter(|(series, _)| series.contains("_bucket{"))
            .filter_map(|(_, rest)| rest.split('"').next())
            .collect();
        assert!(!traces.is_empty(), "{service}: {text}");
        for trace in traces {
            let member = format!("\"trace_id\":\"{trace}\"");
            let is_told = async || system.log().iter().any(|line| line.contains(&member));
            eventually(&format!("{service}: {trace} is in the log"), is_told).await;
        }
        let plain = asker.get("/metrics/prometheus").await;
        assert_eq!(plain.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        assert!(!plain.text().contains("trace_id"));
    }
    system.finish().await;
}

#[actix_web::test]
async fn a_json_line_says_what_it_is_about_and_tells_no_secrets() {
    let more = [LOGGED, ("BUSBAR_LOG_FORMAT", "json")];
    let system = TestSystem::start_with(Engine::Sqlite, &more).await;
    let alice = system.person("alice").await;
    let id = format!("/api/users/{}", alice.id);
    alice.header("x-request-id", "asked-by-a-test").get(&id).await.expect(200);
    system.wait_for_log("asked-by-a-test").await;

    let lines = async || -> Vec<Value> {
        let log = system.log();
        let ours = log.iter().filter(|line| line.starts_with('{'));
        ours.map(|line| serde_json::from_str(line).expect(line)).collect()
    };
    let of_users =
        |line: &Value| line["request_id"] == "asked-by-a-test" && line["service"] == "users";
    eventually("users tell it", async || lines().await.iter().any(of_users)).await;
    let lines = lines().await;
    for line in &lines {
        for member in ["ts", "level", "target", "msg"] {
            assert!(line[member].is_string(), "{line}");
        }
    }
    let access = lines.iter().find(|line| of_users(line)).unwrap();
    let expected = json!({"target": "access", "level": "info", "method": "GET", "status": 200,
        "route": "/users/{id}"});
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(&access[member], value, "{access}");
    }
    assert!(access["dur_ms"].is_f64() && access["trace_id"].as_str().unwrap().len() == 32);
    // What is printed for people at the start is no log: it shows how to sign up.
    let log: String = lines.iter().map(Value::to_string).collect();
    for secret in ["alice@example.org", "eyJ", "Bearer", "$argon2"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    system.finish().await;
}

#[actix_web::test]
async fn a_line_for_people_ends_in_what_it_is_found_by() {
    let system = TestSystem::start_with(Engine::Sqlite, &[LOGGED]).await;
    system.anonymous().header("x-request-id", "asked-by-a-test").get("/api/bills").await;
    let line = system.wait_for_log("gateway GET /api/bills 401 ").await;
    assert!(line.contains(" INFO  access] "), "{line}");
    assert!(line.contains(" ms request=asked-by-a-test trace="), "{line}");
    system.finish().await;
}

/// Figures of the database are looked up beforehand: a scrape asks no database.
#[actix_web::test]
async fn a_scrape_does_not_wait_for_databases() {
    let mut cluster = Cluster::own();
    let mut variables = Vec::new();
    for name in ServiceName::domain() {
        let variable = format!("{}_DATABASE_URL", name.variable_prefix());
        variables.push((variable, cluster.database(name.as_str())));
    }
    let variables: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let system = TestSystem::start_with(Engine::Sqlite, &variables).await;
    system.expect_faults();
    cluster.stop();
    let billing = Person::anonymous(&system.service_url(Billing));
    let is_away = async || billing.get("/health/ready").await.status == 503;
    eventually("the database is away", is_away).await;

    for name in ServiceName::ALL {
        let asker = Person::anonymous(&system.service_url(name));
        let answer = asker.get("/metrics/prometheus").await;
        assert_eq!(answer.status, 200, "{name}");
        let text = answer.text();
        assert!(text.contains("busbar_build_info{"), "{name}: {text}");
        let has_events = matches!(name, ServiceName::Users | Payments | Billing);
        let is_counted = text.contains("busbar_outbox_oldest_age_seconds{");
        assert!(is_counted || !has_events, "{name}: {text}");
    }
}
