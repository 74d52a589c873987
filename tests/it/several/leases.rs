//! Work and events: one of the two does it, and the other when that one is gone.

use std::time::Duration;

use busbar::types::ServiceName::{self, Billing, Payments, Users};
use busbar::types::{Clock, Date};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::house::Twins;
use crate::payments::{bill_is, charges, id_of, payment_is};
use crate::support::orders::{draft, order};
use crate::support::person::PASSWORD;
use crate::support::system::ADMIN_EMAIL;
use crate::support::{Person, postgres};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn on_postgres(twins: &Twins, name: ServiceName, statement: &str) -> String {
    postgres::text(&twins.system.database_url(name), statement)
}

/// The second has the lease of a payment and is killed: the first takes over, and asks the bank before
/// it would charge again.
async fn is_taken_over(point: &str) {
    let twins = Twins::start_with(&[], &[("BUSBAR_FAILPOINT", point)]).await;
    let alice = twins.system.person("alice").await;
    let bill = twins.system.issued_bill(&alice, 4496).await;
    let (payer, body) = (twins.at(&alice, Payments, 1).keyed("k"), order(&bill, 4496, "tok_ok"));
    let sent = body.to_string();
    actix_rt::spawn(async move {
        drop(payer.try_send(awc::http::Method::POST, "/payments", Some(sent)).await);
    });
    twins.second_has_told(&format!("failpoint reached: {point}")).await;
    let held = "SELECT COUNT(*) FROM jobs WHERE state = 'waiting' AND lease_owner IS NOT NULL";
    assert_ne!(on_postgres(&twins, Payments, held), "0", "the second holds the lease");
    twins.kill_second();

    let payer = alice.keyed("k");
    let mut paid = Value::Null;
    twins
        .system
        .eventually("the key is answered", async || {
            let answer = payer.post("/api/payments", body.clone()).await;
            let is_answered = answer.status == 201;
            paid = answer.json;
            is_answered
        })
        .await;
    let id = id_of(&paid);
    payment_is(&twins.system, &alice, &id, "succeeded").await;
    bill_is(&twins.system, &alice, &bill, "paid").await;
    assert_eq!(charges(&twins.system.admin().await, &id).await.len(), 1);
    let listed = alice.get("/api/payments").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    twins.finish().await;
}

#[actix_web::test]
async fn a_payment_is_taken_over_before_the_charge() {
    is_taken_over("payments.before_connector").await;
}

#[actix_web::test]
async fn a_payment_is_taken_over_after_the_charge() {
    is_taken_over("payments.after_connector").await;
}

/// The second renders an invoice and is killed: the first makes it, once.
#[actix_web::test]
async fn a_document_is_taken_over() {
    let point = ("BUSBAR_FAILPOINT", "documents.rendered");
    let twins = Twins::start_with(&[], &[point]).await;
    let alice = twins.system.person("alice").await;
    let mut bills = Vec::new();
    let stands = || twins.second_log().iter().any(|line| line.contains("failpoint reached"));
    while !stands() {
        bills.push(twins.system.issued_bill(&alice, 100).await);
    }
    twins.kill_second();
    for bill in &bills {
        let path = format!("/api/documents?subject=bill/{bill}&kind=invoice");
        let papers = async || {
            let listed = alice.get(&path).await.expect(200);
            listed["data"].as_array().unwrap().len()
        };
        twins.system.eventually("it is made", async || papers().await >= 1).await;
        assert_eq!(papers().await, 1);
    }
    twins.finish().await;
}

