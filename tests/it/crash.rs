//! The process is killed in the middle of a payment, at each of its named points, and started
//! again: the payment is the same one, it is charged once, the books balance.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::payments::{bill_is, charges, id_of, payment_is};
use crate::support::orders::order;
use crate::support::{Engine, Person, TestSystem};

/// Past the first look after an outcome that was left open.
const PAST_FIRST_LOOK: Duration = Duration::from_secs(10);
const AMOUNT: i64 = 4496;
const KEY: &str = "pressed-once";

/// A customer with a bill, and the order that pays it.
struct Payer {
    alice: Person,
    bill: String,
    order: Value,
}

impl Payer {
    async fn at(system: &TestSystem, token: &str) -> Payer {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, AMOUNT).await;
        let order = order(&bill, AMOUNT, token);
        Payer { alice, bill, order }
    }

    /// Sends the order and does not wait for what becomes of it.
    fn press(&self) {
        let (alice, order) = (self.alice.keyed(KEY), self.order.to_string());
        actix_rt::spawn(async move {
            let method = awc::http::Method::POST;
            drop(alice.try_send(method, "/api/payments", Some(order)).await);
        });
    }

    /// The payment, if it is shown.
    async fn shown(&self) -> Option<Value> {
        let listed = self.alice.get("/api/payments").await.expect(200);
        let listed = listed["data"].as_array().unwrap();
        assert!(listed.len() <= 1, "{listed:?}");
        listed.first().cloned()
    }

    /// Presses again until there is an answer other than "it is being worked on".
    async fn press_again(&self, system: &TestSystem) -> Value {
        let mut last = Value::Null;
        system
            .eventually("the key is answered", async || {
                let answer = self.alice.keyed(KEY).post("/api/payments", self.order.clone()).await;
                // Until the service is back the gateway says so.
                let is_answered = answer.code() != "idempotency_in_flight" && answer.status < 500;
                if is_answered {
                    last = answer.expect(201);
                }
                is_answered
            })
            .await;
        last
    }

    /// However it was cut: one payment, one charge, one settlement, books in balance.
    async fn is_paid_once(&self, system: &TestSystem, before: Option<Value>) {
        let again = self.press_again(system).await;
        let id = id_of(&again);
        if let Some(before) = before {
            assert_eq!(again["id"], before["id"]);
        }
        system.advance(PAST_FIRST_LOOK).await;
        payment_is(system, &self.alice, &id, "succeeded").await;
        bill_is(system, &self.alice, &self.bill, "paid").await;
        let bill = self.alice.get(&format!("/api/bills/{}", self.bill)).await.expect(200);
        assert_eq!((&bill["balance_minor"], &bill["settled_minor"]), (&json!(0), &json!(AMOUNT)));

        let admin = system.admin().await;
        assert_eq!(self.shown().await.map(|payment| id_of(&payment)), Some(id.clone()));
        let charges = charges(&admin, &id).await;
        assert_eq!(charges.len(), 1, "{charges:?}");
        let replayed = self.alice.keyed(KEY).post("/api/payments", self.order.clone()).await;
        assert_eq!(replayed.header("idempotency-replayed"), "true", "{replayed}");
        assert_eq!(id_of(&replayed.expect(201)), id);
        let invariants = admin.get("/api/admin/invariants").await.expect(200);
        assert_eq!(invariants["ok"], true, "{invariants}");
    }
}

/// Killed where it stands still, then started without the failpoint.
async fn killed_at(engine: Engine, point: &str) {
    let system = TestSystem::start_with(engine, &[("BUSBAR_FAILPOINT", point)]).await;
    let payer = Payer::at(&system, "tok_ok").await;
    payer.press();
    system.wait_for_log(&format!("failpoint reached: {point}")).await;
    let before = payer.shown().await;
    system.kill();

    system.start_again().await;
    payer.is_paid_once(&system, before).await;
    system.finish().await;
}

/// A payment that the connector is at, with the system that it runs on.
async fn slow(engine: Engine) -> (TestSystem, Payer, Option<Value>) {
    let system = TestSystem::start(engine).await;
    let payer = Payer::at(&system, "tok_slow_5s").await;
    payer.press();
    let admin = system.admin().await;
    let mut before = None;
    system
        .eventually("the bank has the charge", async || {
            before = payer.shown().await;
            match &before {
                Some(payment) => charges(&admin, &id_of(payment)).await.len() == 1,
                None => false,
            }
        })
        .await;
    assert_eq!(before.as_ref().unwrap()["status"], "processing");
    (system, payer, before)
}

/// Killed while the connector is at it.
async fn killed_while_the_connector_works(engine: Engine) {
    let (system, payer, before) = slow(engine).await;
    system.kill();

    system.start_again().await;
    payer.is_paid_once(&system, before).await;
    system.finish().await;
}

/// Only the service falls, and is replaced by its supervisor; the process lives.
async fn fallen_while_the_connector_works(engine: Engine) {
    let (system, payer, before) = slow(engine).await;
    system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;
    payer.is_paid_once(&system, before).await;
    system.finish().await;
}

macro_rules! killed {
    ($($name:ident: $test:ident($($point:literal)?);)+) => { $(
        mod $name {
            use super::*;

            #[actix_web::test]
            async fn sqlite() {
                $test(Engine::Sqlite $(, $point)?).await;
            }

            #[actix_web::test]
            async fn postgres() {
                $test(Engine::Postgres $(, $point)?).await;
            }
        }
    )+ };
}
killed! {
    before_the_bill_is_asked: killed_at("payments.before_reserve");
    with_the_bill_held: killed_at("payments.after_reserve");
    before_the_connector_is_asked: killed_at("payments.before_connector");
    with_the_answer_not_written: killed_at("payments.after_connector");
    with_the_event_not_sent: killed_at("payments.after_commit");
    while_the_connector_works: killed_while_the_connector_works();
    the_service_alone: fallen_while_the_connector_works();
}
