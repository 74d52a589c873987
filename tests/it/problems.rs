//! Codes that only show when something around a service fails: each is provoked for real.

use busbar::types::{EventId, ServiceName};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::database::Held;
use crate::payments::resolved::{BANK_TAKES, LATE_LOOKS};
use crate::support::orders::order;
use crate::support::postgres::{self, Cluster};
use crate::support::{Engine, Person, TestSystem};

/// As many payments are carried out at the same time by requests, and so many are asked for.
const DRIVEN_MAX: usize = 256;
const PAYMENTS: usize = 260;

/// The database goes away under a running service: readers are told to come again, and the service
/// is back when the database is.
#[actix_web::test]
async fn a_database_that_stops_is_told_as_such() {
    let mut cluster = Cluster::own();
    let url = cluster.database("billing");
    let system =
        TestSystem::start_with(Engine::Sqlite, &[("BILLING_SERVICE_DATABASE_URL", &url)]).await;
    system.expect_faults();
    let admin = system.admin().await;
    admin.get("/api/bills").await.expect(200);

    // The servers of these tests write behind; a real one has it on disk.
    postgres::text(&url, "CHECKPOINT");
    cluster.stop();
    let mut refused = None;
    system
        .eventually("the loss shows", async || {
            let answer = admin.get("/api/bills").await;
            let is_told = answer.code() == "database_unavailable";
            if is_told {
                refused = Some(answer);
            }
            is_told
        })
        .await;
    let refused = refused.unwrap();
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{refused}");
    // Nothing of it is seen next door.
    admin.get("/api/payments").await.expect(200);

    cluster.start();
    let back = async || admin.get("/api/bills").await.status == 200;
    system.eventually("billing is back", back).await;
    system.finish().await;
}

/// More passwords at once than the machine is to hash: some wait, the next one is sent away.
#[actix_web::test]
async fn too_many_passwords_at_once_are_sent_away() {
    let costly = [
        ("BUSBAR_USERS_HASHES_PARALLEL", "1"),
        ("BUSBAR_USERS_HASHES_WAITING_MAX", "1"),
        ("BUSBAR_USERS_ARGON2_MEMORY_KIB", "65536"),
        ("BUSBAR_USERS_ARGON2_ITERATIONS", "8"),
    ];
    let system = TestSystem::start_with(Engine::Sqlite, &costly).await;
    let visitor = system.anonymous();
    let order = |number: usize| json!({"email": format!("n{number}@example.org"), "password": "x"});
    let asked = (0..12).map(|number| visitor.post("/api/auth/login", order(number)));
    let answers = join_all(asked).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.code() == "hashing_busy").collect();
    assert!(!busy.is_empty(), "{answers:?}");
    assert!(busy.iter().all(|busy| busy.status == 503 && !busy.header("retry-after").is_empty()));
    let rest = answers.iter().filter(|answer| answer.code() == "invalid_credentials").count();
    assert_eq!(busy.len() + rest, answers.len(), "{answers:?}");
}

/// An effect that waits for too long is given up, and comes again; the others are taken meanwhile.
#[actix_web::test]
async fn an_effect_that_takes_too_long_is_put_off() {
    let system = TestSystem::prepare_apart(Engine::Postgres);
    system.start_again().await;
    let held = Held::table(&system.database_url(ServiceName::Payments), "inbox");
    let payments = system.internal_as("billing", ServiceName::Payments);
    let told = payments.post("/internal/events", json!([event("1.0", "1")])).await.expect(200);
    let told = &told["results"][0];
    assert_eq!((&told["result"], &told["code"]), (&json!("failed"), &json!("effect_too_slow")));
    drop(held);
    system.finish().await;
}

/// An event of nobody's bill.
fn event(version: &str, sequence: &str) -> Value {
    json!({"specversion": version, "id": EventId::new(), "source": "/busbar/billing",
        "type": "busbar.bill.reopened.v1", "subject": "bill/1", "sequence": sequence,
        "time": "2026-11-01T00:00:00Z", "datacontenttype": "application/json",
        "dataschema": "/schemas/bill.reopened/v1", "partitionkey": "bill/1",
        "correlationid": "x", "actor": "system", "data": {}})
}

