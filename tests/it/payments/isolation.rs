//! One customer sees nothing of another's payments, by whichever verb.

use serde_json::json;

use crate::support::orders::order;
use crate::support::person::PASSWORD;
use crate::support::{MONEY, Person, both_engines};

use super::{bill_is, id_of};

both_engines! {
    with &MONEY;

    /// Another's bill and payment are not there: to look at, to list, to pay.
    async fn anothers_payment_is_not_there(system: TestSystem) {
        let (alice, bob) = (system.person("alice").await, system.person("bob").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let body = order(&bill, 4496, "tok_ok");

        let stolen = bob.keyed("k").post("/api/payments", body.clone()).await;
        stolen.expect_problem(404, "bill_not_found");
        let paid = alice.keyed("k").post("/api/payments", body).await.expect(201);
        let path = format!("/api/payments/{}", id_of(&paid));

        assert_eq!(alice.get(&path).await.expect(200), paid);
        for path in [path.clone(), format!("{path}/timeline")] {
            bob.get(&path).await.expect_problem(404, "payment_not_found");
        }
        let lists =
            [format!("/api/payments/user/{}", alice.id), format!("/api/payments?user_id={}", alice.id)];
        for list in &lists {
            bob.get(list).await.expect_problem(404, "payment_not_found");
            let own = alice.get(list).await.expect(200);
            assert_eq!(own["data"], json!([paid]), "{list}");
        }
        assert_eq!(bob.get("/api/payments").await.expect(200)["data"], json!([]));
        let charges = format!("/api/sim/charges?reference={}", id_of(&paid));
        bob.get(&charges).await.expect_problem(403, "insufficient_scope");
        system.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// A key repeats its answer only to whoever may see the payment: a role that was lost is lost
    /// for what was done in it, too.
    async fn a_lost_role_repeats_nothing(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bob = system.person("bob").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let roles = format!("/api/users/{}/roles", bob.id);
        let bob_as = async |role: &str| {
            admin.put(&roles, json!({"role": role})).await.expect(200);
            Person::logged_in(&system.url(), "bob@example.org", PASSWORD).await.keyed("k")
        };
        let body = order(&bill, 4496, "tok_ok");

        let operator = bob_as("operator").await;
        let paid = operator.post("/api/payments", body.clone()).await.expect(201);
        assert_eq!(operator.post("/api/payments", body.clone()).await.expect(201), paid);
        let customer = bob_as("customer").await;
        let again = customer.post("/api/payments", body).await;
        again.expect_problem(404, "payment_not_found");
        let shown = customer.get(&format!("/api/payments/{}", id_of(&paid))).await;
        shown.expect_problem(404, "payment_not_found");
        bill_is(&system, &alice, &bill, "paid").await;
    }

    /// Staff see all payments, and find them by bill, status and time.
    async fn staff_find_payments(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bills = [system.issued_bill(&alice, 100).await, system.issued_bill(&alice, 200).await];
        let body = order(&bills[0], 100, "tok_ok");
        let paid = alice.keyed("ok").post("/api/payments", body).await.expect(201);
        let body = order(&bills[1], 200, "tok_decline");
        let failed = alice.keyed("no").post("/api/payments", body).await.expect(201);

        let asked = [
            (String::new(), json!([failed, paid])),
            (format!("bill_id={}", bills[0]), json!([paid])),
            ("status=failed".to_owned(), json!([failed])),
            ("status=processing".to_owned(), json!([])),
            (format!("user_id={}&status=succeeded", alice.id), json!([paid])),
            (format!("created_from={}", failed["created_at"].as_str().unwrap()), json!([failed])),
            ("created_from=2099-01-01T00:00:00Z".to_owned(), json!([])),
        ];
        for (query, found) in asked {
            let listed = admin.get(&format!("/api/payments?{query}")).await.expect(200);
            assert_eq!(listed["data"], found, "{query}");
        }
        let first = admin.get("/api/payments?limit=1").await.expect(200);
        assert_eq!((&first["data"], &first["has_more"]), (&json!([failed]), &json!(true)));
        let cursor = first["next_cursor"].as_str().unwrap();
        let next = admin.get(&format!("/api/payments?limit=1&cursor={cursor}")).await.expect(200);
        assert_eq!((&next["data"], &next["has_more"]), (&json!([paid]), &json!(false)));
        for wrong in ["status=odd", "limit=0", "cursor=x", "sort=up"] {
            let refused = admin.get(&format!("/api/payments?{wrong}")).await;
            assert_eq!(refused.status, 422, "{refused}");
        }
        bill_is(&system, &alice, &bills[0], "paid").await;
        bill_is(&system, &alice, &bills[1], "issued").await;
    }
}
