//! What is sent again, within a budget.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use busbar::types::ServiceName;
use serde_json::json;

use super::{before, gateway, port};
use crate::support::TestSystem;
use crate::support::wire::{Scripted, Then, Wire, reply, say};

const NO_BREAKER: (&str, &str) = ("GATEWAY_BREAKER_FAILURES", "0");

/// So many reads, on several connections at once.
fn storm(system: &TestSystem, clients: usize, each: usize) {
    let gateway = port(system);
    let client = || {
        std::thread::spawn(move || {
            let mut wire = Wire::to(gateway);
            for _ in 0..each {
                assert_eq!(wire.get("/api/payments").status(), 502);
            }
        })
    };
    let clients: Vec<_> = (0..clients).map(|_| client()).collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}

/// A service that loses every answer is not asked much more than the clients ask, at any rate.
#[actix_web::test]
async fn a_service_that_fails_is_not_stormed() {
    for (clients, each) in [(20, 50), (1, 100)] {
        let service = Scripted::start(|_, _| Then::Close);
        let system = before(&service, &[NO_BREAKER]).await;

        storm(&system, clients, each);

        let (asked, heard) = (clients * each, service.heard().len());
        assert!(heard > asked, "some is tried again");
        assert!(heard * 100 <= asked * 125, "{heard} for {asked}");
        let exhausted = "busbar_gateway_retry_budget_exhausted_total";
        assert!(system.figure(ServiceName::Gateway, exhausted).await > 0.0);
    }
}

/// A single lost answer costs the client nothing, and is counted.
#[actix_web::test]
async fn a_lost_answer_is_counted() {
    let asked = AtomicUsize::new(0);
    let service = Scripted::start(move |_, stream| {
        if asked.fetch_add(1, SeqCst) == 0 {
            return Then::Close;
        }
        reply(stream, "at last");
        Then::Keep
    });
    let system = before(&service, &[]).await;
    assert_eq!(system.anonymous().get("/api/payments").await.text(), "at last");
    let text = system.anonymous().get("/metrics/prometheus").await.text();
    let line = "busbar_gateway_retries_total{reason=\"lost\",upstream=\"payments\"} 1";
    assert!(text.contains(line), "{text}");
}

/// `GATEWAY_RETRY_MAX=0`, and a budget of nothing: no second time.
#[actix_web::test]
async fn retries_can_be_off() {
    let none = [("GATEWAY_RETRY_BUDGET_RATIO", "0"), ("GATEWAY_RETRY_MIN_PER_SEC", "0")];
    for settings in [&[("GATEWAY_RETRY_MAX", "0")][..], &none[..]] {
        let service = Scripted::start(|_, _| Then::Close);
        let system = before(&service, settings).await;
        system.anonymous().get("/api/payments").await.expect_problem(502, "upstream_failed");
        assert_eq!(service.heard().len(), 1);
    }
}

/// An instance that says that it cannot is not the last word, for what may be asked twice.
#[actix_web::test]
async fn another_instance_is_asked_instead() {
    let sick = Scripted::start(|_, stream| {
        say(stream, "HTTP/1.1 503 Sick\r\ncontent-length: 4\r\n\r\nsick");
        Then::Keep
    });
    let well = Scripted::saying("well");
    let urls = format!("{},{}", sick.url(), well.url());
    let settings = [("PAYMENT_SERVICE_URL", urls.as_str()), NO_BREAKER];
    let system = gateway(&[], &settings).await;
    for _ in 0..20 {
        assert_eq!(system.anonymous().get("/api/payments").await.text(), "well");
    }
    assert!(!sick.heard().is_empty());
    let mut written = Vec::new();
    for _ in 0..20 {
        written.push(system.anonymous().post("/api/payments", json!({})).await.text());
    }
    assert!(written.contains(&"sick".to_owned()), "{written:?}");
}
