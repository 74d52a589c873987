//! Real panics in what a service does besides its HTTP: who falls, who does not, and what it costs.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::orders::order;
use crate::support::{Engine, TestSystem, both_engines};

async fn child(system: &TestSystem, name: ServiceName, child: &str) -> Value {
    let tree = system.caretaker().get("/admin/actors").await.expect(200);
    let actors = tree["actors"].as_array().unwrap().clone();
    let service = actors.iter().find(|actor| actor["id"] == name.as_str()).unwrap();
    let children = service["children"][0]["children"].as_array().cloned().unwrap_or_default();
    children.into_iter().find(|known| known["id"] == child).unwrap_or_default()
}

async fn fall(system: &TestSystem, name: ServiceName, child: &str, times: u32) {
    system.inject(name, json!({"kind": "panic_child", "name": child}), times).await;
}

both_engines! {
    /// The relay of a service falls again and again: it comes back by itself, the service does not
    /// notice, and whatever was said meanwhile arrives.
    async fn a_relay_that_panics_comes_back_alone_and_loses_nothing(system: TestSystem) {
        let alice = system.person("alice").await;
        for fall_number in 1..=3_u64 {
            let bill = system.issued_bill(&alice, 4496).await;
            fall(&system, ServiceName::Payments, "relay", 1).await;
            let key = format!("k-{fall_number}");
            let paid = alice.keyed(&key).post("/api/payments", order(&bill, 4496, "tok_ok")).await;
            assert_eq!(paid.expect(201)["status"], "succeeded");
            system.eventually("the bill is paid", async || {
                alice.get(&format!("/api/bills/{bill}")).await.expect(200)["status"] == "paid"
            }).await;
            let relay = child(&system, ServiceName::Payments, "relay").await;
            assert_eq!(relay["restarts"], fall_number, "{relay}");
            assert_eq!(relay["last_exit"]["reason"], "panic");
            assert_eq!(relay["last_exit"]["message"], "an injected panic of relay");
            assert!(relay["last_exit"]["location"].as_str().unwrap().contains("src/faults/"), "{relay}");
        }
        assert_eq!(system.service(ServiceName::Payments).await["generation"], 1);
        assert_eq!(child(&system, ServiceName::Payments, "worker").await["restarts"], 0);
        let counted = "busbar_actor_restarts_total{actor=\"payments/relay\"";
        let asker = system.anonymous().at(&system.service_url(ServiceName::Payments));
        let figures = asker.get("/metrics/prometheus").await.text();
        let line = figures.lines().find(|line| line.starts_with(counted));
        assert!(line.is_some_and(|line| line.ends_with(" 3")), "{line:?}");
    }
}

/// An essential child that dies for good takes its incarnation along, but not its HTTP: the next one is
/// up before this one goes.
#[actix_web::test]
async fn a_worker_that_dies_for_good_has_its_service_replaced() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let asker = system.anonymous().at(&system.service_url(ServiceName::Billing));
    fall(&system, ServiceName::Billing, "worker", 6).await;
    let replaced = async || {
        // Its HTTP goes on all the while.
        asker.get("/health/live").await.expect(200);
        system.service(ServiceName::Billing).await["generation"] == 2
    };
    system.eventually("the next incarnation serves", replaced).await;
    let ended = async || {
        let billing = system.service(ServiceName::Billing).await;
        let exits = billing["exits"].as_array().unwrap().clone();
        let lost = exits.iter().find(|exit| exit["generation"] == 1 && exit["reason"] == "panic");
        lost.is_some_and(|exit| {
            exit["message"] == "worker was given up: an injected panic of worker"
        })
    };
    system.eventually("it is told why", ended).await;
    assert_eq!(child(&system, ServiceName::Billing, "worker").await["restarts"], 0);
    for name in ServiceName::ALL.into_iter().filter(|name| *name != ServiceName::Billing) {
        assert_eq!(system.service(name).await["generation"], 1, "{name}");
    }
    system.finish().await;
}

/// What is not essential falls alone, however often.
#[actix_web::test]
async fn an_unessential_child_never_takes_its_service_along() {
    let system = TestSystem::start(Engine::Sqlite).await;
    fall(&system, ServiceName::Users, "forgetting", 10).await;
    let survived = async || {
        let forgetting = child(&system, ServiceName::Users, "forgetting").await;
        forgetting["restarts"] == 10 && forgetting["state"] == "running"
    };
    system.eventually("it is back after the tenth fall", survived).await;
    assert_eq!(system.service(ServiceName::Users).await["generation"], 1);
    system.finish().await;
}
