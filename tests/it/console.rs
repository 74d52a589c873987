//! The status page: who sees what of it, and that the last day survives the process.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use busbar::types::ServiceName::{self, Billing, Gateway, Notifications, Users};
use busbar::types::Timestamp;
use serde_json::{Value, json};

use crate::support::{Engine, TestSystem};

/// A slow machine is no outage; a port that is closed is one all the same.
const PATIENT: &[(&str, &str)] = &[("BUSBAR_HEALTH_TIMEOUT_MS", "20000")];

fn of(state: &Value, name: ServiceName) -> Value {
    let services = state["health"]["services"].as_array().unwrap();
    services.iter().find(|service| service["service"] == name.as_str()).unwrap().clone()
}

async fn shown(system: &TestSystem, name: ServiceName) -> Value {
    of(&system.anonymous().get("/console/state").await.expect(200), name)
}

/// What the page says of a service, once it says so.
async fn becomes(system: &TestSystem, name: ServiceName, status: &str) -> Value {
    let what = format!("{name} is {status} on the page");
    system.eventually(&what, async || shown(system, name).await["status"] == status).await;
    shown(system, name).await
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(0).plus(since)
}

fn history(system: &TestSystem) -> PathBuf {
    system.folder().join("data/health/history.jsonl")
}

/// How often the file says so.
fn written(system: &TestSystem, name: ServiceName, status: &str) -> usize {
    let text = std::fs::read_to_string(history(system)).unwrap_or_default();
    let line = format!(r#""service":"{name}","status":"{status}""#);
    text.lines().filter(|shown| shown.contains(&line)).count()
}

/// The page is whole, runs nothing that did not come with it, and is in nobody's frame.
#[actix_web::test]
async fn the_page_is_guarded() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Gateway], &[]);
    system.ready(&[Gateway]).await;
    let client = system.anonymous();
    for (path, kind) in [
        ("/console", "text/html; charset=utf-8"),
        ("/console/page.css", "text/css; charset=utf-8"),
        ("/console/page.js", "text/javascript; charset=utf-8"),
        ("/console/state", "application/json"),
    ] {
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    let strict = client.get("/console/").await;
    assert_eq!((strict.status, strict.header("location")), (308, "../console"));
    client.get("/console/page.php").await.expect(404);
    let state = client.get("/console/state").await.expect(200);
    let names: Vec<_> = state["health"]["services"].as_array().unwrap().iter().collect();
    let names: Vec<_> = names.iter().map(|service| service["service"].as_str().unwrap()).collect();
    assert_eq!(names, ServiceName::ALL.map(ServiceName::as_str));
    assert!(!state.to_string().contains("127.0.0.1"), "{state}");
    assert_eq!(state["breakers"].as_array().unwrap().len(), 8);
    assert_eq!(state["health"]["isHistoryKept"], true);
    becomes(&system, Gateway, "UP").await;
}

/// Everybody sees that it fell, an administrator why and where, and for as long as the session lasts.
#[actix_web::test]
async fn reasons_are_for_administrators() {
    let system = TestSystem::start_with(Engine::Sqlite, PATIENT).await;
    let admin = system.admin().await;
    becomes(&system, Notifications, "UP").await;
    system.inject(Notifications, json!({"kind": "panic_thread"}), 1).await;
    let mut all = Value::Null;
    system
        .eventually("its end is shown", async || {
            let state = admin.get("/console/state").await.expect(200);
            assert_eq!(state["isDetailed"], true);
            all = of(&state, Notifications)["instances"][0]["inside"].clone();
            all["restarts"] == 1 && all["state"] == "running"
        })
        .await;
    let end = &all["ends"][0];
    assert_eq!((&end["reason"], &end["generation"]), (&json!("panic"), &json!(1)));
    assert_eq!(end["message"], "an injected panic of the incarnation");
    assert!(end["location"].as_str().unwrap().contains("src/faults/"), "{end}");
    assert_eq!((&all["generation"], &all["workers"]), (&json!(2), &json!(1)));

    for person in [system.anonymous(), system.person("alice").await] {
        let (mut state, mut inside) = (Value::Null, Value::Null);
        system
            .eventually("its end is told to everybody", async || {
                state = person.get("/console/state").await.expect(200);
                inside = of(&state, Notifications)["instances"][0]["inside"].clone();
                inside.is_object()
            })
            .await;
        assert_eq!(state["isDetailed"], false);
        assert_eq!(
            (&inside["restarts"], &inside["ends"][0]["reason"]),
            (&json!(1), &json!("panic"))
        );
        assert!(inside["ends"][0]["message"].is_null(), "{inside}");
        assert!(!state.to_string().contains("injected"), "{state}");
    }
    admin.post("/api/auth/logout", Value::Null).await.expect(204);
    system
        .eventually("the session has ended here, too", async || {
            admin.get("/console/state").await.status == 401
        })
        .await;
    system.finish().await;
}