/// Every event takes effect once at each listener, while both relay and both listen; and when one of
/// them is killed in the middle of it.
#[actix_web::test]
async fn an_event_takes_effect_once() {
    const BILLS: usize = 30;
    let twins = Twins::start().await;
    let (system, admin) = (&twins.system, twins.system.admin().await);
    let alice = system.person("alice").await;
    let issue = |number: usize| {
        let staff = twins.at(&admin, Billing, number);
        let body = draft(&alice.id, 100);
        async move {
            let id = id_of(&staff.post("/bills", body).await.expect(201));
            let path = format!("/bills/{id}/issue");
            staff.keyed(&id).post(&path, json!({})).await.expect(200);
            id
        }
    };
    let bills: Vec<String> = join_all((0..BILLS).map(issue)).await;
    twins.kill_second();
    for bill in &bills[..5] {
        let payer = alice.keyed(bill);
        payer.post("/api/payments", order(bill, 100, "tok_ok")).await.expect(201);
    }
    twins.spawn_second(&[]);
    twins.second_is_ready().await;
    let pay = |(number, bill): (usize, &String)| {
        let payer = twins.at(&alice, Payments, number).keyed(bill);
        let order = order(bill, 100, "tok_ok");
        async move { payer.post("/payments", order).await.expect(201) }
    };
    join_all(bills.iter().enumerate().skip(5).map(pay)).await;
    for bill in &bills {
        bill_is(system, &alice, bill, "paid").await;
    }
    // Every service that publishes has nothing left, and everybody has heard each once.
    for name in ServiceName::domain() {
        let pending = "SELECT COUNT(*) FROM deliveries WHERE state <> 'delivered'";
        let all = async || on_postgres(&twins, name, pending) == "0";
        system.eventually(&format!("{name}'s events have arrived"), all).await;
    }
    for template in ["bill_issued", "payment_succeeded"] {
        let mut count = 0;
        let mut page = "/api/notifications?limit=100".to_owned();
        loop {
            let listed = alice.get(&page).await.expect(200);
            let notices = listed["data"].as_array().unwrap().iter();
            count += notices.filter(|notice| notice["template"] == template).count();
            let Some(next) = listed["next_cursor"].as_str() else { break };
            page = format!("/api/notifications?limit=100&cursor={next}");
        }
        assert_eq!(count, BILLS, "{template}");
    }
    twins.finish().await;
}

/// The time of a bill comes at both instances: it becomes overdue once.
#[actix_web::test]
async fn a_timer_runs_once() {
    let twins = Twins::start().await;
    let (system, admin) = (&twins.system, twins.system.admin().await);
    let alice = system.person("alice").await;
    let mut bills = Vec::new();
    for _ in 0..6 {
        let mut body = draft(&alice.id, 100);
        body["due_on"] = json!(Date::of(Clock::system().now()).plus_days(1).unwrap());
        let id = id_of(&admin.post("/api/bills", body).await.expect(201));
        let path = format!("/api/bills/{id}/issue");
        admin.keyed(&id).post(&path, json!({})).await.expect(200);
        bills.push(id);
    }
    // Each process has a clock of its own.
    let order = json!({"milliseconds": u64::try_from((3 * DAY).as_millis()).unwrap()});
    let inside = system.internal(Billing);
    for instance in 0..2 {
        twins
            .at(&inside, Billing, instance)
            .post("/internal/clock", order.clone())
            .await
            .expect(204);
    }
    // The gateway is not that far, and would not take a token of tomorrow.
    let visitor = twins.at(&system.anonymous(), Users, 0);
    let login = async |email: &str| {
        let order = json!({"email": email, "password": PASSWORD});
        let tokens = visitor.post("/auth/login", order).await.expect(200);
        Person::with_token(&visitor.base, tokens["access_token"].as_str().unwrap())
    };
    let alice = login("alice@example.org").await;
    for (number, bill) in bills.iter().enumerate() {
        let (at, path) = (twins.at(&alice, Billing, number), format!("/bills/{bill}"));
        let overdue = async || at.get(&path).await.expect(200)["status"] == "overdue";
        system.eventually("it is overdue", overdue).await;
    }
    let said = "SELECT COUNT(*) FROM outbox WHERE kind = 'bill.became_overdue'";
    assert_eq!(on_postgres(&twins, Billing, said), "6");
    let staff = twins.at(&login(ADMIN_EMAIL).await, Payments, 1);
    let invariants = staff.get("/admin/invariants").await.expect(200);
    assert_eq!(invariants["ok"], true, "{invariants}");
}
