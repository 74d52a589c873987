//! Bills that are not paid in time, through the gateway of the real program.

use std::time::Duration;

use busbar::types::{Clock, Date};
use serde_json::{Value, json};

use crate::support::orders::{draft, order};
use crate::support::person::PASSWORD;
use crate::support::{Engine, MONEY, Person, TestSystem, both_engines};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A bill that is due tomorrow, and overdue within two days.
async fn due_tomorrow(system: &TestSystem, owner: &Person, minor: i64) -> String {
    due_in(system, owner, 1, minor).await
}

async fn due_in(system: &TestSystem, owner: &Person, days: i64, minor: i64) -> String {
    let admin = system.admin().await;
    let mut body = draft(&owner.id, minor);
    body["due_on"] = json!(Date::of(Clock::system().now()).plus_days(days).unwrap());
    let bill = admin.post("/api/bills", body).await.expect(201);
    let id = bill["id"].as_str().unwrap().to_owned();
    let issue = format!("/api/bills/{id}/issue");
    let issued = admin.keyed(&id).post(&issue, json!({})).await.expect(200);
    assert_eq!((&issued["status"], &issued["overdue"]), (&json!("issued"), &json!(false)));
    id
}

/// Tokens do not live for days.
async fn again(system: &TestSystem, alice: &Person) -> Person {
    let mut person = Person::logged_in(&system.url(), "alice@example.org", PASSWORD).await;
    person.id = alice.id.clone();
    person
}

async fn becomes(system: &TestSystem, owner: &Person, bill: &str, status: &str) -> Value {
    let path = format!("/api/bills/{bill}");
    let mut seen = Value::Null;
    system
        .eventually(&format!("the bill is {status}"), async || {
            seen = owner.get(&path).await.expect(200);
            seen["status"] == status
        })
        .await;
    seen
}

/// What was said of a bill's being overdue.
async fn said(owner: &Person, bill: &str) -> Vec<Value> {
    let path = format!("/api/bills/{bill}/events?limit=100");
    let history = owner.get(&path).await.expect(200);
    let entries = history["data"].as_array().unwrap().iter();
    entries.filter(|entry| entry["name"] == "bill.became_overdue").cloned().collect()
}

both_engines! {
    with &MONEY;

    /// What is not paid in time is overdue, stays so when a part is paid, and is paid in the end.
    async fn a_bill_that_is_not_paid_in_time_is_overdue(system: TestSystem) {
        let alice = system.person("alice").await;
        let bill = due_tomorrow(&system, &alice, 10_000).await;
        let paid = due_tomorrow(&system, &alice, 500).await;
        alice.keyed("p").post("/api/payments", order(&paid, 500, "tok_ok")).await.expect(201);
        becomes(&system, &alice, &paid, "paid").await;
        let part = due_tomorrow(&system, &alice, 800).await;
        alice.keyed("q").post("/api/payments", order(&part, 300, "tok_ok")).await.expect(201);
        becomes(&system, &alice, &part, "partially_paid").await;

        system.advance(2 * DAY).await;
        let alice = again(&system, &alice).await;
        let overdue = becomes(&system, &alice, &bill, "overdue").await;
        assert_eq!((&overdue["overdue"], &overdue["balance_minor"]), (&json!(true), &json!(10_000)));
        assert_eq!(overdue["available_actions"], json!(["pay"]));
        becomes(&system, &alice, &part, "overdue").await;
        let entries = said(&alice, &bill).await;
        let data = &entries[0]["data"];
        assert_eq!((entries.len(), &data["balance_minor"]), (1, &json!(10_000)));
        assert_eq!((&data["number"], &data["due_on"]), (&overdue["number"], &overdue["due_on"]));
        assert!(data["days"].as_i64().unwrap() >= 1, "{data}");
        assert_eq!(alice.get(&format!("/api/bills/{paid}")).await.expect(200)["status"], "paid");
        let listed = alice.get("/api/bills?status=overdue").await.expect(200);
        let listed: Vec<_> = listed["data"].as_array().unwrap().iter().map(|b| &b["id"]).collect();
        assert_eq!(listed, [&json!(part), &json!(bill)]);

        alice.keyed("a").post("/api/payments", order(&bill, 4_000, "tok_ok")).await.expect(201);
        let path = format!("/api/bills/{bill}");
        system.eventually("a part is paid", async || {
            alice.get(&path).await.expect(200)["balance_minor"] == 6_000
        }).await;
        assert_eq!(alice.get(&path).await.expect(200)["status"], "overdue");
        let more = alice.keyed("m").post("/api/payments", order(&bill, 7_000, "tok_ok")).await;
        more.expect_problem(409, "amount_exceeds_available");
        alice.keyed("b").post("/api/payments", order(&bill, 6_000, "tok_ok")).await.expect(201);
        let paid = becomes(&system, &alice, &bill, "paid").await;
        assert_eq!((&paid["overdue"], &paid["settled_minor"]), (&json!(false), &json!(10_000)));
        assert_eq!(said(&alice, &bill).await.len(), 1);
    }

    /// The time comes while nobody is there: it is done at the next start, and once.
    async fn a_bill_becomes_overdue_though_the_process_was_killed(system: TestSystem) {
        let alice = system.person("alice").await;
        let first = due_tomorrow(&system, &alice, 100).await;
        system.kill();
        system.start_again().await;
        system.advance(2 * DAY).await;
        let alice = again(&system, &alice).await;
        becomes(&system, &alice, &first, "overdue").await;

        // The clock goes back with the process, the bill does not.
        system.kill();
        system.start_again().await;
        let alice = again(&system, &alice).await;
        let second = due_tomorrow(&system, &alice, 200).await;
        system.advance(3 * DAY).await;
        let alice = again(&system, &alice).await;
        becomes(&system, &alice, &second, "overdue").await;
        assert_eq!(said(&alice, &first).await.len(), 1);
        let admin = system.admin().await;
        let voided = admin.post(&format!("/api/bills/{second}/void"), json!({})).await.expect(200);
        assert_eq!((&voided["status"], &voided["overdue"]), (&json!("void"), &json!(false)));
    }
}

/// Days of grace count: what is due a day later is overdue a day later.
async fn grace_is_given(engine: Engine) {
    let grace = [("BUSBAR_BILLING_GRACE_DAYS", "2")];
    let system = TestSystem::start_with(engine, &grace).await;
    let alice = system.person("alice").await;
    let (first, second) =
        (due_in(&system, &alice, 0, 100).await, due_in(&system, &alice, 1, 100).await);
    system.advance(3 * DAY).await;
    let alice = again(&system, &alice).await;
    becomes(&system, &alice, &first, "overdue").await;
    let path = format!("/api/bills/{second}");
    assert_eq!(alice.get(&path).await.expect(200)["status"], "issued");
    system.advance(DAY).await;
    let alice = again(&system, &alice).await;
    becomes(&system, &alice, &second, "overdue").await;
    system.finish().await;
}

#[actix_web::test]
async fn grace_is_given_sqlite() {
    grace_is_given(Engine::Sqlite).await;
}

#[actix_web::test]
async fn grace_is_given_postgres() {
    grace_is_given(Engine::Postgres).await;
}
