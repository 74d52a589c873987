//! One text brings both engines up to date, once.

use busbar::storage::{Database, Script, Settings, Statement, StoreError, Target, params};
use futures_util::future::join_all;

use super::{Bench, Engine, SCRIPTS, account, opened};
use crate::support::postgres;

on_each_engine! {
    /// The second time there is nothing to do, and what is there stays.
    async fn twice_is_once(engine: Engine) {
        let bench = Bench::new(engine).await;
        bench.add_accounts(&[account("alice", 1)]).await;
        bench.database.migrate(SCRIPTS).await.unwrap();
        assert_eq!(bench.count().await, 1);
    }

    /// A script that was changed after it was applied is refused by name.
    async fn a_changed_script_is_refused(engine: Engine) {
        let bench = Bench::new(engine).await;
        let changed = [SCRIPTS[0], Script { text: "SELECT 1;", ..SCRIPTS[1] }];
        let refused = bench.database.migrate(&changed).await.unwrap_err();
        assert!(matches!(refused, StoreError::Migration { .. }));
        let told = refused.to_string();
        assert!(told.contains("2 entries is not the text that was applied"), "{told}");
    }

    /// The release before may start again after the next one has migrated, and a lower number may
    /// come later: two folders go into one database.
    async fn unknown_and_late_versions_are_let_be(engine: Engine) {
        let bench = Bench::new(engine).await;
        let next = [Script { version: 100, name: "next", text: "CREATE TABLE next (id TEXT);" }];
        bench.database.migrate(&next).await.unwrap();
        bench.database.migrate(SCRIPTS).await.unwrap();
        let late = [Script { version: 3, name: "late", text: "CREATE TABLE late (id TEXT);" }];
        bench.database.migrate(&late).await.unwrap();
    }

    /// A script that fails leaves nothing of itself, and is named; the earlier ones stay.
    async fn a_failing_script_is_rolled_back(engine: Engine) {
        let bench = Bench::new(engine).await;
        let script = |text| [Script { version: 3, name: "more", text }];
        let broken = script("CREATE TABLE more (id TEXT); INSERT INTO absent VALUES (1);");
        let error = bench.database.migrate(&broken).await.unwrap_err().to_string();
        assert!(error.contains("3 more: ") && error.contains("absent"), "{error}");
        bench.database.migrate(&script("CREATE TABLE more (id TEXT);")).await.unwrap();
    }
}

/// Several processes that start at once apply each script once.
#[actix_rt::test]
async fn migrators_wait_for_each_other() {
    let url = postgres::database("race");
    let target = Target::parse(&url, None).unwrap();
    let start = async || {
        let database = Database::open("test", &target, &Settings::default()).await.unwrap();
        database.migrate(SCRIPTS).await
    };
    for outcome in join_all((0..6).map(|_| start())).await {
        outcome.unwrap();
    }
    assert_eq!(postgres::text(&url, "SELECT COUNT(*) FROM _sqlx_migrations"), "2");
    let locks = "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory'
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(postgres::text(&url, locks), "0");
}

/// Services that share a database have a schema each, made when it is missing.
#[actix_rt::test]
async fn a_schema_keeps_services_apart() {
    const WHERE: Statement = Statement::new(
        "WHERE",
        "SELECT CAST(schemaname AS TEXT) AS value FROM pg_tables WHERE tablename = 'accounts'
         AND schemaname = current_schema()",
    );
    let url = postgres::database("schema");
    for schema in ["users", "payments", "public"] {
        let target = Target::parse(&format!("{url}?schema={schema}"), None).unwrap();
        let database = opened(&target, &Settings::default()).await;
        let (found,): (String,) = database.one(WHERE, params![]).await.unwrap();
        assert_eq!(found, schema);
    }
}
