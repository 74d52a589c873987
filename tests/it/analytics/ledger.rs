//! The sums are those of the ledger, to the cent, whatever happened on the way.

use busbar::types::ServiceName;
use std::time::Duration;

use serde_json::{Value, json};

use crate::payments::{bill_is, id_of, payment_is};
use crate::support::orders::order;
use crate::support::person::PASSWORD;
use crate::support::{Person, TestSystem, both_engines};

use super::{of_currency, report};

/// Nobody looks after an outcome that was left open before the clock is moved.
const LATE_LOOKS: [(&str, &str); 1] = [("BUSBAR_PAYMENTS_UNKNOWN_POLLS_SECONDS", "3600")];
const PAST_FIRST_LOOK: Duration = Duration::from_secs(2 * 3_600);

/// What the ledger says of USD: what is owed, and what the connector has brought.
async fn ledger(admin: &Person) -> (i64, i64) {
    let path = "/api/ledger/accounts?currency=USD&limit=100";
    let listed = admin.get(path).await.expect(200);
    let accounts = listed["data"].as_array().unwrap().clone();
    let sum = |begin: &str| -> i64 {
        let of =
            accounts.iter().filter(|account| account["code"].as_str().unwrap().starts_with(begin));
        of.map(|account| account["balance_minor"].as_i64().unwrap()).sum()
    };
    (sum("ar:"), sum("psp:sim:clearing"))
}

/// What each report says of the same, which is one thing.
async fn reported(admin: &Person) -> Vec<(i64, i64)> {
    let minor = |value: &Value| value.as_i64().unwrap_or_default();
    let dashboard = report(admin, "dashboard").await;
    let usd = of_currency(&dashboard["currencies"], "USD");
    let aging = report(admin, "aging").await;
    let aged = of_currency(&aging["totals"], "USD");
    let collections = report(admin, "collections").await;
    let collected = of_currency(&collections["data"], "USD");
    let revenue = report(admin, "revenue?tz=Asia/Kathmandu&granularity=month").await;
    let in_sum = minor(&of_currency(&revenue["totals"], "USD")["amount_minor"]);
    let success = report(admin, "payments/success?group_by=reason").await;
    let succeeded = minor(&of_currency(&success["totals"], "USD")["succeeded_minor"]);
    vec![
        (minor(&usd["receivable_minor"]), minor(&usd["collected_minor"])),
        (minor(&aged["receivable_minor"]), in_sum),
        (minor(&collected["receivable_minor"]), minor(&collected["collected_minor"])),
        (minor(&aged["owed_minor"]) - minor(&aged["credit_minor"]), succeeded),
    ]
}

async fn agree(system: &TestSystem, admin: &Person, owed: i64, paid: i64) {
    system
        .eventually("the reports say what the ledger says", async || {
            ledger(admin).await == (owed, paid)
                && reported(admin).await.iter().all(|told| *told == (owed, paid))
        })
        .await;
}

async fn pay(payer: &Person, bill: &str, minor: i64, token: &str) -> Value {
    let key = format!("{token}-{bill}-{minor}");
    payer.keyed(&key).post("/api/payments", order(bill, minor, token)).await.expect(201)
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Payments, ServiceName::Billing, ServiceName::Analytics];

    /// Payments that succeed, fail and are in the dark, a voided bill, and a kill in the middle.
    async fn the_sums_are_those_of_the_ledger(system: TestSystem) {
        system.kill();
        system.launch_with(&LATE_LOOKS).await;
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        let mut bills = Vec::new();
        for minor in [4_496, 10_000, 700, 2_500, 1_200] {
            bills.push(system.issued_bill(&alice, minor).await);
        }
        pay(&alice, &bills[0], 4_496, "tok_ok").await;
        pay(&alice, &bills[1], 10_000, "tok_decline").await;
        bill_is(&system, &alice, &bills[1], "issued").await;
        pay(&alice, &bills[1], 3_001, "tok_ok").await;
        admin.keyed("void").post(&format!("/api/bills/{}/void", bills[2]), json!({})).await.expect(200);
        let lost = id_of(&pay(&alice, &bills[3], 2_500, "tok_timeout_ok").await);
        let lost_too = id_of(&pay(&alice, &bills[4], 1_200, "tok_timeout_fail").await);
        for payment in [&lost, &lost_too] {
            let path = format!("/api/payments/{payment}");
            system
                .eventually("the outcome is unknown", async || {
                    alice.get(&path).await.expect(200)["outcome"] == "unknown"
                })
                .await;
        }
        system.kill();
        system.launch_with(&LATE_LOOKS).await;

        // Two outcomes are open: nothing has come in for them yet.
        agree(&system, &admin, 6_999 + 2_500 + 1_200, 7_497).await;
        let mut dark = Value::Null;
        system
            .eventually("two payments are told to be in the dark", async || {
                dark = report(&admin, "dashboard").await;
                dark["payments"]["outcome_unknown"] == 2
            })
            .await;
        assert_eq!(of_currency(&dark["currencies"], "USD")["in_process_minor"], 3_700);

        system.advance(PAST_FIRST_LOOK).await;
        // The tokens have expired meanwhile.
        let admin = system.admin().await;
        let alice = Person::logged_in(&system.url(), "alice@example.org", PASSWORD).await;
        payment_is(&system, &alice, &lost, "succeeded").await;
        payment_is(&system, &alice, &lost_too, "failed").await;
        agree(&system, &admin, 6_999 + 1_200, 9_997).await;

        let mut success = Value::Null;
        system
            .eventually("all five have ended", async || {
                success = report(&admin, "payments/success?group_by=reason").await;
                of_currency(&success["totals"], "USD")["failed"] == 2
            })
            .await;
        let total = of_currency(&success["totals"], "USD");
        let counts = ["created", "succeeded", "failed", "cancelled", "outcome_unknown"];
        assert_eq!(counts.map(|name| total[name].as_i64().unwrap()), [5, 3, 2, 0, 2], "{success}");
        assert_eq!(total["success_rate"], "0.6000");
        let declined = success["data"].as_array().unwrap().iter();
        let declined: Vec<&Value> =
            declined.filter(|row| row["group"] == "card_declined").collect();
        assert_eq!(declined[0]["failed_minor"], 11_200, "{success}");
        assert_eq!(declined[0]["share"], "0.4000");

        let all = report(&admin, "dashboard").await;
        system.eventually("the bills are counted", async || {
            report(&admin, "dashboard").await["bills"]["paid"] == 2
        }).await;
        assert_eq!(all["total_users"], 2, "{all}");
        assert_eq!((&all["total_bills"], &all["bills"]["voided"]), (&json!(5), &json!(1)));
        assert_eq!((&all["bills"]["open"], &all["payments"]["in_process"]), (&json!(2), &json!(0)));
    }
}
