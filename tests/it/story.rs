//! The story: sign up, get a bill, pay it. Through port 3000, as a customer and an administrator.

mod meter;

use serde_json::json;

use crate::support::both_engines;
use crate::support::orders::{draft, order};

both_engines! {
    /// A bill of 44.96 USD is drafted, issued and paid; the books balance; the same request again
    /// is the same payment, another one with its key is refused.
    async fn a_bill_is_paid_through_the_gateway(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);

        let bill = admin.post("/api/bills", draft(&alice.id, 4496)).await.expect(201);
        assert_eq!(bill["status"], "draft");
        let id = bill["id"].as_str().unwrap();
        let issue = format!("/api/bills/{id}/issue");
        let issued = admin.keyed("issue-1").post(&issue, json!({})).await.expect(200);
        assert_eq!(issued["status"], "issued");
        assert_eq!((&issued["total_minor"], &issued["balance_minor"]), (&json!(4496), &json!(4496)));
        assert!(issued["number"].is_string(), "{issued}");

        let payer = alice.keyed("pay-1");
        let paid = payer.post("/api/payments", order(id, 4496, "tok_ok")).await;
        assert_eq!(paid.header("idempotency-replayed"), "");
        let paid = paid.expect(201);
        assert_eq!(paid["status"], "succeeded", "{paid}");

        system.eventually("the bill is paid", async || {
            let bill = alice.get(&format!("/api/bills/{id}")).await.expect(200);
            bill["status"] == "paid" && bill["balance_minor"] == 0
        }).await;
        let invariants = admin.get("/api/admin/invariants").await.expect(200);
        assert_eq!(invariants["ok"], true, "{invariants}");
        assert!(invariants["checks"].as_array().is_some_and(|checks| !checks.is_empty()));

        let again = payer.post("/api/payments", order(id, 4496, "tok_ok")).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{again}");
        assert_eq!(again.expect(201)["id"], paid["id"]);
        let other = payer.post("/api/payments", order(id, 4495, "tok_ok")).await;
        other.expect_problem(422, "idempotency_key_reused");
    }
}
