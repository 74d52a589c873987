//! Payments whose outcome is unknown, and the operators who end them: the bank's word comes first.

use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::orders::order;
use crate::support::person::PASSWORD;
use crate::support::{Engine, MONEY, Person, TestSystem, both_engines, postgres};

use super::{bill_is, charges, id_of, payment_is};

/// Nobody but an operator asks the bank soon.
pub(crate) const LATE_LOOKS: [(&str, &str); 1] =
    [("BUSBAR_PAYMENTS_UNKNOWN_POLLS_SECONDS", "3600")];
/// By then the bank has done with a charge whose answer was lost.
pub(crate) const BANK_TAKES: Duration = Duration::from_secs(5);
/// Past the first look after an outcome, jitter included.
const PAST_FIRST_LOOK: Duration = Duration::from_secs(10);

/// A payment whose answer was lost, and the way to resolve it.
async fn lost(payer: &Person, bill: &str, token: &str) -> (String, String) {
    let body = order(bill, 4496, token);
    let lost = payer.keyed(token).post("/api/payments", body).await.expect(201);
    assert_eq!(lost["outcome"], "unknown", "{lost}");
    let id = id_of(&lost);
    let path = format!("/api/payments/{id}/resolve");
    (id, path)
}

fn word(outcome: &str) -> Value {
    json!({"outcome": outcome, "evidence": "statement 17, line 3"})
}

/// The same system, where the bank is not asked by itself for an hour.
async fn with_late_looks(system: &TestSystem) {
    system.kill();
    system.launch_with(&LATE_LOOKS).await;
}

both_engines! {
    with &MONEY;

    /// Two operators, two words: one of them counts.
    async fn of_two_words_one_counts(system: TestSystem) {
        with_late_looks(&system).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let (id, path) = lost(&alice, &bill, "tok_timeout_fail").await;
        system.advance(BANK_TAKES).await;
        let (one, other) = futures_util::future::join(
            admin.post(&path, word("failed")),
            admin.post(&path, word("failed")),
        ).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one} {other}");
        payment_is(&system, &alice, &id, "failed").await;
    }

    /// An operator may say how it ended, once, and that is on record.
    async fn an_operator_resolves_what_is_unknown(system: TestSystem) {
        with_late_looks(&system).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let (id, path) = lost(&alice, &bill, "tok_timeout_ok").await;
        system.advance(BANK_TAKES).await;

        alice.post(&path, word("succeeded")).await.expect_problem(403, "insufficient_scope");
        let mute = json!({"outcome": "succeeded", "evidence": " "});
        admin.post(&path, mute).await.expect_problem(422, "evidence_invalid");
        let resolved = admin.post(&path, word("succeeded")).await.expect(200);
        assert_eq!(resolved["status"], "succeeded");
        let late = admin.post(&path, word("succeeded")).await.expect_problem(409, "invalid_state");
        assert_eq!((&late["current"], &late["allowed"]), (&json!("succeeded"), &json!([])));

        let timeline = format!("/api/payments/{id}/timeline");
        let shown = alice.get(&timeline).await.expect(200).to_string();
        assert!(!shown.contains("statement 17") && !shown.contains("user/"), "staff only: {shown}");
        let road = admin.get(&timeline).await.expect(200);
        let last = road["transitions"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["note"], "statement 17, line 3", "{road}");
        assert_eq!(last["actor"].as_str().unwrap().split('/').next(), Some("user"));
        bill_is(&system, &alice, &bill, "paid").await;
        system.advance(PAST_FIRST_LOOK).await;
        payment_is(&system, &alice, &id, "succeeded").await;
    }

    /// A charge that went through is not talked away: the bill is paid, once.
    async fn a_yes_of_the_bank_is_no_failure(system: TestSystem) {
        with_late_looks(&system).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let (id, path) = lost(&alice, &bill, "tok_timeout_ok").await;
        system.advance(BANK_TAKES).await;

        let refused = admin.post(&path, word("failed")).await;
        let told = refused.expect_problem(409, "connector_disagrees");
        assert_eq!(told["outcome"], "succeeded", "{told}");
        payment_is(&system, &alice, &id, "succeeded").await;
        bill_is(&system, &alice, &bill, "paid").await;
        let again = alice.keyed("again").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        again.expect_problem(409, "bill_already_paid");
        admin.post(&path, word("failed")).await.expect_problem(409, "invalid_state");
        assert_eq!(charges(&admin, &id).await[0]["calls"], 1);
        let road = admin.get(&format!("/api/payments/{id}/timeline")).await.expect(200);
        let note = road["transitions"].as_array().unwrap().last().unwrap()["note"].to_string();
        assert!(note.contains("failed was said: statement 17, line 3"), "{road}");
    }

    /// A charge that was declined is not talked into a payment: the bill is free again.
    async fn a_no_of_the_bank_is_no_payment(system: TestSystem) {
        with_late_looks(&system).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let (id, path) = lost(&alice, &bill, "tok_timeout_fail").await;
        system.advance(BANK_TAKES).await;

        let refused = admin.post(&path, word("succeeded")).await;
        let told = refused.expect_problem(409, "connector_disagrees");
        assert_eq!(told["outcome"], "failed", "{told}");
        let failed = payment_is(&system, &alice, &id, "failed").await;
        assert_eq!(failed["failure"]["code"], "card_declined");
        bill_is(&system, &alice, &bill, "issued").await;
    }

    /// While the bank is at it nobody's word is taken, and the payment goes on by itself.
    async fn a_bank_that_is_at_it_is_waited_for(system: TestSystem) {
        with_late_looks(&system).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let (id, path) = lost(&alice, &bill, "tok_timeout_ok").await;

        admin.post(&path, word("failed")).await.expect_problem(409, "payment_in_hand");
        let shown = alice.get(&format!("/api/payments/{id}")).await.expect(200);
        assert_eq!(shown["outcome"], "unknown", "{shown}");
        system.advance(Duration::from_secs(2 * 3_600)).await;
        let alice = Person::logged_in(&system.url(), "alice@example.org", PASSWORD).await;
        payment_is(&system, &alice, &id, "succeeded").await;
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// Who pays, or has paid for somebody else, does not say how it ended.
    async fn who_pays_does_not_resolve(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let roles = format!("/api/users/{}/roles", alice.id);
        admin.put(&roles, json!({"role": "operator"})).await.expect(200);
        let alice = Person::logged_in(&system.url(), "alice@example.org", PASSWORD).await;

        let (id, path) = lost(&admin, &bill, "tok_timeout_fail").await;
        for either in [&admin, &alice] {
            let refused = either.post(&path, word("failed")).await;
            refused.expect_problem(409, "maker_is_checker");
        }
        system.advance(PAST_FIRST_LOOK).await;
        payment_is(&system, &alice, &id, "failed").await;
        bill_is(&system, &alice, &bill, "issued").await;
    }
}

