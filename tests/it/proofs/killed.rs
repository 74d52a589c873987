//! The process is killed under load, with deliveries and mails pending, and started again: whatever
//! was answered with success is there, and everything else comes to its end once.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use awc::http::Method;
use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::orders::order;
use crate::support::{Engine, Person, TestSystem};
use crate::webhooks::house::{LOOPBACK, Receiver, id, webhook};

const PAYERS: usize = 4;
const BILLED: i64 = 100_000;
/// Payments that were answered before the process is killed.
const PAID: usize = 8;

/// How long a delivery may take; one that was under way goes on that much later, and a bit.
const SOON: (&str, &str) = ("BUSBAR_WEBHOOKS_TIMEOUT_MS", "5000");
/// More than the wait after the second failure of a delivery.
const NEXT_TRY: Duration = Duration::from_secs(6 * 60 + 1);

/// Keys that were used, and payments that were answered with success.
#[derive(Default)]
struct Books {
    keys: usize,
    unanswered: Vec<String>,
    paid: Vec<String>,
}

/// One customer, who pays a cent again and again until nobody answers.
async fn pay(alice: Person, bill: String, payer: usize, books: Rc<RefCell<Books>>) {
    for number in 0.. {
        books.borrow_mut().keys += 1;
        let key = format!("{payer}-{number}");
        let body = order(&bill, 1, "tok_ok").to_string();
        match alice.keyed(&key).try_send(Method::POST, "/api/payments", Some(body)).await {
            Ok(answer) => books.borrow_mut().paid.push(id(&answer.expect(201))),
            Err(_) => return books.borrow_mut().unanswered.push(key),
        }
    }
}

async fn nothing_is_lost(engine: Engine) {
    let system = TestSystem::prepare_apart(engine);
    system.launch_with(&[LOOPBACK, SOON]).await;
    let (alice, staff) = (system.person("alice").await, system.admin().await);
    let bill = system.issued_bill(&alice, BILLED).await;
    let receiver = Receiver::answering(&["503 Service Unavailable"]);
    let made = webhook(&staff, &receiver.url(), &["payment.succeeded"]).await;
    let books = Rc::<RefCell<Books>>::default();
    let paying = |payer| actix_rt::spawn(pay(alice.clone(), bill.clone(), payer, books.clone()));
    let paying: Vec<_> = (0..PAYERS).map(paying).collect();
    let enough = async || books.borrow().paid.len() >= PAID;
    system
        .eventually("payments are answered, and deliveries pend", async || {
            enough().await && !receiver.heard().is_empty()
        })
        .await;
    system.kill();
    for task in paying {
        task.await.unwrap();
    }

    receiver.answer("200 OK");
    system.launch_with(&[LOOPBACK, SOON]).await;
    let books = books.take();
    let payments = is_paid_once(&system, &alice, &bill, &books).await;
    is_delivered(&system, &id(&made), &receiver, &payments).await;
    let staff = system.admin().await;
    is_effective_once(&system, &alice, payments.len()).await;
    system
        .eventually("every payment has its mail, once", async || {
            let path = format!("/api/notifications?user_id={}&channel=email&limit=100", alice.id);
            let mails = staff.get(&path).await.expect(200)["data"].as_array().unwrap().clone();
            let receipts = mails.iter().filter(|mail| mail["template"] == "payment_succeeded");
            let (sent, others): (Vec<_>, Vec<_>) =
                receipts.partition(|mail| mail["status"] == "sent");
            assert!(sent.len() + others.len() <= payments.len(), "{sent:?} {others:?}");
            sent.len() == payments.len()
        })
        .await;
    system.finish().await;
}

