//! Endpoints: made, shown, changed, paused and deleted, by staff alone.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use super::house::{Receiver, id, may_call_home, publish, webhook};
use crate::support::both_engines;

const PUBLIC: &str = "https://93.184.216.34/hook";
const NOBODY: &str = "01990000-0000-7000-8000-000000000000";

both_engines! {
    with &[ServiceName::Users, ServiceName::Webhooks];

    /// From its making to its end; the secret is shown once.
    async fn a_webhook_lives(system: TestSystem) {
        let staff = system.admin().await;
        let order = json!({"url": PUBLIC, "events": ["payment.*", "bill.issued", "bill.issued"],
            "description": "Bookkeeping"});
        let answer = staff.post("/api/webhooks", order).await;
        assert_eq!(answer.header("etag"), "\"v1\"");
        let made = answer.expect(201);
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
        assert_eq!(made["events"], json!(["bill.issued", "payment.*"]));
        assert_eq!(made["status"], "active");
        let path = format!("/api/webhooks/{}", id(&made));

        let shown = staff.get(&path).await.expect(200);
        assert_eq!((&shown["url"], &shown["description"]), (&json!(PUBLIC), &json!("Bookkeeping")));
        assert!(shown.get("secret").is_none(), "{shown}");
        let change = json!({"events": ["*"], "url": "https://93.184.216.34/other"});
        let stale = staff.header("if-match", "\"v7\"");
        stale.patch(&path, change.clone()).await.expect_problem(412, "version_mismatch");
        let known = staff.header("if-match", "\"v1\"");
        let changed = known.patch(&path, change).await.expect(200);
        assert_eq!(changed["events"], json!(["*"]));
        assert_eq!((&changed["version"], &changed["description"]), (&json!(2), &json!("Bookkeeping")));
        assert!(changed.get("secret").is_none(), "{changed}");

        stale.delete(&path).await.expect_problem(412, "version_mismatch");
        staff.delete(&path).await.expect(204);
        for gone in [staff.get(&path).await, staff.delete(&path).await] {
            gone.expect_problem(404, "webhook_not_found");
        }
    }

    /// Pages, newest first.
    async fn webhooks_are_listed_and_bounded(system: TestSystem) {
        let staff = system.admin().await;
        let mut made = Vec::new();
        for _ in 0..100 {
            made.push(id(&webhook(&staff, PUBLIC, &["*"]).await));
        }
        made.reverse();
        let order = json!({"url": PUBLIC, "events": ["*"]});
        let answer = staff.post("/api/webhooks", order).await;
        let problem = answer.expect_problem(409, "webhooks_too_many");
        assert_eq!(problem["webhooks_max"], 100);
        let (mut listed, mut path) = (Vec::new(), "/api/webhooks?limit=40".to_owned());
        loop {
            let page = staff.get(&path).await.expect(200);
            listed.extend(page["data"].as_array().unwrap().iter().map(id));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/webhooks?limit=40&cursor={cursor}");
        }
        assert_eq!(listed, made);
    }

    /// What is wrong is named, with the nearest word that there is.
    async fn wrong_orders_are_refused(system: TestSystem) {
        let staff = system.admin().await;
        let order = |events: Value| json!({"url": PUBLIC, "events": events});
        let unknown = staff.post("/api/webhooks", order(json!(["*", "bill.isued"]))).await;
        let problem = unknown.expect_problem(422, "webhook_event_unknown");
        assert_eq!(problem["errors"][0]["pointer"], "/events/1");
        assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("`bill.issued`"));
        let none = staff.post("/api/webhooks", order(json!([]))).await;
        none.expect_problem(422, "webhook_events_count");
        let more = json!({"url": PUBLIC, "events": ["*"], "ordering": "strict"});
        assert_eq!(staff.post("/api/webhooks", more).await.status, 422);

        let made = webhook(&staff, PUBLIC, &["*"]).await;
        let path = format!("/api/webhooks/{}", id(&made));
        let rotate = json!({"expire_old_after_s": 604_801});
        let rotated = staff.post(&format!("{path}/secret/rotate"), rotate).await;
        rotated.expect_problem(422, "webhook_overlap_too_long");
        let at = "2026-11-01T00:00:00Z";
        let replay = json!({"since": at, "until": at, "status": "failed"});
        let replayed = staff.post(&format!("{path}/replay"), replay).await;
        replayed.expect_problem(422, "webhook_period_invalid");
        let enabled = staff.post(&format!("{path}/resume"), json!({})).await;
        assert_eq!(enabled.expect(200)["status"], "active");
        let paused = staff.post(&format!("{path}/pause"), json!({})).await.expect(200);
        assert_eq!(paused["status"], "paused");
        for refused in ["enable", "test"] {
            let answer = staff.post(&format!("{path}/{refused}"), json!({})).await;
            assert_eq!(answer.expect_problem(409, "webhook_invalid_state")["current"], "paused");
        }
        let absent = format!("/api/webhooks/deliveries/{NOBODY}");
        staff.get(&absent).await.expect_problem(404, "webhook_delivery_not_found");
        let retried = staff.post(&format!("{absent}/retry"), json!({})).await;
        retried.expect_problem(404, "webhook_delivery_not_found");
        let absent = staff.get(&format!("/api/webhooks/{NOBODY}/deliveries")).await;
        absent.expect_problem(404, "webhook_not_found");
    }

    /// Webhooks hear of everybody, so they are for staff.
    async fn customers_and_strangers_stay_outside(system: TestSystem) {
        let (staff, alice) = (system.admin().await, system.person("alice").await);
        let made = webhook(&staff, PUBLIC, &["*"]).await;
        let path = format!("/api/webhooks/{}", id(&made));
        let (order, nothing) = (json!({"url": PUBLIC, "events": ["*"]}), json!({}));
        let replay = json!({"since": "2026-11-01T00:00:00Z", "status": "all"});
        let delivery = format!("/api/webhooks/deliveries/{NOBODY}");
        for (person, status) in [(alice, 403), (system.anonymous(), 401)] {
            let answers = [
                person.post("/api/webhooks", order.clone()).await,
                person.get("/api/webhooks").await,
                person.get(&path).await,
                person.patch(&path, nothing.clone()).await,
                person.delete(&path).await,
                person.post(&format!("{path}/pause"), nothing.clone()).await,
                person.post(&format!("{path}/resume"), nothing.clone()).await,
                person.post(&format!("{path}/enable"), nothing.clone()).await,
                person.post(&format!("{path}/test"), nothing.clone()).await,
                person.post(&format!("{path}/secret/rotate"), nothing.clone()).await,
                person.get(&format!("{path}/deliveries")).await,
                person.post(&format!("{path}/replay"), replay.clone()).await,
                person.get(&delivery).await,
                person.post(&format!("{delivery}/retry"), nothing.clone()).await,
            ];
            for answer in answers {
                assert_eq!(answer.status, status, "{answer}");
            }
        }
        assert_eq!(staff.get(&path).await.expect(200)["version"], 1);
    }
}

