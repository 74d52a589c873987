//! A service that does not come up any more: growing waits, the end of patience, and a second chance.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use busbar::types::{ServiceName, Timestamp};
use serde_json::json;

use crate::support::{Engine, TestSystem};

/// What a machine that is busy with other tests may add to a wait.
const NOISE: Duration = Duration::from_millis(1_500);

const RULES: [(&str, &str); 3] = [
    ("BUSBAR_SUPERVISION_PAYMENTS_BACKOFF_MIN_MS", "200"),
    ("BUSBAR_SUPERVISION_PAYMENTS_BACKOFF_MAX_MS", "30000"),
    ("BUSBAR_SUPERVISION_PAYMENTS_RESTARTS_MAX", "5"),
];

async fn state(system: &TestSystem) -> String {
    system.service(ServiceName::Payments).await["state"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn waits_grow_until_the_service_has_failed_and_a_start_brings_it_back_sqlite() {
    waits_grow(Engine::Sqlite).await;
}

#[actix_web::test]
async fn waits_grow_until_the_service_has_failed_and_a_start_brings_it_back_postgres() {
    waits_grow(Engine::Postgres).await;
}

async fn waits_grow(engine: Engine) {
    let system = TestSystem::start_with(engine, &RULES).await;
    system.inject(ServiceName::Payments, json!({"kind": "fail_start"}), 5).await;
    system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;
    system.eventually("it has failed", async || state(&system).await == "failed").await;

    let payments = system.service(ServiceName::Payments).await;
    let ends = payments["exits"].as_array().unwrap();
    assert_eq!((ends.len(), &payments["restarts_in_window"]), (6, &json!(6)));
    let at = |end: &serde_json::Value| end["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let times: Vec<Timestamp> = ends.iter().rev().map(at).collect();
    for (pair, nominal) in times.windows(2).zip([200, 400, 800, 1_600, 3_200]) {
        let (gap, nominal) = (pair[1].since(pair[0]), Duration::from_millis(nominal));
        println!("after a wait of {nominal:?} by the rule: {gap:?}");
        let (least, most) = (nominal.mul_f64(0.8), nominal.mul_f64(1.2) + NOISE);
        assert!(gap >= least && gap <= most, "{gap:?} instead of {nominal:?}");
    }

    let refused =
        TcpStream::connect(("127.0.0.1", system.port(ServiceName::Payments))).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let told = async || {
        let health = system.anonymous().get("/health").await.expect(200);
        let services = health["services"].as_array().unwrap().clone();
        let payments = services.iter().find(|service| service["service"] == "payment").unwrap();
        let reason = payments["reason"].as_str().unwrap_or_default();
        payments["status"] == "DOWN" && reason.contains("an injected failure to start")
    };
    system.eventually("the gateway tells why", told).await;
    assert!(system.is_running());
    for name in ServiceName::ALL.into_iter().filter(|name| *name != ServiceName::Payments) {
        let service = system.service(name).await;
        assert_eq!(
            (&service["state"], &service["restarts"]),
            (&json!("running"), &json!(0)),
            "{name}"
        );
    }
    assert_eq!(system.service(ServiceName::Payments).await["exits"].as_array().unwrap().len(), 6);

    let start = "/admin/services/payments/start?wait=60";
    let done = system.caretaker().post(start, json!({})).await.expect(200);
    assert_eq!((&done["state"], &done["generation"]), (&json!("done"), &json!(7)));
    let payments = system.service(ServiceName::Payments).await;
    assert_eq!(
        (&payments["state"], &payments["restarts_in_window"]),
        (&json!("running"), &json!(0))
    );
    let admin = system.admin().await;
    let serves = async || admin.get("/api/payments").await.status == 200;
    system.eventually("payments are answered through the gateway", serves).await;
    system.finish().await;
}

/// Nobody has to come: it is tried again by itself.
#[actix_web::test]
async fn a_service_that_has_failed_is_tried_again_when_it_has_cooled_down() {
    let rules = [
        ("BUSBAR_SUPERVISION_PAYMENTS_RESTARTS_MAX", "1"),
        ("BUSBAR_SUPERVISION_PAYMENTS_COOL_DOWN_MS", "500"),
    ];
    let system = TestSystem::start_with(Engine::Sqlite, &rules).await;
    system.inject(ServiceName::Payments, json!({"kind": "fail_start"}), 1).await;
    system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;
    system.wait_for_log("payments failed too often").await;
    system.eventually("it is back", async || state(&system).await == "running").await;
    assert_eq!(system.service(ServiceName::Payments).await["generation"], 3);
    system.finish().await;
}
