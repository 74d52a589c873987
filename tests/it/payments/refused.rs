//! What is not taken, and what a connector declines.

use serde_json::{Value, json};

use crate::support::orders::{draft, order};
use crate::support::{MONEY, both_engines};

use super::{bill_is, charges, id_of};

both_engines! {
    with &MONEY;

    /// Bad money is refused with its code, and leaves no payment.
    async fn bad_money_is_refused(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let cases = [
            ("amount_minor", json!(44.96), "money_not_integer"),
            ("amount_minor", json!("4496"), "money_not_integer"),
            ("amount_minor", json!(0), "amount_below_minimum"),
            ("amount_minor", json!(-1), "amount_below_minimum"),
            ("amount_minor", json!(9_007_199_254_740_993_i64), "amount_out_of_range"),
            ("currency", json!("usd"), "currency_invalid"),
            ("currency", json!("EUR"), "currency_mismatch"),
            ("status", json!("succeeded"), "unknown_field"),
        ];
        for (index, (field, value, code)) in cases.into_iter().enumerate() {
            let mut body = order(&bill, 4496, "tok_ok");
            body[field] = value;
            let answer = alice.keyed(&format!("bad-{index}")).post("/api/payments", body).await;
            let problem = answer.expect_problem(422, code);
            assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"), "{problem}");
        }
        let method = awc::http::Method::POST;
        let broken = alice.keyed("broken").send(method, "/api/payments", Some("{".into())).await;
        broken.expect_problem(400, "invalid_json");

        let listed = alice.get("/api/payments").await.expect(200);
        assert_eq!(listed["data"], json!([]));
    }

    /// Card numbers are kept nowhere: not as a token, not in notes, not in evidence.
    async fn card_numbers_are_refused(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let noted = |notes: Value| {
            let mut body = order(&bill, 4496, "tok_ok");
            body["metadata"] = notes;
            body
        };
        for (body, pointer) in [
            (order(&bill, 4496, "tok_4242424242424242"), "/method/token"),
            (noted(json!({"note": "by 4242 4242 4242 4242"})), "/metadata/note"),
            (noted(json!({"4242-4242-4242-4242": "x"})), "/metadata"),
        ] {
            let answer = alice.keyed("card").post("/api/payments", body).await;
            let problem = answer.expect_problem(422, "card_number_refused");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
            assert!(!problem["errors"].to_string().contains("4242"), "{problem}");
        }
        let path = "/api/payments/01900000-0000-7000-8000-000000000000/resolve";
        let word = json!({"outcome": "failed", "evidence": "card 4242.4242.4242.4242"});
        let problem = admin.post(path, word).await.expect_problem(422, "card_number_refused");
        assert_eq!(problem["errors"][0]["pointer"], "/evidence", "{problem}");
        assert_eq!(alice.get("/api/payments").await.expect(200)["data"], json!([]));
    }

    /// A bill that cannot be paid so is told by its code.
    async fn what_the_bill_does_not_take_is_refused(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let pay = async |key: &str, body: Value| {
            alice.keyed(key).post("/api/payments", body).await
        };

        let more = pay("more", order(&bill, 4497, "tok_ok")).await;
        assert_eq!(more.status, 409, "{more}");
        assert_eq!(more.json["available_minor"], 4496, "{more}");
        more.expect_problem(409, "amount_exceeds_available");
        let nowhere = order("01900000-0000-7000-8000-000000000000", 1, "tok_ok");
        pay("nowhere", nowhere).await.expect_problem(404, "bill_not_found");

        let (admin, mut exact) = (system.admin().await, draft(&alice.id, 100));
        exact["exactness"] = json!("exact");
        let exact = id_of(&admin.post("/api/bills", exact).await.expect(201));
        let issue = format!("/api/bills/{exact}/issue");
        admin.keyed("exact").post(&issue, json!({})).await.expect(200);
        let part = pay("part", order(&exact, 99, "tok_ok")).await;
        let problem = part.expect_problem(422, "amount_not_allowed");
        assert_eq!(problem["exactness"], "exact", "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/amount_minor");

        pay("all", order(&bill, 4496, "tok_ok")).await.expect(201);
        bill_is(&system, &alice, &bill, "paid").await;
        pay("again", order(&bill, 4496, "tok_ok")).await.expect_problem(409, "bill_already_paid");
    }

    /// A declined payment has failed, holds nothing, and another one may succeed.
    async fn a_decline_frees_the_bill(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let declines = [
            ("tok_decline", "card_declined", false),
            ("tok_insufficient", "insufficient_funds", true),
            ("tok_expired", "expired_method", false),
            ("tok_nonsense", "invalid_token", false),
        ];
        for (token, code, retryable) in declines {
            let body = order(&bill, 4496, token);
            let declined = alice.keyed(token).post("/api/payments", body).await.expect(201);
            assert_eq!(declined["status"], "failed", "{declined}");
            assert_eq!(declined["failure"]["code"], code);
            assert_eq!(declined["failure"]["retryable"], retryable);
            assert_eq!(declined["amount_captured_minor"], 0);
            bill_is(&system, &alice, &bill, "issued").await;
            let charges = charges(&admin, &id_of(&declined)).await;
            assert_eq!(charges[0]["status"], "declined");
        }

        let body = order(&bill, 4496, "tok_ok");
        let paid = alice.keyed("tok_ok").post("/api/payments", body).await.expect(201);
        assert_eq!(paid["status"], "succeeded");
        bill_is(&system, &alice, &bill, "paid").await;
    }
}
