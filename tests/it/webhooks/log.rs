//! The log of deliveries: listed, shown, retried, replayed, and forgotten.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::house::{LOOPBACK, Receiver, attempted, id, may_call_home, publish, tested, webhook};
use crate::support::{Engine, Person, TestSystem};

async fn listed(staff: &Person, path: &str) -> Vec<Value> {
    staff.get(path).await.expect(200)["data"].as_array().unwrap().clone()
}

/// More than may wait is turned away, and comes by a replay: as much at a time as may wait.
#[actix_web::test]
async fn a_full_queue_turns_away() {
    let limits = [LOOPBACK, ("BUSBAR_WEBHOOKS_PENDING_MAX", "3")];
    let system = TestSystem::start_with(Engine::Sqlite, &limits).await;
    let staff = system.admin().await;
    let receiver = Receiver::answering(&["200 OK"]);
    let made = webhook(&staff, &receiver.url(), &["bill.paid"]).await;
    let path = format!("/api/webhooks/{}", id(&made));
    staff.post(&format!("{path}/pause"), json!({})).await.expect(200);
    publish(&system, "bill.paid", 8).await;
    let failed = listed(&staff, &format!("{path}/deliveries?status=failed")).await;
    assert_eq!(failed.len(), 5);
    assert_eq!(failed[0]["error"], "queue_full");
    let replay = json!({"since": made["created_at"], "status": "failed"});
    let replayed = async || staff.post(&format!("{path}/replay"), replay.clone()).await.expect(202);
    assert_eq!(replayed().await, json!({"queued": 0, "has_more": true}), "there is no room");
    staff.post(&format!("{path}/resume"), json!({})).await.expect(200);
    let none_waits =
        async || listed(&staff, &format!("{path}/deliveries?status=pending")).await.is_empty();
    for (heard, expected) in
        [(3, json!({"queued": 3, "has_more": true})), (6, json!({"queued": 2, "has_more": false}))]
    {
        receiver.hears(&system, heard).await;
        system.eventually("none waits", none_waits).await;
        assert_eq!(replayed().await, expected);
    }
    receiver.hears(&system, 8).await;
    system.finish().await;
}

may_call_home! {
    /// Failed ones of a period are sent again once, under the same id; others are left alone.
    async fn a_period_is_replayed(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["410 Gone"]);
        let made = webhook(&staff, &receiver.url(), &["bill.paid"]).await;
        let path = format!("/api/webhooks/{}", id(&made));
        // A 410 makes a failed delivery at once; then the endpoint is enabled again.
        let before = tested(&staff, &made).await;
        attempted(&system, &before, 1).await;
        staff.post(&format!("{path}/enable"), json!({})).await.expect(200);
        system.advance(Duration::from_secs(60)).await;
        let failed = tested(&staff, &made).await;
        let failed = attempted(&system, &failed, 1).await;
        staff.post(&format!("{path}/enable"), json!({})).await.expect(200);
        receiver.answer("200 OK");
        publish(&system, "bill.paid", 2).await;
        let done = async || listed(&staff, &format!("{path}/deliveries?status=delivered")).await.len();
        system.eventually("two are delivered", async || done().await == 2).await;

        let replay = json!({"since": failed["created_at"], "status": "failed"});
        let replayed = staff.post(&format!("{path}/replay"), replay.clone()).await.expect(202);
        assert_eq!(replayed["queued"], 1);
        let again = staff.post(&format!("{path}/replay"), replay).await.expect(202);
        assert_eq!(again["queued"], 0);
        let delivered = attempted(&system, failed["id"].as_str().unwrap(), 2).await;
        assert_eq!(delivered["status"], "delivered");
        let heard = receiver.heard();
        assert_eq!(heard.len(), 5);
        assert_eq!(heard[1].field("webhook-id"), heard[4].field("webhook-id"));
        assert_eq!(listed(&staff, &format!("{path}/deliveries?status=failed")).await.len(), 1);

        // Delivered ones, too, and a key says that it is the same request.
        let all = json!({"since": failed["created_at"], "status": "all"});
        let keyed = staff.keyed("replay-1");
        for _ in 0..2 {
            let answer = keyed.post(&format!("{path}/replay"), all.clone()).await;
            assert_eq!(answer.expect(202)["queued"], 3);
            receiver.hears(&system, 8).await;
        }
        system.eventually("three are delivered", async || done().await == 3).await;
        assert_eq!(receiver.heard().len(), 8);
    }

    /// One is retried now, whatever became of it; the list has pages.
    async fn one_is_retried_and_all_are_listed(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["500 Oops", "200 OK"]);
        let made = webhook(&staff, &receiver.url(), &["*"]).await;
        let sent = tested(&staff, &made).await;
        attempted(&system, &sent, 1).await;
        let retry = format!("/api/webhooks/deliveries/{sent}/retry");
        for attempts in [2, 3] {
            assert_eq!(staff.post(&retry, json!({})).await.expect(202)["status"], "pending");
            let delivered = attempted(&system, &sent, attempts).await;
            assert_eq!(delivered["status"], "delivered");
            assert_eq!(delivered["payload"]["type"], "webhook.test");
            assert_eq!(delivered["payload"]["data"]["webhook_id"], made["id"]);
        }
        publish(&system, "bill.paid", 4).await;
        receiver.hears(&system, 7).await;
        let (mut ids, base) = (Vec::new(), format!("/api/webhooks/{}/deliveries?limit=2", id(&made)));
        let mut path = base.clone();
        loop {
            let page = staff.get(&path).await.expect(200);
            for item in page["data"].as_array().unwrap() {
                assert!(item.get("payload").is_none() && item.get("attempts").is_none(), "{item}");
                ids.push(id(item));
            }
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("{base}&cursor={cursor}");
        }
        assert_eq!(ids.len(), 5);
        assert_eq!(ids[4], sent);
        staff.get(&format!("{base}&status=lost")).await.expect_problem(422, "status_unknown");
    }

    /// What was settled is kept for a month. What is counted agrees with what happened.
    async fn the_log_is_counted_and_forgotten(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["200 OK"]);
        let made = webhook(&staff, &receiver.url(), &["bill.paid"]).await;
        let sent = tested(&staff, &made).await;
        attempted(&system, &sent, 1).await;
        let figure = async |name: &str| system.figure(ServiceName::Webhooks, name).await;
        assert_eq!(figure("busbar_webhook_attempts_total").await, 1.0);
        let counted = async || figure("busbar_webhook_endpoints").await == 1.0;
        system.eventually("the endpoint is counted", counted).await;
        assert_eq!(figure("busbar_webhook_pending").await, 0.0);

        system.advance(Duration::from_secs(31 * 86_400)).await;
        let staff = system.admin().await;
        let path = format!("/api/webhooks/deliveries/{sent}");
        let gone = async || staff.get(&path).await.status == 404;
        system.eventually("the delivery is forgotten", gone).await;
        assert_eq!(staff.get(&format!("/api/webhooks/{}", id(&made))).await.status, 200);
    }
}
