//! Payments whose outcome is unknown: they hold their bill until it is found out.

use std::time::Duration;

use serde_json::json;

use crate::support::orders::order;
use crate::support::{MONEY, both_engines};

use super::{bill_is, charges, id_of, payment_is};

/// Past the first look after an outcome, jitter included.
const PAST_FIRST_LOOK: Duration = Duration::from_secs(10);

both_engines! {
    with &MONEY;

    /// A lost answer that was a yes: nobody pays twice, and the payment ends by itself.
    async fn a_lost_yes_is_found_out(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let payer = alice.keyed("lost");

        let body = || order(&bill, 4496, "tok_timeout_ok");
        let lost = payer.post("/api/payments", body()).await.expect(201);
        assert_eq!((&lost["status"], &lost["outcome"]), (&json!("processing"), &json!("unknown")));
        let second = alice.keyed("second").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        assert_eq!(second.json["by_payment_id"], lost["id"], "{second}");
        second.expect_problem(409, "bill_amount_reserved");
        let again = payer.post("/api/payments", body()).await.expect(201);
        assert_eq!((&again["id"], &again["outcome"]), (&lost["id"], &json!("unknown")));

        system.advance(PAST_FIRST_LOOK).await;
        let found = payment_is(&system, &alice, &id_of(&lost), "succeeded").await;
        assert!(found.get("outcome").is_none(), "{found}");
        let charges = charges(&admin, &id_of(&lost)).await;
        assert_eq!((charges.len(), &charges[0]["calls"]), (1, &json!(1)));
        bill_is(&system, &alice, &bill, "paid").await;
        let replayed = payer.post("/api/payments", body()).await;
        assert_eq!(replayed.header("idempotency-replayed"), "true");
        assert_eq!(replayed.expect(201), found);
    }

    /// A lost answer that was a no: the bill is free again.
    async fn a_lost_no_is_found_out(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let body = order(&bill, 4496, "tok_timeout_fail");
        let lost = alice.keyed("lost").post("/api/payments", body).await.expect(201);
        assert_eq!(lost["outcome"], "unknown");

        system.advance(PAST_FIRST_LOOK).await;
        let found = payment_is(&system, &alice, &id_of(&lost), "failed").await;
        assert_eq!(found["failure"]["code"], "card_declined");
        bill_is(&system, &alice, &bill, "issued").await;
        let body = order(&bill, 4496, "tok_ok");
        let paid = alice.keyed("again").post("/api/payments", body).await.expect(201);
        assert_eq!(paid["status"], "succeeded");
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// Two operators, two words: one of them counts.
    async fn of_two_words_one_counts(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let body = order(&bill, 4496, "tok_timeout_fail");
        let lost = alice.keyed("lost").post("/api/payments", body).await.expect(201);
        let path = format!("/api/payments/{}/resolve", id_of(&lost));
        let failed = json!({"outcome": "failed", "evidence": "statement 17, line 3"});
        let (one, other) = futures_util::future::join(
            admin.post(&path, failed.clone()),
            admin.post(&path, failed),
        ).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one} {other}");
        payment_is(&system, &alice, &id_of(&lost), "failed").await;
    }

    /// An operator may say how it ended, once, and that is on record.
    async fn an_operator_resolves_what_is_unknown(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let body = order(&bill, 4496, "tok_timeout_ok");
        let lost = alice.keyed("lost").post("/api/payments", body).await.expect(201);
        let path = format!("/api/payments/{}/resolve", id_of(&lost));
        let word = json!({"outcome": "succeeded", "evidence": "statement 17, line 3"});

        alice.post(&path, word.clone()).await.expect_problem(403, "insufficient_scope");
        let mute = json!({"outcome": "succeeded", "evidence": " "});
        admin.post(&path, mute).await.expect_problem(422, "evidence_invalid");
        let resolved = admin.post(&path, word.clone()).await.expect(200);
        assert_eq!(resolved["status"], "succeeded");
        let late = admin.post(&path, word).await.expect_problem(409, "invalid_state");
        assert_eq!((&late["current"], &late["allowed"]), (&json!("succeeded"), &json!([])));

        let timeline = format!("/api/payments/{}/timeline", id_of(&lost));
        let shown = alice.get(&timeline).await.expect(200).to_string();
        assert!(!shown.contains("statement 17") && !shown.contains("user/"), "staff only: {shown}");
        let road = admin.get(&timeline).await.expect(200);
        let last = road["transitions"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["note"], "statement 17, line 3", "{road}");
        assert_eq!(last["actor"].as_str().unwrap().split('/').next(), Some("user"));
        bill_is(&system, &alice, &bill, "paid").await;
        system.advance(PAST_FIRST_LOOK).await;
        payment_is(&system, &alice, &id_of(&lost), "succeeded").await;
    }
}
