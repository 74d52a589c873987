//! Facts that are built anew are the same facts.

use std::time::Duration;

use busbar::storage::{Database, Settings, Statement, StoreError, Target, params};
use busbar::types::ServiceName;
use serde_json::{Value, json};

use crate::support::{Engine, Person, TestSystem, both_engines};

use super::{Paying, Tale, figures, fresh, report, tell, tell_many};

const ALL: [&str; 5] = [
    "dashboard",
    "revenue?from=2025-01-01&to=2026-01-01&group_by=provider",
    "aging?as_of=2025-06-30",
    "payments/success?from=2025-01-01&to=2026-01-01&group_by=reason",
    "collections?from=2025-01-01&to=2026-01-01&tz=Asia/Kolkata",
];
/// Longer than what is left behind is kept.
const LEFT_FOR: Duration = Duration::from_secs(130);
const LEFT: Statement = Statement::new(
    "LEFT",
    "SELECT COUNT(*) AS value FROM sums WHERE generation <
         (SELECT generation FROM generations WHERE state = 'active')",
);
const UNHEARD: Statement = Statement::new(
    "UNHEARD",
    "UPDATE sources SET heard_at = NULL, newest_at = NULL WHERE lag_us >= 0",
);
const FORGET: Statement = Statement::new("FORGET", "DELETE FROM sums WHERE items > 0");

async fn all(admin: &Person) -> Vec<Value> {
    let mut told = Vec::new();
    for what in ALL {
        told.push(figures(admin, what).await);
    }
    told
}

/// Bills, each issued and most of them paid or not: five events for two bills.
fn tales(count: usize) -> (Vec<Tale>, Vec<Tale>) {
    let (mut billing, mut payments) = (Vec::new(), Vec::new());
    for n in 0..count {
        let (bill, id) = (fresh(), fresh());
        let at = format!("2025-{:02}-{:02}T{:02}:20:00Z", 1 + n % 6, 1 + n % 28, n % 24);
        let minor = 100 + i64::try_from(n).unwrap();
        billing.push(Tale::issued(&bill, ["river", "hill"][n % 2], minor, "2025-03-01", &at));
        let paying = Paying { id: &id, bill: &bill, minor, ..Paying::default() };
        payments.push(Tale::of_payment("created", &paying, &at));
        let end = if n % 3 == 0 { "failed" } else { "succeeded" };
        payments.push(Tale::of_payment(end, &paying, &at));
    }
    (billing, payments)
}

async fn is_rebuilt(system: &TestSystem, admin: &Person, generation: i64) {
    system
        .eventually("the rebuild is in use", async || {
            let state = report(admin, "rebuild").await;
            state["is_rebuilding"] == false && state["generation"] == generation
        })
        .await;
}

