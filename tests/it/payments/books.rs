//! The ledger as staff see it.

use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::orders::order;
use crate::support::{MONEY, Person, both_engines};

use super::{bill_is, id_of};

fn balance(account: &Value) -> i64 {
    account["balances"][0]["balance_minor"].as_i64().unwrap_or_else(|| panic!("{account}"))
}

both_engines! {
    with &MONEY;

    /// Issuing, failing and paying leave the books as the table of accounts says.
    async fn the_books_follow_bills_and_payments(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let owed = format!("/api/ledger/accounts/ar:{}", alice.id);
        system.eventually("the bill is in the books", async || {
            let account = admin.get(&owed).await;
            account.status == 200 && balance(&account.json) == 4496
        }).await;

        let body = order(&bill, 4496, "tok_decline");
        alice.keyed("no").post("/api/payments", body).await.expect(201);
        assert_eq!(balance(&admin.get(&owed).await.expect(200)), 4496);
        bill_is(&system, &alice, &bill, "issued").await;
        let body = order(&bill, 4496, "tok_ok");
        let paid = alice.keyed("yes").post("/api/payments", body).await.expect(201);
        bill_is(&system, &alice, &bill, "paid").await;

        let clearing = "/api/ledger/accounts/psp:sim:clearing";
        let payable = "/api/ledger/accounts/biller:river-power:payable";
        let billed = "/api/ledger/accounts/biller:river-power:billed";
        for (path, due) in [(owed.as_str(), 0), (clearing, 4496), (payable, -4496), (billed, 0)] {
            let account = admin.get(path).await.expect(200);
            assert_eq!(balance(&account), due, "{account}");
            assert_eq!(account["balances"][0]["pending_debits_minor"], 0, "{account}");
        }
        let trial = admin.get("/api/ledger/trial-balance?currency=USD").await.expect(200);
        assert_eq!((&trial["is_balanced"], &trial["balance_minor"]), (&json!(true), &json!(0)));
        assert_eq!(trial["debits_minor"], 3 * 4496);

        let reference = format!("payment/{}:1", id_of(&paid));
        let path = format!("/api/ledger/transactions?reference={reference}");
        let listed = admin.get(&path).await.expect(200);
        let phases: Vec<&Value> =
            listed["data"].as_array().unwrap().iter().map(|transfer| &transfer["phase"]).collect();
        assert_eq!(phases, ["posted", "pending"], "{listed}");
        let posted = id_of(&listed["data"][0]);
        let whole = admin.get(&format!("/api/ledger/transactions/{posted}")).await.expect(200);
        let entries = whole["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 4, "{whole}");
        let sum: i64 = entries.iter().map(|entry| entry["amount_minor"].as_i64().unwrap()).sum();
        assert_eq!(sum, 0);

        for path in [owed.as_str(), "/api/ledger/accounts", "/api/ledger/transactions",
            "/api/ledger/trial-balance?currency=USD", "/api/admin/invariants"]
        {
            alice.get(path).await.expect_problem(403, "insufficient_scope");
        }
    }

    /// The largest bills are paid like others, though the sides of a transfer exceed any amount.
    async fn a_payment_may_be_as_large_as_an_amount(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let large = 5_000_000_000_000_000;
        let bill = system.issued_bill(&alice, large).await;
        let body = order(&bill, large, "tok_ok");
        let paid = alice.keyed("large").post("/api/payments", body).await.expect(201);
        assert_eq!(paid["status"], "succeeded", "{paid}");
        bill_is(&system, &alice, &bill, "paid").await;

        let path = format!("/api/ledger/transactions?reference=payment/{}:1", id_of(&paid));
        let listed = admin.get(&path).await.expect(200);
        assert_eq!(listed["data"][0]["debits_minor"], 2 * large, "{listed}");
        let clearing = admin.get("/api/ledger/accounts/psp:sim:clearing").await.expect(200);
        assert_eq!(balance(&clearing), large);
    }

    /// What is not in the books is not found; what is no event of a bill is not entered.
    async fn the_books_take_and_give_what_they_know(system: TestSystem) {
        let admin = system.admin().await;
        let nobody = admin.get("/api/ledger/accounts/ar:nobody").await;
        nobody.expect_problem(404, "account_not_found");
        let nothing = "/api/ledger/transactions/01900000-0000-7000-8000-000000000000";
        admin.get(nothing).await.expect_problem(404, "transfer_not_found");

        let subject = "bill/01900000-0000-7000-8000-000000000000";
        let event = json!({
            "specversion": "1.0", "id": "01900000-0000-7000-8000-000000000001",
            "source": "/busbar/billing", "type": "busbar.bill.issued.v1", "subject": subject,
            "time": "2026-11-01T00:00:00.000Z", "datacontenttype": "application/json",
            "dataschema": "/schemas/bill.issued/v1", "sequence": "00000000000000000001",
            "partitionkey": subject, "correlationid": "r-1", "actor": "system",
            "data": {"total_minor": 4496}
        });
        let billing = system.internal_as("billing", ServiceName::Payments);
        let heard = billing.post("/internal/events", json!([event])).await.expect(200);
        assert_eq!(heard["results"][0]["result"], "refused", "{heard}");
        assert_eq!(heard["results"][0]["code"], "event_unreadable");
        let listed = admin.get("/api/ledger/transactions").await.expect(200);
        assert_eq!(listed["data"], json!([]));
    }

    /// Operators see what becomes of payments, and that the books balance.
    async fn the_meters_follow_payments(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4496).await;
        for token in ["tok_decline", "tok_ok"] {
            let body = order(&bill, 4496, token);
            alice.keyed(token).post("/api/payments", body).await.expect(201);
            let left = if token == "tok_ok" { "paid" } else { "issued" };
            bill_is(&system, &alice, &bill, left).await;
        }
        let metrics = system.service_url(ServiceName::Payments);
        let text = Person::anonymous(&metrics).get("/metrics/prometheus").await.text();
        for line in [
            "busbar_payments_total{outcome=\"failed\"} 1",
            "busbar_payments_total{outcome=\"succeeded\"} 1",
            "busbar_payments_connector_calls_total{answer=\"declined\"} 1",
            "busbar_payments_in_flight 0",
            "busbar_payments_unknown 0",
            "busbar_ledger_sum_minor 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    /// A bill that is voided is owed by nobody, and cannot be paid.
    async fn a_voided_bill_leaves_the_books(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let bill = system.issued_bill(&alice, 4496).await;
        let owed = format!("/api/ledger/accounts/ar:{}", alice.id);
        let owes = async |amount: i64| {
            let account = admin.get(&owed).await;
            account.status == 200 && balance(&account.json) == amount
        };
        system.eventually("the bill is in the books", async || owes(4496).await).await;
        let void = format!("/api/bills/{bill}/void");
        admin.keyed("void").post(&void, json!({})).await.expect(200);
        system.eventually("the bill has left the books", async || owes(0).await).await;
        let body = order(&bill, 4496, "tok_ok");
        let late = alice.keyed("late").post("/api/payments", body).await;
        late.expect_problem(409, "bill_not_payable");
    }

    /// Accounts and transfers are paged without a gap.
    async fn the_books_are_paged(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        for amount in [100, 200, 300] {
            system.issued_bill(&alice, amount).await;
        }
        let count = async |path: &str| {
            let listed = admin.get(path).await.expect(200);
            listed["data"].as_array().unwrap().len()
        };
        system.eventually("the bills are in the books", async || {
            count("/api/ledger/transactions").await == 3
        }).await;
        assert_eq!(count("/api/ledger/accounts").await, 2);

        let (mut amounts, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/ledger/transactions?limit=1{cursor}");
            let page = admin.get(&path).await.expect(200);
            amounts.push(page["data"][0]["debits_minor"].as_i64().unwrap());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        amounts.sort_unstable();
        assert_eq!(amounts, [100, 200, 300]);
        let bad = admin.get("/api/ledger/transactions?cursor=nonsense").await;
        bad.expect_problem(422, "cursor_invalid");
    }
}
