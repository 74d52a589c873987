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
}