both_engines! {
    with &[ServiceName::Users, ServiceName::Analytics];

    /// Events go on coming, the process is killed: what comes into use is the same as before, with
    /// what came meanwhile.
    async fn a_rebuild_comes_to_the_same_figures(system: TestSystem) {
        let admin = system.admin().await;
        let (billing, payments) = tales(200);
        tell_many(&system, &billing).await;
        tell_many(&system, &payments).await;
        system.eventually("the administrator is counted", async || {
            report(&admin, "dashboard").await["total_users"] == 1
        }).await;
        let before = all(&admin).await;

        let begun = admin.post("/api/analytics/rebuild", json!({})).await.expect(202);
        assert_eq!((&begun["generation"], &begun["is_rebuilding"]), (&json!(1), &json!(true)));
        system.kill();
        system.start_again().await;
        assert_eq!(all(&admin).await, before, "reports are read from the old facts meanwhile");
        let (late_billing, late_payments) = tales(7);
        tell(&system, &late_payments).await;
        tell(&system, &late_billing).await;
        let with_late = all(&admin).await;
        assert_ne!(with_late, before);
        is_rebuilt(&system, &admin, 2).await;
        assert_eq!(all(&admin).await, with_late);
        assert_eq!(tell(&system, &late_payments[..1]).await, ["duplicate"]);
        assert_eq!(all(&admin).await, with_late);

        // Once more, beside what was left behind.
        admin.post("/api/analytics/rebuild", json!({})).await.expect(202);
        is_rebuilt(&system, &admin, 3).await;
        assert_eq!(all(&admin).await, with_late);
        let events = system.figure(ServiceName::Analytics, "busbar_analytics_rebuilt_events_total");
        assert!(events.await >= 614.0);
    }

    /// Two who ask for a rebuild get the same one.
    async fn one_rebuild_at_a_time(system: TestSystem) {
        let admin = system.admin().await;
        let (billing, _) = tales(150);
        tell_many(&system, &billing).await;
        let begin = || admin.post("/api/analytics/rebuild", json!({}));
        let both = futures_util::future::join(begin(), begin()).await;
        let (one, other) = (both.0.expect(202), both.1.expect(202));
        let built = |answer: &Value| {
            let building = answer["building"]["generation"].as_i64();
            building.or_else(|| answer["generation"].as_i64())
        };
        assert!(built(&one) >= Some(2) && built(&other) >= Some(2), "{one} {other}");
        system.eventually("no rebuild is under way", async || {
            report(&admin, "rebuild").await["is_rebuilding"] == false
        }).await;
    }
}

/// Facts that were lost are there again, and those that are left behind are deleted.
#[actix_web::test]
async fn lost_facts_come_again_and_old_ones_go() {
    let system = TestSystem::start(Engine::Postgres).await;
    let admin = system.admin().await;
    let (billing, payments) = tales(20);
    tell_many(&system, &billing).await;
    tell_many(&system, &payments).await;
    let before = figures(&admin, ALL[1]).await;
    assert_ne!(before["data"], json!([]));
    let target = Target::parse(&system.database_url(ServiceName::Analytics), None).unwrap();
    let database = Database::open("analytics", &target, &Settings::default()).await.unwrap();
    let forget = database.transaction(async |tx| tx.execute(FORGET, params![]).await);
    let forgotten: Result<u64, StoreError> = forget.await;
    assert!(forgotten.unwrap() > 0);
    assert_eq!(figures(&admin, ALL[1]).await["data"], json!([]));

    admin.post("/api/analytics/rebuild", json!({})).await.expect(202);
    is_rebuilt(&system, &admin, 2).await;
    assert_eq!(figures(&admin, ALL[1]).await, before);
    admin.post("/api/analytics/rebuild", json!({})).await.expect(202);
    is_rebuilt(&system, &admin, 3).await;
    system.advance(LEFT_FOR).await;
    system
        .eventually("what was left behind is gone", async || {
            let (left,): (i64,) = database.one(LEFT, params![]).await.unwrap();
            left == 0
        })
        .await;
    assert_eq!(figures(&admin, ALL[1]).await, before);
    database.close().await;
    system.finish().await;
}

/// Events that an earlier release heard and made nothing of are gone through at the start.
#[actix_web::test]
async fn what_was_heard_before_is_caught_up_with() {
    let system = TestSystem::start(Engine::Postgres).await;
    let admin = system.admin().await;
    let (billing, payments) = tales(10);
    tell_many(&system, &billing).await;
    tell_many(&system, &payments).await;
    let before = figures(&admin, ALL[1]).await;
    let target = Target::parse(&system.database_url(ServiceName::Analytics), None).unwrap();
    system.kill();
    let database = Database::open("analytics", &target, &Settings::default()).await.unwrap();
    let forget = database.transaction(async |tx| {
        tx.execute(UNHEARD, params![]).await?;
        tx.execute(FORGET, params![]).await
    });
    let forgotten: Result<u64, StoreError> = forget.await;
    assert!(forgotten.unwrap() > 0);
    database.close().await;

    system.start_again().await;
    is_rebuilt(&system, &admin, 2).await;
    assert_eq!(figures(&admin, ALL[1]).await, before);
    system.finish().await;
}