/// What was answered with success has succeeded. A key that was not answered is asked for again: each
/// stands for one payment. All payments.
async fn is_paid_once(
    system: &TestSystem,
    alice: &Person,
    bill: &str,
    books: &Books,
) -> BTreeSet<String> {
    for payment in &books.paid {
        let found = alice.get(&format!("/api/payments/{payment}")).await.expect(200);
        assert_eq!(found["status"], "succeeded", "{payment} was answered with success");
    }
    for key in &books.unanswered {
        let again = async || {
            let body = order(bill, 1, "tok_ok");
            let answer = alice.keyed(key).post("/api/payments", body).await;
            assert!(answer.status == 201 || answer.code() == "idempotency_in_flight", "{answer}");
            answer.status == 201
        };
        system.eventually("what was cut off is answered", again).await;
    }
    let listed = async || {
        let path = "/api/payments?limit=100";
        alice.get(path).await.expect(200)["data"].as_array().unwrap().clone()
    };
    system
        .eventually("every payment has come to its end", async || {
            listed().await.iter().all(|payment| payment["status"] == "succeeded")
        })
        .await;
    let payments: BTreeSet<String> = listed().await.iter().map(id).collect();
    assert_eq!(payments.len(), books.keys, "one for each key");
    assert!(books.paid.iter().all(|paid| payments.contains(paid)));
    let left = BILLED - i64::try_from(payments.len()).unwrap();
    let is_known = async || {
        let bill = alice.get(&format!("/api/bills/{bill}")).await.expect(200);
        assert!(bill["balance_minor"].as_i64().unwrap() >= left, "{bill}");
        bill["balance_minor"] == left
    };
    system.eventually("the bill knows each once", is_known).await;
    payments
}

/// The endpoint hears of each payment, under one id.
async fn is_delivered(
    system: &TestSystem,
    webhook: &str,
    receiver: &Receiver,
    payments: &BTreeSet<String>,
) {
    let (path, staff) = (format!("/api/webhooks/{webhook}/deliveries"), system.admin().await);
    let all = async || {
        let path = format!("{path}?limit=100");
        staff.get(&path).await.expect(200)["data"].as_array().unwrap().clone()
    };
    system.eventually("each has its delivery", async || all().await.len() >= payments.len()).await;
    // What has failed before and behind the fall waits for minutes: it is there, and no earlier.
    let waits = |delivery: &&Value| {
        let failures = delivery["attempts_made"].as_u64().unwrap();
        delivery["status"] == "pending" && failures >= 2
    };
    system
        .eventually("no delivery is left but by schedule", async || {
            all().await.iter().all(|delivery| delivery["status"] == "delivered" || waits(&delivery))
        })
        .await;
    let waiting = all().await.iter().filter(waits).count();
    println!("of {} deliveries {waiting} wait for their third try", payments.len());
    system.advance_of(ServiceName::Webhooks, NEXT_TRY).await;
    let staff = system.admin().await;
    system
        .eventually("no delivery is left", async || {
            staff.get(&format!("{path}?status=pending")).await.expect(200)["data"] == json!([])
        })
        .await;
    let heard = receiver.heard();
    let ids: BTreeSet<String> = heard.iter().map(|it| it.field("webhook-id")).collect();
    let bodies = heard.iter().map(|it| serde_json::from_slice::<Value>(&it.body).unwrap());
    let told: BTreeSet<String> =
        bodies.map(|event| event["data"]["payment_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((&told, ids.len()), (payments, payments.len()), "each under one id");
}

/// Those who hear of payments have done what is theirs, for each of them once; nothing is stuck.
async fn is_effective_once(system: &TestSystem, alice: &Person, payments: usize) {
    let subjects = async || {
        let path = "/api/documents?kind=receipt&limit=100";
        let papers = alice.get(path).await.expect(200)["data"].as_array().unwrap().clone();
        papers.iter().map(|paper| paper["subject"].to_string()).collect::<Vec<_>>()
    };
    system
        .eventually("every payment has its receipt, once", async || {
            let subjects = subjects().await;
            assert!(subjects.len() <= payments, "{subjects:?}");
            let different: BTreeSet<_> = subjects.iter().collect();
            different.len() == payments
        })
        .await;
    let staff = system.admin().await;
    system
        .eventually("every payment is counted, once", async || {
            let told = staff.get("/api/analytics/dashboard").await.expect(200);
            let succeeded = told["payments"]["succeeded"].as_u64().unwrap();
            assert!(succeeded <= payments as u64, "{told}");
            succeeded == payments as u64 && told["payments"]["in_process"] == 0
        })
        .await;
    for service in ServiceName::domain() {
        let sent = async || system.figure(service, "busbar_outbox_pending").await == 0.0;
        system.eventually(&format!("{service}: every event has arrived"), sent).await;
        for stuck in ["busbar_outbox_parked", "busbar_jobs_dead"] {
            assert_eq!(system.figure(service, stuck).await, 0.0, "{service}: {stuck}");
        }
    }
}

#[actix_web::test]
async fn nothing_is_lost_sqlite() {
    nothing_is_lost(Engine::Sqlite).await;
}

#[actix_web::test]
async fn nothing_is_lost_postgres() {
    nothing_is_lost(Engine::Postgres).await;
}
