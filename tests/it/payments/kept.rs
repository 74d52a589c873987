//! What holds when answers are forgotten, and when billing is away.

use std::time::Duration;

use busbar::storage::{Database, Settings, Statement, StoreError, Target, params};
use busbar::types::ServiceName;
use serde_json::json;

use crate::support::orders::order;
use crate::support::person::PASSWORD;
use crate::support::{Engine, Person, TestSystem};

use super::{bill_is, charges, id_of, payment_is};

const FORGET: Statement = Statement::new("FORGET", "DELETE FROM requests WHERE method = 'POST'");
/// Longer than a payment waits for its bill.
const TOO_LONG: Duration = Duration::from_secs(16 * 60);

/// A key whose answer is no longer kept still stands for its payment.
#[actix_web::test]
async fn a_key_stands_for_its_payment_for_ever() {
    let system = TestSystem::start(Engine::Postgres).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;
    let payer = alice.keyed("old");
    let body = || order(&bill, 4000, "tok_ok");
    let paid = payer.post("/api/payments", body()).await.expect(201);

    let target = Target::parse(&system.database_url(ServiceName::Payments), None).unwrap();
    let database = Database::open("payments", &target, &Settings::default()).await.unwrap();
    let forget = database.transaction(async |tx| tx.execute(FORGET, params![]).await);
    let forgotten: Result<u64, StoreError> = forget.await;
    assert_eq!(forgotten.unwrap(), 1);
    database.close().await;

    let other = payer.post("/api/payments", order(&bill, 496, "tok_ok")).await;
    other.expect_problem(422, "idempotency_key_reused");
    let again = payer.post("/api/payments", body()).await;
    assert_eq!(again.header("idempotency-replayed"), "true", "{again}");
    assert_eq!(again.expect(201), paid);
    bill_is(&system, &alice, &bill, "partially_paid").await;
    system.finish().await;
}

/// All but billing, in one process of their own.
async fn start_others(system: &TestSystem) {
    let is_other = |name: &ServiceName| *name != ServiceName::Billing;
    let others: Vec<_> = ServiceName::ALL.into_iter().filter(is_other).collect();
    system.spawn(&others, &[]);
    system.ready(&others).await;
}

async fn start_billing(system: &TestSystem) {
    system.spawn(&[ServiceName::Billing], &[]);
    system.ready(&[ServiceName::Billing]).await;
}

/// While billing is away nothing is sent; with billing back the same key pays, once.
async fn billing_is_away_for_a_while(engine: Engine) {
    let system = TestSystem::prepare(engine);
    start_others(&system).await;
    start_billing(&system).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;
    system.take_process().kill();
    let payer = alice.keyed("early");
    let early = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
    assert_eq!(early.header("retry-after"), "1", "{early}");
    early.expect_problem(503, "billing_unavailable");
    assert_eq!(alice.get("/api/payments").await.expect(200)["data"], json!([]));

    start_billing(&system).await;
    let mut paid = json!(null);
    system
        .eventually("the key is answered", async || {
            let answer = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
            paid = answer.json.clone();
            answer.status == 201
        })
        .await;
    payment_is(&system, &alice, &id_of(&paid), "succeeded").await;
    assert_eq!(charges(&system.admin().await, &id_of(&paid)).await.len(), 1);
    bill_is(&system, &alice, &bill, "paid").await;
    system.finish().await;
}

/// A payment that was cut off before its bill could be asked is given up after a time.
async fn billing_stays_away(engine: Engine) {
    let system = TestSystem::prepare(engine);
    let point = [("BUSBAR_FAILPOINT", "payments.before_reserve")];
    system.launch_with(&point).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;
    let payer = alice.keyed("cut");
    let pressed = (payer.clone(), order(&bill, 4496, "tok_ok").to_string());
    actix_rt::spawn(async move {
        let (payer, body) = pressed;
        drop(payer.try_send(awc::http::Method::POST, "/api/payments", Some(body)).await);
    });
    system.wait_for_log("failpoint reached").await;
    system.kill();

    start_others(&system).await;
    system.advance(TOO_LONG).await;
    let alice = Person::logged_in(&system.url(), "alice@example.org", PASSWORD).await;
    let listed = "/api/payments?status=cancelled";
    system
        .eventually("the payment is given up", async || {
            alice.get(listed).await.expect(200)["data"][0]["status"] == "cancelled"
        })
        .await;
    let given_up = alice.get(listed).await.expect(200)["data"][0].clone();
    assert_eq!(given_up["failure"]["code"], "not_reserved");
    let again = alice.keyed("cut").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
    assert_eq!(again.expect(201), given_up);

    start_billing(&system).await;
    // A process of its own has a clock of its own.
    let ahead = json!({"milliseconds": u64::try_from(TOO_LONG.as_millis()).unwrap()});
    let billing = system.internal(ServiceName::Billing);
    billing.post("/internal/clock", ahead).await.expect(204);
    let anew = alice.keyed("anew").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
    assert_eq!(anew.expect(201)["status"], "succeeded");
    bill_is(&system, &alice, &bill, "paid").await;
    system.finish().await;
}

#[actix_web::test]
async fn nothing_is_sent_while_billing_is_away_sqlite() {
    billing_is_away_for_a_while(Engine::Sqlite).await;
}

#[actix_web::test]
async fn nothing_is_sent_while_billing_is_away_postgres() {
    billing_is_away_for_a_while(Engine::Postgres).await;
}

#[actix_web::test]
async fn a_payment_whose_bill_stays_away_is_given_up_sqlite() {
    billing_stays_away(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_payment_whose_bill_stays_away_is_given_up_postgres() {
    billing_stays_away(Engine::Postgres).await;
}
