//! Who may ask, and for how much.

use busbar::storage::{Database, Settings, Statement, StoreError, Target, params};
use busbar::types::ServiceName;
use serde_json::json;

use crate::support::person::PASSWORD;
use crate::support::{Engine, Person, TestSystem, both_engines};

use super::{Paying, Tale, fresh, tell};

const REPORTS: [&str; 6] =
    ["dashboard", "revenue", "aging", "payments/success", "collections", "rebuild"];
const LOCK: Statement = Statement::new("LOCK", "LOCK TABLE sums");

both_engines! {
    with &[ServiceName::Users, ServiceName::Analytics];

    /// Reports are for staff; a rebuild is begun by administrators.
    async fn reports_are_for_staff(system: TestSystem) {
        let (admin, alice) = (system.admin().await, system.person("alice").await);
        for what in REPORTS {
            let path = format!("/api/analytics/{what}");
            alice.get(&path).await.expect_problem(403, "insufficient_scope");
            system.anonymous().get(&path).await.expect_problem(401, "unauthenticated");
            admin.get(&path).await.expect(200);
            let direct = alice.at(&system.service_url(ServiceName::Analytics));
            direct.get(&format!("/analytics/{what}")).await.expect_problem(403, "insufficient_scope");
        }
        let begin = "/api/analytics/rebuild";
        alice.post(begin, json!({})).await.expect_problem(403, "insufficient_scope");
        let role = format!("/api/users/{}/roles", alice.id);
        admin.put(&role, json!({"role": "operator"})).await.expect(200);
        let operator = Person::logged_in(&system.url(), "alice@example.org", PASSWORD).await;
        operator.get("/api/analytics/dashboard").await.expect(200);
        operator.post(begin, json!({})).await.expect_problem(403, "insufficient_scope");
    }

    /// What is asked wrongly is refused, and told where.
    async fn a_wrong_question_is_refused(system: TestSystem) {
        let admin = system.admin().await;
        for (query, code, parameter) in [
            ("revenue?from=2025-02-01&to=2025-02-01", "period_invalid", "to"),
            ("collections?from=2025-02-02&to=2025-02-01", "period_invalid", "to"),
            ("payments/success?from=2019-01-01&to=2025-01-01", "period_too_long", "to"),
            ("revenue?from=1999-12-31&to=2000-02-01", "period_too_early", "from"),
            ("aging?as_of=1999-12-31", "period_too_early", "as_of"),
            ("aging?as_of=2999-01-01", "as_of_ahead", "as_of"),
            ("revenue?tz=Mars/Olympus", "timezone_invalid", ""),
            ("revenue?from=2025-02-30", "date_invalid", ""),
            ("revenue?granularity=hour", "granularity_invalid", ""),
            ("revenue?group_by=reason", "group_by_invalid", ""),
            ("payments/success?group_by=currency", "group_by_invalid", ""),
            ("aging?currency=usd", "currency_invalid", ""),
            ("aging?format=pdf", "format_invalid", ""),
            ("dashboard?from=2025-01-01", "unknown_field", ""),
        ] {
            let answer = admin.get(&format!("/api/analytics/{query}")).await;
            let problem = answer.expect_problem(422, code);
            assert_eq!(problem["parameter"].as_str().unwrap_or_default(), parameter, "{problem}");
        }
        let years = "/api/analytics/revenue?from=2020-01-01&to=2025-01-01&tz=America/Chicago";
        admin.get(years).await.expect(200);
    }
}

/// A report has so many rows and no more.
async fn a_report_has_its_bound(engine: Engine) {
    let system = TestSystem::start_with(engine, &[("BUSBAR_ANALYTICS_REPORT_ROWS_MAX", "2")]).await;
    let admin = system.admin().await;
    for day in 1..=3 {
        let id = fresh();
        let paying = Paying { id: &id, ..Paying::default() };
        let at = format!("2025-03-0{day}T00:00:00Z");
        tell(&system, &[Tale::of_payment("succeeded", &paying, &at)]).await;
    }
    let path = |to: u32| format!("/api/analytics/revenue?from=2025-03-01&to=2025-03-0{to}");
    admin.get(&path(3)).await.expect(200);
    let problem = admin.get(&path(4)).await.expect_problem(422, "report_too_large");
    assert_eq!(problem["rows_max"], 2);
    let by_month = format!("{}&granularity=month", path(4));
    assert_eq!(admin.get(&by_month).await.expect(200)["data"][0]["amount_minor"], 300);
    system.finish().await;
}

#[actix_web::test]
async fn a_report_has_its_bound_on_sqlite() {
    a_report_has_its_bound(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_report_has_its_bound_on_postgres() {
    a_report_has_its_bound(Engine::Postgres).await;
}

/// A report that does not come to its end in its time is given up, and says so.
#[actix_web::test]
async fn a_report_has_its_time() {
    let short = [("BUSBAR_ANALYTICS_REPORT_TIMEOUT_MS", "300")];
    let system = TestSystem::start_with(Engine::Postgres, &short).await;
    let admin = system.admin().await;
    let target = Target::parse(&system.database_url(ServiceName::Analytics), None).unwrap();
    let database = Database::open("analytics", &target, &Settings::default()).await.unwrap();
    let held: Result<(), StoreError> = database
        .transaction(async |tx| {
            tx.execute(LOCK, params![]).await?;
            let slow = admin.get("/api/analytics/revenue").await;
            assert_eq!(slow.header("retry-after"), "10", "{slow}");
            slow.expect_problem(503, "report_too_slow");
            Ok(())
        })
        .await;
    held.unwrap();
    database.close().await;
    system
        .eventually("it comes again", async || {
            admin.get("/api/analytics/revenue").await.status == 200
        })
        .await;
}
