//! `GET /admin/requests`: what the services work on at this moment.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::{Engine, TestSystem};

const DELAY_MS: u64 = 1_500;

/// By service and route, and with nothing of whom it is about.
#[actix_web::test]
async fn a_request_is_shown_while_it_is_worked_on() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 100).await;
    let delay = json!({"kind": "delay", "milliseconds": DELAY_MS});
    system.inject(ServiceName::Billing, delay, 1).await;
    let (asker, path) = (alice.clone(), format!("/api/bills/{bill}"));
    let asked = actix_rt::spawn(async move { asker.get(&path).await.expect(200) });

    let shown = async || {
        let told = system.caretaker().get("/admin/requests?limit=100").await.expect(200);
        let of = |service: &str, route: &str| -> Option<Value> {
            let all = told["requests"].as_array().unwrap();
            let is_it = |it: &&Value| it["service"] == service && it["route"] == route;
            all.iter().find(is_it).cloned()
        };
        let known = of("gateway", "/api/bills").zip(of("billing", "/bills/{id}"));
        known.map(|(at_gateway, at_billing)| (at_gateway, at_billing, told))
    };
    let mut seen = None;
    system
        .eventually("it is shown at both", async || {
            seen = shown().await;
            seen.is_some()
        })
        .await;
    let (at_gateway, at_billing, told) = seen.unwrap();
    for request in [&at_gateway, &at_billing] {
        assert_eq!((&request["method"], &request["generation"]), (&json!("GET"), &json!(1)));
    }
    assert_eq!(at_gateway["request_id"], at_billing["request_id"], "one request");
    assert!(at_gateway["age_ms"].as_u64() >= at_billing["age_ms"].as_u64(), "{told}");
    assert!(told["total"].as_u64().unwrap() >= 2, "{told}");
    for secret in [&bill, &alice.id, alice.token.as_ref().unwrap()] {
        assert!(!told.to_string().contains(secret.as_str()), "{told}");
    }

    asked.await.unwrap();
    assert!(shown().await.is_none(), "it has its answer");
    let few = system.caretaker().get("/admin/requests?limit=0").await;
    few.expect_problem(422, "limit_invalid");
    system.finish().await;
}