may_call_home! {
    /// What a paused webhook would hear waits for it; what it does not hear never comes.
    async fn a_pause_keeps_what_is_heard(system: TestSystem) {
        let staff = system.admin().await;
        let receiver = Receiver::answering(&["204 No Content"]);
        let made = webhook(&staff, &receiver.url(), &["bill.paid"]).await;
        let path = format!("/api/webhooks/{}", id(&made));
        staff.post(&format!("{path}/pause"), json!({})).await.expect(200);
        publish(&system, "bill.paid", 3).await;
        publish(&system, "bill.voided", 1).await;
        let other = Receiver::answering(&["200 OK"]);
        webhook(&staff, &other.url(), &["bill.*"]).await;
        publish(&system, "bill.paid", 1).await;
        other.hears(&system, 1).await;
        assert_eq!(receiver.heard().len(), 0);
        let pending = format!("{path}/deliveries?status=pending");
        assert_eq!(staff.get(&pending).await.expect(200)["data"].as_array().unwrap().len(), 4);

        staff.post(&format!("{path}/resume"), json!({})).await.expect(200);
        let heard = receiver.hears(&system, 4).await;
        for message in heard {
            let body: Value = serde_json::from_slice(&message.body).unwrap();
            assert_eq!(body["type"], "bill.paid");
        }
        assert_eq!(other.heard().len(), 1);
    }
}
