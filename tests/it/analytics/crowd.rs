//! However many reports are asked for at once, what else the service does goes on.

use busbar::storage::{Database, Settings, Statement, StoreError, Target, params};
use busbar::types::ServiceName;
use futures_util::future::{join, join_all};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};

use crate::support::{Engine, Person, TestSystem, postgres};

use super::{Tale, fresh, tell};

const SERVICES: [ServiceName; 2] = [ServiceName::Users, ServiceName::Analytics];
/// More than the connections of either engine here.
const CROWD: usize = 12;
const CROWDS: usize = 5;
const LOCK: Statement = Statement::new("LOCK", "LOCK TABLE sums");
/// Days of many providers: more than can be added up in the ten milliseconds that a report gets.
const FILL: &str = "INSERT INTO sums (generation, span, kind, at, currency, provider_id, method,
        reason, items, amount_minor)
    WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < 399999)
    SELECT 1, 86400, 'succeeded', (n % 1000) * 86400000000, 'USD',
        'p-' || CAST(n / 1000 AS TEXT), 'sim', '', 1, 1
    FROM counted";

/// Each is answered, and told when to ask again: through the gateway, too.
async fn crowd(admin: &Person) {
    let ask = || admin.get("/api/analytics/dashboard");
    for answer in join_all((0..CROWD).map(|_| ask())).await {
        assert_eq!(answer.header("retry-after"), "10", "{answer}");
        answer.expect_problem(503, "report_too_slow");
    }
}

/// Health, what is told of rebuilds, and events.
async fn all_else(system: &TestSystem, admin: &Person) {
    let direct = admin.at(&system.service_url(ServiceName::Analytics));
    direct.get("/health/ready").await.expect(200);
    assert_eq!(direct.get("/health").await.expect(200)["status"], "UP");
    assert_eq!(admin.get("/api/analytics/rebuild").await.expect(200)["is_rebuilding"], false);
    let event = Tale::of_user("registered", &fresh(), 1);
    assert_eq!(tell(system, &[event]).await, ["accepted"]);
}

async fn fill(engine: Engine, system: &TestSystem) {
    if engine == Engine::Postgres {
        postgres::text(&system.database_url(ServiceName::Analytics), FILL);
        return;
    }
    let file = system.folder().join("data/analytics.sqlite3");
    let options = SqliteConnectOptions::new().filename(file);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    connection.execute(FILL).await.unwrap();
    connection.close().await.unwrap();
}

async fn a_crowd_of_reports_holds_up_nothing(engine: Engine) {
    let system = TestSystem::hosting(engine, &SERVICES);
    system.start_again().await;
    system.kill();
    fill(engine, &system).await;
    system.launch_with(&[("BUSBAR_ANALYTICS_REPORT_TIMEOUT_MS", "10")]).await;
    let admin = system.admin().await;
    for _ in 0..CROWDS {
        join(crowd(&admin), all_else(&system, &admin)).await;
    }
    let path = "/api/analytics/aging";
    system.eventually("a small report is made", async || admin.get(path).await.status == 200).await;
    system.finish().await;
}

#[actix_web::test]
async fn a_crowd_of_reports_holds_up_nothing_on_sqlite() {
    a_crowd_of_reports_holds_up_nothing(Engine::Sqlite).await;
}

#[actix_web::test]
async fn a_crowd_of_reports_holds_up_nothing_on_postgres() {
    a_crowd_of_reports_holds_up_nothing(Engine::Postgres).await;
}

/// Reports that nobody waits for any more, and whose statements go on, leave connections to others.
#[actix_web::test]
async fn reports_that_hang_hold_up_nothing() {
    let few = [("BUSBAR_ANALYTICS_REPORT_TIMEOUT_MS", "300"), ("DB_CONNECTION_LIMIT", "6")];
    let system = TestSystem::hosting(Engine::Postgres, &SERVICES);
    system.launch_with(&few).await;
    let admin = system.admin().await;
    let target = Target::parse(&system.database_url(ServiceName::Analytics), None).unwrap();
    let database = Database::open("analytics", &target, &Settings::default()).await.unwrap();
    let held: Result<(), StoreError> = database
        .transaction(async |tx| {
            tx.execute(LOCK, params![]).await?;
            crowd(&admin).await;
            all_else(&system, &admin).await;
            Ok(())
        })
        .await;
    held.unwrap();
    database.close().await;
    let path = "/api/analytics/dashboard";
    system.eventually("it comes again", async || admin.get(path).await.status == 200).await;
    system.finish().await;
}
