//! What the gateway knows of the services, and how it comes to know it.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName::{self, Billing, Gateway, Notifications, Payments, Users};
use serde_json::{Value, json};

use crate::support::bare::Bare;
use crate::support::person::PASSWORD;
use crate::support::wire::Wire;
use crate::support::{Engine, Person, TestSystem, postgres};

/// The gateway's word on one service.
async fn word(system: &TestSystem, name: ServiceName) -> Value {
    let whole = system.anonymous().get("/health").await.json;
    let services = whole["services"].as_array().unwrap().clone();
    services.into_iter().find(|service| service["service"] == name.origin()).unwrap()
}

async fn becomes(system: &TestSystem, name: ServiceName, status: &str) -> Value {
    let what = format!("{name} is {status}");
    system.eventually(&what, async || word(system, name).await["status"] == status).await;
    word(system, name).await
}

/// All nine in one process: everything is up, in the shape of the origin.
#[actix_web::test]
async fn a_whole_house_is_up() {
    let system = TestSystem::start(Engine::Sqlite).await;
    system
        .eventually("all are up", async || {
            let health = system.anonymous().get("/health").await.expect(200);
            health["overall"] == "UP"
        })
        .await;
    let health = system.anonymous().get("/health?strict=1").await.expect(200);
    assert_eq!(health["gateway"], "UP");
    assert!(health["checkedAt"].as_str().unwrap().ends_with('Z'), "{health}");
    let services = health["services"].as_array().unwrap();
    let named: Vec<&str> =
        services.iter().map(|service| service["service"].as_str().unwrap()).collect();
    let expected = [
        "user",
        "payment",
        "billing",
        "notification",
        "document",
        "utility",
        "analytics",
        "webhook",
    ];
    assert_eq!(named, expected);
    for service in services {
        assert_eq!(service["status"], "UP");
        assert!(service["latencyMs"].is_number() && service["sinceMs"].is_number(), "{service}");
        assert_eq!(service["instances"].as_array().unwrap().len(), 1);
        assert!(!service.to_string().contains("127.0.0.1"), "{service}");
    }
    let gauge = system.figure(Gateway, "busbar_health_up").await;
    assert_eq!(gauge, 8.0);
    system.finish().await;
}

/// A part of the house: what is not there is down, and the whole is degraded, not dead.
#[actix_web::test]
async fn a_subset_is_degraded() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Gateway, Payments], &[]);
    system.ready(&[Gateway, Payments]).await;
    let refused = TcpStream::connect(("127.0.0.1", system.port(Billing))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    becomes(&system, Payments, "UP").await;
    let billing = becomes(&system, Billing, "DOWN").await;
    assert_eq!(billing["reason"], "not reached");
    let health = system.anonymous().get("/health").await.expect(200);
    assert_eq!((&health["gateway"], &health["overall"]), (&json!("UP"), &json!("DEGRADED")));
    let strict = system.anonymous().get("/health?strict=1").await;
    assert_eq!(strict.status, 503);
    assert_eq!(strict.json["overall"], "DEGRADED");
    system.anonymous().get("/health/ready").await.expect(200);
    system.anonymous().get("/health/live").await.expect(200);
}

/// A gateway with nobody behind it is of no use, and says so with its code.
#[actix_web::test]
async fn a_gateway_alone_is_down() {
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Gateway], &[]);
    system.ready(&[Gateway]).await;
    let mut last = Value::Null;
    system
        .eventually("all are known to be down", async || {
            let answer = system.anonymous().get("/health").await;
            last = answer.json;
            last["overall"] == "DOWN" && answer.status == 503
        })
        .await;
    assert_eq!(last["gateway"], "UP");
}

/// A service that was given up is down at once, with the words of its last end.
#[actix_web::test]
async fn a_service_that_was_given_up_says_why() {
    let rules = [
        ("BUSBAR_SUPERVISION_RESTARTS_MAX", "1"),
        // Only the supervisor's word can be this quick.
        ("BUSBAR_HEALTH_INTERVAL_MS", "600000"),
    ];
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Gateway, Notifications], &rules);
    system.ready(&[Gateway, Notifications]).await;
    becomes(&system, Notifications, "UP").await;

    let inside = system.internal(Notifications);
    let order = |kind: &str, count: u32| json!({"fault": {"kind": kind}, "count": count});
    inside.post("/internal/fault", order("fail_start", 9)).await.expect(204);
    inside.post("/internal/fault", order("panic_thread", 1)).await.expect(204);

    let word = becomes(&system, Notifications, "DOWN").await;
    let reason = word["reason"].as_str().unwrap();
    assert!(reason.contains("failed") && reason.contains("an injected failure to start"), "{word}");
    system.anonymous().get("/api/notifications").await.expect_problem(503, "service_unavailable");
}

