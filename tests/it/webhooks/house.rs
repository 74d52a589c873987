//! What tests of webhooks share: receivers, endpoints, events, and a system that may call itself.

use std::sync::{Arc, Mutex};

use busbar::types::ServiceName;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::wire::{Message, Scripted, Then, say};
use crate::support::{Person, TestSystem};

/// Receivers of tests are on this machine, which is called only when the settings allow it.
pub(crate) const LOOPBACK: (&str, &str) = ("WEBHOOK_ALLOW_CIDRS", "127.0.0.0/8");

/// Whose events arrive by hand needs few who say them.
pub(crate) const SENDERS: [ServiceName; 4] =
    [ServiceName::Users, ServiceName::Billing, ServiceName::Notifications, ServiceName::Webhooks];

/// Requests with events that are under way at a time.
const SENT_AT_ONCE: usize = 4;
/// How often a batch is sent until all of it was taken in.
const ROUNDS_MAX: usize = 50;

/// As `both_engines`, and the system may call this machine.
macro_rules! may_call_home {
    ($($(#[$meta:meta])* async fn $name:ident($system:ident: TestSystem) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::support::Engine;
            use $crate::webhooks::house::{LOOPBACK, SENDERS};

            async fn check($system: $crate::support::TestSystem) $body

            #[actix_web::test]
            async fn sqlite() {
                Engine::Sqlite.run_with(&SENDERS, &[LOOPBACK], check).await;
            }

            #[actix_web::test]
            async fn postgres() {
                Engine::Postgres.run_with(&SENDERS, &[LOOPBACK], check).await;
            }
        }
    )+ };
}
pub(crate) use may_call_home;

/// A receiver that gives its answers in turn, the last one for ever. An answer is a status line
/// with fields, as `503 Busy\r\nretry-after: 30`.
pub(crate) struct Receiver {
    pub(crate) scripted: Scripted,
    answers: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    pub(crate) fn answering(answers: &[&str]) -> Receiver {
        let answers: Vec<String> = answers.iter().rev().map(|it| (*it).to_owned()).collect();
        let answers = Arc::new(Mutex::new(answers));
        let given = answers.clone();
        let scripted = Scripted::start(move |_, stream| {
            let mut answers = given.lock().unwrap();
            let is_last = answers.len() == 1;
            let answer = if is_last { answers[0].clone() } else { answers.pop().unwrap() };
            say(stream, format!("HTTP/1.1 {answer}\r\ncontent-length: 5\r\n\r\nheard"));
            Then::Close
        });
        Receiver { scripted, answers }
    }

    /// From now on.
    pub(crate) fn answer(&self, answer: &str) {
        *self.answers.lock().unwrap() = vec![answer.to_owned()];
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/hooks?from=busbar", self.scripted.url())
    }

    pub(crate) fn heard(&self) -> Vec<Message> {
        self.scripted.heard().into_iter().map(|heard| heard.message).collect()
    }

    pub(crate) async fn hears(&self, system: &TestSystem, count: usize) -> Vec<Message> {
        let what = format!("{count} messages are received");
        system.eventually(&what, async || self.heard().len() >= count).await;
        self.heard()
    }
}

/// A webhook as it was made, with its secret.
pub(crate) async fn webhook(staff: &Person, url: &str, events: &[&str]) -> Value {
    let order = json!({"url": url, "events": events});
    staff.post("/api/webhooks", order).await.expect(201)
}

pub(crate) fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

/// The delivery of a test message, just queued.
pub(crate) async fn tested(staff: &Person, webhook: &Value) -> String {
    let path = format!("/api/webhooks/{}/test", id(webhook));
    id(&staff.post(&path, json!({})).await.expect(202))
}

pub(crate) async fn delivery(staff: &Person, delivery: &str) -> Value {
    staff.get(&format!("/api/webhooks/deliveries/{delivery}")).await.expect(200)
}

/// Waits until so many attempts of a delivery have ended, and shows it.
pub(crate) async fn attempted(system: &TestSystem, delivery_id: &str, count: usize) -> Value {
    let staff = system.admin().await;
    let ended = |delivery: &Value| {
        let attempts = delivery["attempts"].as_array().unwrap().iter();
        attempts.filter(|attempt| !attempt["ended_at"].is_null()).count()
    };
    let what = format!("{count} attempts have ended");
    system.eventually(&what, async || ended(&delivery(&staff, delivery_id).await) >= count).await;
    delivery(&staff, delivery_id).await
}

/// Events as billing would send them, fifty in a request.
pub(crate) async fn publish(system: &TestSystem, name: &str, count: usize) {
    let event = |_| {
        let subject = format!("bill/{}", uuid::Uuid::now_v7());
        json!({
            "specversion": "1.0", "id": uuid::Uuid::now_v7(), "source": "/busbar/billing",
            "type": format!("busbar.{name}.v1"), "subject": subject,
            "time": "2026-11-01T00:00:00.000Z", "datacontenttype": "application/json",
            "dataschema": format!("/schemas/{name}/v1"), "sequence": "00000000000000000001",
            "partitionkey": subject, "correlationid": "test", "actor": "system",
            "data": {"bill_id": uuid::Uuid::now_v7()},
        })
    };
    let events: Vec<Value> = (0..count).map(event).collect();
    let send = async |batch: &[Value]| {
        let mut rest = batch.to_vec();
        // What a batch did not reach in its time is sent again, as a relay does.
        for round in 0.. {
            if rest.is_empty() {
                return;
            }
            assert!(round < ROUNDS_MAX, "{} events are not taken in", rest.len());
            // A token is good for a minute: on a busy machine all batches may take longer.
            let billing = system.internal_as("billing", ServiceName::Webhooks);
            let answer = billing.post("/internal/events", json!(rest)).await.expect(200);
            let results = answer["results"].as_array().unwrap();
            let taken =
                |item: &&Value| item["result"] == "accepted" || item["result"] == "duplicate";
            let taken: Vec<_> = results.iter().filter(taken).map(|item| &item["id"]).collect();
            rest.retain(|event| !taken.contains(&&event["id"]));
        }
    };
    let sending = futures_util::stream::iter(events.chunks(50).map(send));
    sending.buffer_unordered(SENT_AT_ONCE).collect::<Vec<()>>().await;
}

/// An instant of an answer, in milliseconds.
pub(crate) fn millis(value: &Value) -> i64 {
    let at: busbar::types::Timestamp = value.as_str().unwrap().parse().unwrap();
    at.micros() / 1_000
}