/// What the bank's books are called while nobody finds them.
const BOOKS_AWAY: &str = "ALTER TABLE sim_charges RENAME TO sim_charges_away";
const BOOKS_BACK: &str = "ALTER TABLE sim_charges_away RENAME TO sim_charges";

/// Only where the bank says nothing the word of an operator is all there is.
#[actix_web::test]
async fn a_silent_bank_leaves_it_to_the_operator() {
    let system = TestSystem::start_with(Engine::Postgres, &LATE_LOOKS).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    let bill = system.issued_bill(&alice, 4496).await;
    let (id, path) = lost(&alice, &bill, "tok_timeout_ok").await;
    let url = system.database_url(ServiceName::Payments);

    postgres::text(&url, BOOKS_AWAY);
    let resolved = admin.post(&path, word("succeeded")).await;
    postgres::text(&url, BOOKS_BACK);
    assert_eq!(resolved.expect(200)["status"], "succeeded");
    let road = admin.get(&format!("/api/payments/{id}/timeline")).await.expect(200);
    assert_eq!(road["attempts"][0]["connector_reference"], format!("resolved_{id}"), "{road}");
    bill_is(&system, &alice, &bill, "paid").await;
    system.finish().await;
}

/// What the bank has never seen ends as an operator says.
#[actix_web::test]
async fn what_the_bank_has_never_seen_is_the_operators_to_end() {
    let system = TestSystem::start_with(Engine::Postgres, &LATE_LOOKS).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    let bill = system.issued_bill(&alice, 4496).await;
    let (_, path) = lost(&alice, &bill, "tok_timeout_ok").await;
    postgres::text(&system.database_url(ServiceName::Payments), "DELETE FROM sim_charges");

    let resolved = admin.post(&path, word("failed")).await.expect(200);
    assert_eq!(resolved["failure"]["code"], "not_carried_out", "{resolved}");
    bill_is(&system, &alice, &bill, "issued").await;
    system.finish().await;
}

/// A payment that is unknown for more than a day is named to people, once, however late a look is.
#[actix_web::test]
async fn what_stays_unknown_is_named_once() {
    let system = TestSystem::start_with(Engine::Postgres, &LATE_LOOKS).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 4496).await;
    let (id, _) = lost(&alice, &bill, "tok_timeout_ok").await;
    let url = system.database_url(ServiceName::Payments);

    postgres::text(&url, BOOKS_AWAY);
    system.advance(Duration::from_secs(25 * 3_600)).await;
    let named = format!("payment {id}: its outcome has been unknown for more than a day");
    system.wait_for_log(&named).await;
    let again = "UPDATE jobs SET due_at = 0 WHERE kind = 'look_at_payments' AND state = 'waiting'";
    let looked = "SELECT CAST(COUNT(*) AS TEXT) FROM jobs
                  WHERE kind = 'look_at_payments' AND state = 'waiting' AND due_at > 0";
    postgres::text(&url, again);
    system.eventually("there was another look", async || postgres::text(&url, looked) == "1").await;
    postgres::text(&url, BOOKS_BACK);
    assert_eq!(system.log().iter().filter(|line| line.contains(&named)).count(), 1);
    system.finish().await;
}
