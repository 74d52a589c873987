//! Endpoints that are disabled: gone, or failing for days.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::house::{LOOPBACK, Receiver, attempted, delivery, id, may_call_home, tested, webhook};
use crate::support::wire::{Scripted, Then, pause, say};
use crate::support::{Engine, TestSystem};

async fn shown(system: &TestSystem, webhook: &Value) -> Value {
    system.admin().await.get(&format!("/api/webhooks/{}", id(webhook))).await.expect(200)
}

/// The one event that webhooks itself publishes has reached its listener.
async fn is_told_once(system: &TestSystem) {
    let told =
        async || system.figure(ServiceName::Webhooks, "busbar_outbox_settled_total").await == 1.0;
    system.eventually("the end of the webhook is told", told).await;
}

may_call_home! {
    /// What was being sent when its endpoint was disabled ends by its answer.
    async fn what_is_under_way_ends_by_its_answer(system: TestSystem) {
        let staff = system.admin().await;
        let (first, is_over) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
        let over = is_over.clone();
        let receiver = Scripted::start(move |_, stream| {
            let answer = if first.swap(false, SeqCst) {
                while !over.load(SeqCst) {
                    pause(Duration::from_millis(2));
                }
                "200 OK"
            } else {
                "410 Gone"
            };
            say(stream, format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n"));
            Then::Close
        });
        let made = webhook(&staff, &format!("{}/hooks", receiver.url()), &["*"]).await;
        let slow = tested(&staff, &made).await;
        system.eventually("it is under way", async || receiver.heard().len() == 1).await;
        let last = tested(&staff, &made).await;
        attempted(&system, &last, 1).await;
        assert_eq!(shown(&system, &made).await["status"], "disabled");
        is_over.store(true, SeqCst);
        let ended = attempted(&system, &slow, 1).await;
        assert_eq!((&ended["status"], &ended["error"]), (&json!("delivered"), &Value::Null));
    }

    /// 410 disables at once, tells others, and gives up what waits. Enabled, it may be replayed.
    async fn an_endpoint_that_is_gone_is_disabled(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["500 Oops", "410 Gone"]);
        let made = webhook(&staff, &receiver.url(), &["*"]).await;
        let waits = tested(&staff, &made).await;
        attempted(&system, &waits, 1).await;
        let last = tested(&staff, &made).await;
        attempted(&system, &last, 1).await;
        assert_eq!(delivery(&staff, &last).await["status"], "failed");
        let disabled = shown(&system, &made).await;
        assert_eq!(disabled["status"], "disabled");
        assert_eq!(disabled["disabled_reason"], "gone");
        let given_up = delivery(&staff, &waits).await;
        assert_eq!(given_up["status"], "failed");
        assert_eq!(given_up["error"], "endpoint_disabled");
        is_told_once(&system).await;

        let path = format!("/api/webhooks/{}", id(&made));
        let replay = json!({"since": made["created_at"], "status": "failed"});
        let retry = format!("/api/webhooks/deliveries/{last}/retry");
        for (path, body) in [
            (format!("{path}/pause"), json!({})),
            (format!("{path}/test"), json!({})),
            (format!("{path}/replay"), replay.clone()),
            (retry, json!({})),
        ] {
            let refused = staff.post(&path, body).await;
            assert_eq!(refused.expect_problem(409, "webhook_invalid_state")["current"], "disabled");
        }
        receiver.answer("200 OK");
        let enabled = staff.post(&format!("{path}/enable"), json!({})).await.expect(200);
        assert_eq!((&enabled["status"], &enabled["disabled_reason"]), (&json!("active"), &Value::Null));
        let replayed = staff.post(&format!("{path}/replay"), replay).await.expect(202);
        assert_eq!(replayed, json!({"queued": 2, "has_more": false}));
        for sent in [&waits, &last] {
            let delivered = attempted(&system, sent, 2).await;
            assert_eq!(delivered["status"], "delivered");
        }
    }
}

/// Ten attempts over three days, then it is given up; and after days of nothing but failures the
/// endpoint is disabled. One success begins all of it anew.
async fn days_of_failure_disable(engine: Engine) {
    let limits = [LOOPBACK, ("BUSBAR_WEBHOOKS_DISABLE_AFTER_HOURS", "100")];
    let system = TestSystem::start_with(engine, &limits).await;
    let receiver = Receiver::answering(&["500 Oops"]);
    let made = webhook(&system.admin().await, &receiver.url(), &["*"]).await;
    let sent = tested(&system.admin().await, &made).await;
    let mut failed = attempted(&system, &sent, 1).await;
    for (attempt, minutes) in (2..).zip([1, 6, 36, 144, 360, 720, 1_008, 1_440, 1_728]) {
        assert_eq!(failed["status"], "pending", "{failed}");
        system.advance(Duration::from_secs(minutes * 60)).await;
        failed = attempted(&system, &sent, attempt).await;
    }
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["attempts_made"], 10);
    let failing = shown(&system, &made).await;
    assert_eq!(failing["status"], "active");
    assert!(failing["failing_since"].is_string(), "{failing}");

    system.advance(Duration::from_secs(24 * 3_600)).await;
    let last = tested(&system.admin().await, &made).await;
    attempted(&system, &last, 1).await;
    let disabled = shown(&system, &made).await;
    assert_eq!(disabled["status"], "disabled");
    assert_eq!(disabled["disabled_reason"], "failing");
    is_told_once(&system).await;

    receiver.answer("200 OK");
    let staff = system.admin().await;
    staff.post(&format!("/api/webhooks/{}/enable", id(&made)), json!({})).await.expect(200);
    receiver.answer("500 Oops");
    let failed = tested(&staff, &made).await;
    attempted(&system, &failed, 1).await;
    assert_eq!(shown(&system, &made).await["status"], "active");
    receiver.answer("200 OK");
    let works = tested(&staff, &made).await;
    attempted(&system, &works, 1).await;
    assert_eq!(shown(&system, &made).await["failing_since"], Value::Null);
    system.finish().await;
}

#[actix_web::test]
async fn days_of_failure_disable_sqlite() {
    days_of_failure_disable(Engine::Sqlite).await;
}

#[actix_web::test]
async fn days_of_failure_disable_postgres() {
    days_of_failure_disable(Engine::Postgres).await;
}
