//! Payments through the gateway: repeated, at the same time, refused, declined, in the dark.

mod books;
mod isolation;
mod kept;
mod late;
mod refused;
pub(crate) mod resolved;
mod unknown;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::orders::{draft, order};
use crate::support::{Answer, MONEY, Person, TestSystem, both_engines};

/// What the simulated bank has seen of a payment.
pub(crate) async fn charges(admin: &Person, payment: &str) -> Vec<Value> {
    let path = format!("/api/sim/charges?reference={payment}");
    let listed = admin.get(&path).await.expect(200);
    listed["data"].as_array().unwrap().clone()
}

/// Waits until the bill stands so.
pub(crate) async fn bill_is(system: &TestSystem, person: &Person, bill: &str, status: &str) {
    let what = format!("bill {bill} is {status}");
    system
        .eventually(&what, async || {
            let bill = person.get(&format!("/api/bills/{bill}")).await.expect(200);
            bill["status"] == status && bill["reserved_minor"] == 0
        })
        .await;
}

/// Waits until the payment stands so.
pub(crate) async fn payment_is(
    system: &TestSystem,
    person: &Person,
    payment: &str,
    status: &str,
) -> Value {
    let what = format!("payment {payment} is {status}");
    let path = format!("/api/payments/{payment}");
    system.eventually(&what, async || person.get(&path).await.json["status"] == status).await;
    person.get(&path).await.expect(200)
}

pub(crate) fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id in {answer}")).to_owned()
}

fn count(answers: &[Answer], status: u16, code: &str) -> usize {
    answers.iter().filter(|answer| (answer.status, answer.code()) == (status, code)).count()
}