/// `GATEWAY_CONSOLE`: administrators alone, or no page at all.
#[actix_web::test]
async fn it_can_be_kept_to_oneself() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let hosted = [Gateway, Users];
    system.spawn(&hosted, &[("GATEWAY_CONSOLE", "admins")]);
    system.ready(&hosted).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    system.anonymous().get("/console").await.expect(200);
    let answer = system.anonymous().get("/console/state").await;
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    answer.expect_problem(401, "unauthenticated");
    alice.get("/console/state").await.expect_problem(403, "insufficient_scope");
    admin.get("/console/state").await.expect(200);

    system.kill();
    system.spawn(&hosted, &[("GATEWAY_CONSOLE", "off")]);
    system.ready(&hosted).await;
    for path in ["/console", "/console/", "/console/page.js", "/console/state"] {
        system.anonymous().get(path).await.expect_problem(404, "not_found");
    }
}

/// Two processes, one of them killed: the page knows how the other is inside while it lives, says
/// that it is down, and that once; the next process of the gateway still knows.
#[actix_web::test]
async fn an_outage_is_one_change_each_way_and_is_remembered() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Billing], PATIENT);
    system.ready(&[Billing]).await;
    let mut billing = system.take_process();
    system.spawn(&[Gateway], PATIENT);
    system.ready(&[Gateway]).await;
    becomes(&system, Billing, "UP").await;
    let place = async || shown(&system, Billing).await["instances"][0].clone();
    let mut told = Value::Null;
    system
        .eventually("the other process tells", async || {
            told = place().await;
            told["inside"].is_object()
        })
        .await;
    let inside = &told["inside"];
    assert_eq!((&inside["state"], &inside["generation"]), (&json!("running"), &json!(1)));
    assert!(inside["figures"]["outboxPending"].is_number(), "{inside}");
    assert_eq!(told["checks"][0]["name"], "database");

    let before = written(&system, Billing, "DOWN");
    billing.kill();
    let down = becomes(&system, Billing, "DOWN").await;
    assert!(down["strip"].as_str().unwrap().ends_with('d'), "{down}");
    system.spawn(&[Billing], PATIENT);
    let up = becomes(&system, Billing, "UP").await;
    let uptime = up["uptime24h"].as_f64().unwrap();
    assert!(uptime > 0.0 && uptime < 100.0, "{up}");
    let changes = up["changes24h"].as_u64().unwrap();
    assert!(changes >= 2, "{up}");
    system.eventually("it is written", async || written(&system, Billing, "UP") >= 2).await;
    assert_eq!(written(&system, Billing, "DOWN"), before + 1);

    system.kill();
    system.spawn(&[Gateway, Billing], PATIENT);
    system.ready(&[Gateway, Billing]).await;
    let up = becomes(&system, Billing, "UP").await;
    assert!(up["changes24h"].as_u64().unwrap() >= changes, "{up}");
    assert!(up["uptime24h"].as_f64().unwrap() < 100.0, "{up}");
    let health = system.anonymous().get("/health").await.expect(200);
    let billing = &health["services"][2];
    for member in ["since", "uptime24h", "watched24h", "changes24h", "flapping"] {
        assert!(!billing[member].is_null(), "{member}: {billing}");
    }
}

/// A day of which a process before this one has seen all but its last hour, with half a minute of
/// outage in it.
#[actix_web::test]
async fn thirty_seconds_of_a_day_are_a_third_of_a_thousandth() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let ago = |seconds| now().minus(Duration::from_secs(seconds));
    let line = |seconds, status: &str| {
        json!({"at": ago(seconds), "service": "billing", "status": status}).to_string()
    };
    let lines = [
        line(90_000, "UP"),
        line(40_000, "DOWN"),
        line(39_970, "UP"),
        json!({"at": ago(3_600)}).to_string(),
    ];
    std::fs::create_dir_all(history(&system).parent().unwrap()).unwrap();
    std::fs::write(history(&system), lines.join("\n") + "\n").unwrap();
    system.spawn(&[Gateway, Billing], PATIENT);
    system.ready(&[Gateway, Billing]).await;
    let billing = becomes(&system, Billing, "UP").await;
    // 30 of the 82 800 seconds that somebody has watched.
    let uptime = billing["uptime24h"].as_f64().unwrap();
    assert!((uptime - (100.0 - 30.0 / 828.0)).abs() < 0.003, "{billing}");
    let watched = billing["watched24h"].as_f64().unwrap();
    assert!((watched - 100.0 * 23.0 / 24.0).abs() < 0.2, "what nobody saw is not up: {billing}");
    let strip = billing["strip"].as_str().unwrap();
    assert_eq!(strip.matches('d').count(), 1, "{strip}");
    assert_eq!(strip.matches('-').count(), 3, "{strip}");
}

/// A folder that nothing can be written to costs the memory of restarts, and nothing else.
#[actix_web::test]
async fn a_history_that_cannot_be_kept_hurts_nobody() {
    let system = TestSystem::prepare(Engine::Sqlite);
    std::fs::create_dir_all(system.folder().join("data")).unwrap();
    std::fs::write(system.folder().join("data/health"), "in the way").unwrap();
    system.spawn(&[Gateway, Billing], &[]);
    system.ready(&[Gateway, Billing]).await;
    let billing = becomes(&system, Billing, "UP").await;
    assert_eq!(billing["uptime24h"], 100.0);
    let state = system.anonymous().get("/console/state").await.expect(200);
    assert_eq!(state["health"]["isHistoryKept"], false);
    let told = system.log().iter().any(|line| line.contains("kept in memory alone"));
    assert!(told, "{:?}", system.log());
}