/// A row that somebody else holds for too long is no reason to wait for ever.
#[actix_web::test]
async fn a_database_that_is_too_busy_is_told_as_such() {
    let system = TestSystem::prepare_apart(Engine::Postgres);
    let url = system.database_url(ServiceName::Billing);
    let database = url.rsplit('/').next().unwrap();
    postgres::text(&url, &format!("ALTER DATABASE {database} SET lock_timeout = '100ms'"));
    system.start_again().await;
    system.expect_faults();
    let admin = system.admin().await;
    let held = Held::table(&url, "bills");
    let refused = admin.get("/api/bills").await;
    assert_eq!(refused.header("retry-after"), "1", "{refused}");
    refused.expect_problem(503, "database_busy");
    drop(held);
    admin.get("/api/bills").await.expect(200);
    system.finish().await;
}

/// An operator does not end a payment that is being worked on at that moment.
#[actix_web::test]
async fn a_payment_in_hand_is_not_resolved() {
    let system = TestSystem::start_with(Engine::Postgres, &LATE_LOOKS).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    let bill = system.issued_bill(&alice, 4496).await;
    let paid = alice.keyed("k").post("/api/payments", order(&bill, 4496, "tok_timeout_fail")).await;
    let resolve = format!("/api/payments/{}/resolve", paid.expect(201)["id"].as_str().unwrap());
    system.advance(BANK_TAKES).await;
    // Another instance has it.
    let url = system.database_url(ServiceName::Payments);
    let take = "UPDATE jobs SET lease_owner = 'somebody else', lease_until = 9000000000000000
                WHERE state = 'waiting'";
    postgres::text(&url, take);
    let order = json!({"outcome": "failed", "evidence": "the bank says so"});
    let refused = admin.post(&resolve, order.clone()).await;
    refused.expect_problem(409, "payment_in_hand");
    postgres::text(&url, "UPDATE jobs SET lease_owner = NULL, lease_until = 0");
    let resolved = admin.post(&resolve, order).await.expect(200);
    assert_eq!(resolved["status"], "failed");
    system.finish().await;
}

/// More payments at once than are carried out at once: the rest is sent away.
#[actix_web::test]
async fn too_many_payments_at_once_are_sent_away() {
    // Each is stopped before anything is asked, and keeps its place.
    let stopped =
        [("BUSBAR_FAILPOINT", "payments.before_reserve"), ("BUSBAR_JOBS_LEASE_MS", "60000")];
    let system = TestSystem::start_with(Engine::Sqlite, &stopped).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 10_000).await;
    let pay = async |number: usize| {
        let payer = alice.keyed(&format!("k{number}"));
        payer.post("/api/payments", order(&bill, 1, "tok_ok")).await
    };
    let answers = join_all((0..PAYMENTS).map(pay)).await;
    let busy = answers.iter().filter(|answer| answer.code() == "payments_busy");
    let busy: Vec<_> = busy.map(|busy| (busy.status, busy.header("retry-after"))).collect();
    assert_eq!(busy, vec![(503, "1"); PAYMENTS - DRIVEN_MAX]);
    system.kill();
}

/// The service that knows the people is gone: who needs it is told to come again.
#[actix_web::test]
async fn a_service_that_is_needed_and_gone_is_told_as_such() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let others: Vec<_> =
        ServiceName::ALL.into_iter().filter(|name| *name != ServiceName::Users).collect();
    system.spawn(&others, &[]);
    system.spawn(&[ServiceName::Users], &[]);
    system.ready(&ServiceName::ALL).await;
    let (admin, alice) = (system.admin().await, system.person("alice").await);
    // Its keys are known by now.
    admin.get("/api/notifications").await.expect(200);
    system.take_process().kill();
    let forgive = format!("/api/notifications/suppressions/{}", alice.id);
    admin.delete(&forgive).await.expect_problem(503, "peer_unavailable");
    system.kill();
}

/// What is no event is refused for good, and nothing of it is kept.
#[actix_web::test]
async fn an_envelope_that_is_none_is_refused() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let payments = system.internal_as("billing", ServiceName::Payments);
    let result = async |payments: &Person, event: Value| {
        let answer = payments.post("/internal/events", json!([event])).await.expect(200);
        answer["results"][0].clone()
    };
    for wrong in [event("0.3", "1"), event("1.0", "first")] {
        let told = result(&payments, wrong).await;
        assert_eq!((&told["result"], &told["code"]), (&json!("refused"), &json!("event_invalid")));
    }
    system.finish().await;
}