both_engines! {
    with &MONEY;

    /// Repeating a request gives its answer again; its key stands for nothing else.
    async fn a_repeated_payment_is_the_same_payment(system: TestSystem) {
        let (alice, bob) = (system.person("alice").await, system.person("bob").await);
        let (bill, other) =
            (system.issued_bill(&alice, 4496).await, system.issued_bill(&bob, 100).await);
        let payer = alice.keyed("a");

        let first = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await.expect(201);
        let again = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{again}");
        assert_eq!(again.expect(201), first);

        let less = payer.post("/api/payments", order(&bill, 4495, "tok_ok")).await;
        less.expect_problem(422, "idempotency_key_reused");
        let unkeyed = alice.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        unkeyed.expect_problem(400, "idempotency_key_required");

        let bobs = bob.keyed("a").post("/api/payments", order(&other, 100, "tok_ok")).await;
        assert_eq!(bobs.header("idempotency-replayed"), "");
        assert_ne!(bobs.expect(201)["id"], first["id"]);
    }

    /// Fifty requests with one key at the same time are one payment and one charge.
    async fn a_key_pressed_fifty_times_pays_once(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let payer = alice.keyed("once");

        let presses = (0..50).map(|_| payer.post("/api/payments", order(&bill, 4496, "tok_ok")));
        let answers = join_all(presses).await;

        let paid: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        let in_flight = count(&answers, 409, "idempotency_in_flight");
        assert_eq!(paid.len() + in_flight, 50, "{answers:?}");
        let ids: std::collections::BTreeSet<_> =
            paid.iter().map(|answer| id_of(&answer.json)).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let refused = answers.iter().find(|answer| answer.status == 409);
        assert!(refused.is_none_or(|answer| answer.header("retry-after") == "1"));

        let listed = alice.get("/api/payments").await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
        let charges = charges(&admin, ids.first().unwrap()).await;
        assert_eq!(charges.len(), 1);
        assert_eq!(charges[0]["calls"], 1);
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// Of two payments of a whole bill one is carried out, the other is refused.
    async fn two_payers_of_one_bill_pay_it_once(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let body = || order(&bill, 4496, "tok_ok");
        let (one, two) = (alice.keyed("one"), alice.keyed("two"));

        let answers =
            join_all([one.post("/api/payments", body()), two.post("/api/payments", body())]).await;

        let paid = answers.iter().find(|answer| answer.status == 201).expect("one is paid");
        assert_eq!(paid.json["status"], "succeeded", "{paid}");
        let refused = answers.iter().find(|answer| answer.status == 409).expect("one is refused");
        let codes = ["bill_amount_reserved", "bill_already_paid"];
        assert!(codes.contains(&refused.code()), "{refused}");
        assert_eq!(charges(&admin, &id_of(&paid.json)).await.len(), 1);
        let listed = alice.get("/api/payments").await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// Ten payments of 3000 at the same time: a bill of 10000 takes three of them.
    async fn a_bill_takes_no_more_than_it_comes_to(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 10_000).await;
        let payers: Vec<Person> = (0..10).map(|n| alice.keyed(&format!("part-{n}"))).collect();

        let pressed =
            payers.iter().map(|payer| payer.post("/api/payments", order(&bill, 3_000, "tok_ok")));
        let answers = join_all(pressed).await;

        let paid = answers.iter().filter(|answer| answer.status == 201);
        assert_eq!(paid.filter(|answer| answer.json["status"] == "succeeded").count(), 3);
        let refused: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 409).collect();
        assert_eq!(refused.len(), 7, "{answers:?}");
        for answer in refused {
            assert_eq!(answer.json["available_minor"], 1_000, "{answer}");
        }
        bill_is(&system, &alice, &bill, "partially_paid").await;
        let last = alice.keyed("rest").post("/api/payments", order(&bill, 1_000, "tok_ok")).await;
        assert_eq!(last.expect(201)["status"], "succeeded");
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// A refused request has used up nothing: the same key may ask again.
    async fn a_refusal_leaves_the_key_free(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let drafted = admin.post("/api/bills", draft(&alice.id, 4496)).await.expect(201);
        let bill = id_of(&drafted);
        let payer = admin.keyed("early");

        let early = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        early.expect_problem(409, "bill_not_payable");
        let issue = format!("/api/bills/{bill}/issue");
        admin.keyed("issue").post(&issue, json!({})).await.expect(200);
        let paid = payer.post("/api/payments", order(&bill, 4496, "tok_ok")).await.expect(201);
        assert_eq!((&paid["status"], &paid["user_id"]), (&json!("succeeded"), &json!(alice.id)));
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// A slow connector does not keep its client: the payment goes on, and tells how it ended.
    async fn a_slow_payment_is_answered_before_its_end(system: TestSystem) {
        system.kill();
        system.launch_with(&[("BUSBAR_PAYMENTS_WAIT_MS", "2500")]).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let payer = alice.keyed("slow");

        let slow = payer.post("/api/payments", order(&bill, 4496, "tok_slow_5s")).await.expect(201);
        assert_eq!(slow["status"], "processing", "{slow}");
        assert!(slow.get("outcome").is_none(), "it is not in the dark: {slow}");
        let busy = payer.post("/api/payments", order(&bill, 4496, "tok_slow_5s")).await;
        assert_eq!(busy.header("retry-after"), "1");
        busy.expect_problem(409, "idempotency_in_flight");

        let ended = payment_is(&system, &alice, &id_of(&slow), "succeeded").await;
        let again = payer.post("/api/payments", order(&bill, 4496, "tok_slow_5s")).await;
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.expect(201), ended);
        assert_eq!(charges(&admin, &id_of(&slow)).await[0]["calls"], 1);
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// A connector that repeats itself changes nothing.
    async fn a_verdict_heard_again_changes_nothing(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let payer = alice.keyed("twice");
        let body = order(&bill, 4496, "tok_dup_callback");
        let paid = payer.post("/api/payments", body).await.expect(201);
        assert_eq!((&paid["status"], &paid["version"]), (&json!("succeeded"), &json!(2)));
        let repeated = "busbar_payments_repeated_verdicts_total";
        let service = busbar::types::ServiceName::Payments;
        system
            .eventually("it was said twice more", async || {
                system.figure(service, repeated).await == 2.0
            })
            .await;
        let road = alice.get(&format!("/api/payments/{}/timeline", id_of(&paid))).await.expect(200);
        let statuses: Vec<&Value> =
            road["transitions"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
        assert_eq!(statuses, ["processing", "succeeded"], "{road}");
        bill_is(&system, &alice, &bill, "paid").await;
    }
}