/// A service whose threads hang is found by their silence and replaced; reads in hand are asked again.
#[actix_web::test]
async fn a_hung_service_is_replaced() {
    let rules = [
        ("GATEWAY_REQUEST_TIMEOUT_MS", "25000"),
        ("BUSBAR_HEALTH_TIMEOUT_MS", "500"),
        ("PAYMENT_SERVICE_WORKERS", "1"),
    ];
    let system = TestSystem::prepare(Engine::Sqlite);
    system.spawn(&[Gateway, Payments], &rules);
    system.ready(&[Gateway, Payments]).await;
    becomes(&system, Payments, "UP").await;
    let own = Person::anonymous(&system.service_url(Payments));
    let before = own.get("/health").await.expect(200)["generation"].as_i64().unwrap();
    // Longer than the test: the thread never comes back in time.
    system.inject(Payments, json!({"kind": "block", "milliseconds": 20_000}), 1).await;

    let (is_over, port) = (Arc::new(AtomicBool::new(false)), system.port(Gateway));
    let over = is_over.clone();
    let reader = std::thread::spawn(move || {
        let answer = Wire::to(port).get("/api/payments");
        over.store(true, SeqCst);
        answer
    });
    system.wait_for_log("payments: its thread worker-0 is blocked: it is replaced").await;
    system.eventually("the read is answered", async || is_over.load(SeqCst)).await;

    let answer = reader.join().unwrap();
    assert_eq!(answer.status(), 401, "the next incarnation has answered: {answer:?}");
    let after = own.get("/health").await.expect(200)["generation"].as_i64().unwrap();
    assert!(after > before, "{before} -> {after}");
    becomes(&system, Payments, "UP").await;
}

/// Its database takes no writes: told so, and what can be read is read. When it takes some again, all is
/// well, though nobody writes.
async fn a_service_that_cannot_write_is_degraded(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let running = Bare::limited(&system, "unlimited");
    system.ready(&ServiceName::ALL).await;
    let alice = system.person("alice").await;
    becomes(&system, Users, "UP").await;

    match engine {
        Engine::Sqlite => running.limit_files("4096"),
        Engine::Postgres => postgres::refuse_writes(&system.database_url(Users)),
    }
    let own = Person::anonymous(&system.service_url(Users));
    let login = json!({"email": "alice@example.org", "password": PASSWORD});
    // The first one may meet a session that is being ended.
    let noticed = async || {
        let told = system.anonymous().post("/api/auth/login", login.clone()).await;
        let told = told.expect_problem(503, "database_unavailable").to_string();
        let inside = ["25006", "57P01", "read-only", "INSERT", "disk", "(code"];
        assert!(!inside.iter().any(|word| told.contains(word)), "{told}");
        word_of(&own).await == "DEGRADED"
    };
    system.eventually("it is noticed", noticed).await;

    let word = becomes(&system, Users, "DEGRADED").await;
    assert!(!word.to_string().contains("written"), "the reason is for operators: {word}");
    let health = own.get("/health").await.expect(200);
    let check = &health["checks"]["database_writes"];
    assert_eq!((&health["status"], &check["status"]), (&json!("DEGRADED"), &json!("DEGRADED")));
    let reason = check["reason"].as_str().unwrap();
    assert!(reason.starts_with("cannot be written: "), "{reason}");
    assert_eq!(health["checks"]["database"]["status"], "UP");
    own.get("/health/ready").await.expect(200);
    alice.get("/api/users/me").await.expect(200);

    match engine {
        Engine::Sqlite => running.limit_files("unlimited"),
        Engine::Postgres => postgres::take_writes(&system.database_url(Users)),
    }
    let healed = async || {
        system.advance(Duration::from_secs(30)).await;
        word_of(&own).await == "UP"
    };
    assert_eq!(word_of(&own).await, "DEGRADED", "one may not be enough");
    system.eventually("it is up again", healed).await;
    becomes(&system, Users, "UP").await;
}

async fn word_of(own: &Person) -> String {
    own.get("/health").await.expect(200)["status"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_service_that_cannot_write_is_degraded_on_sqlite() {
    a_service_that_cannot_write_is_degraded(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_service_that_cannot_write_is_degraded_on_postgres() {
    a_service_that_cannot_write_is_degraded(Engine::Postgres).await;
}
