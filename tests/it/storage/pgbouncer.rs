//! `DB_USE_PGBOUNCER`, with a real PgBouncer in transaction mode.

use busbar::storage::{Database, Settings, StoreError, Target, params};
use futures_util::future::join_all;

use super::{Account, BY_ID, Balance, COUNT, account, add, insert, opened};
use crate::support::pgbouncer::PgBouncer;
use crate::support::postgres::Cluster;

/// Statements and transactions of many tasks get through two server connections, and migrations
/// go around.
#[actix_rt::test]
async fn unnamed_statements_work_through_pgbouncer() {
    const TASKS: i64 = 8;
    const ROUNDS: i64 = 15;
    let cluster = Cluster::own();
    let direct = cluster.database("pgbouncer");
    let bouncer = PgBouncer::before(&direct).await;
    let pooled = format!("{}?pgbouncer=true&connection_limit={TASKS}", bouncer.url(&direct));
    let target = Target::parse(&pooled, Some(&direct)).unwrap();
    let database = opened(&target, &Settings::default()).await;
    let run = database.transaction(async |tx| insert(tx, &account("a", 0)).await);
    run.await.unwrap();

    let tasks = (0..TASKS).map(async |task| {
        for round in 0..ROUNDS {
            let id = format!("{task}-{round}");
            let run = database.transaction(async |tx| {
                insert(tx, &account(&id, 1)).await?;
                add(tx, "a", 1).await
            });
            run.await.unwrap();
            let read: Account = database.one(BY_ID, params![id]).await.unwrap();
            assert_eq!(read.balance, Balance(1, "USD".into()));
        }
    });
    join_all(tasks).await;

    let (count,): (i64,) = database.one(COUNT, params![]).await.unwrap();
    let a: Account = database.one(BY_ID, params!["a"]).await.unwrap();
    assert_eq!((count, a.balance.0), (1 + TASKS * ROUNDS, TASKS * ROUNDS));
    let clash = database.transaction(async |tx| insert(tx, &account("a", 0)).await);
    assert!(matches!(clash.await, Err(StoreError::Unique { .. })));
}

/// Without the setting prepared statements get lost between the server's connections. The error
/// says what to set: this is what the setting is for.
#[actix_rt::test]
async fn without_the_setting_the_error_names_it() {
    let cluster = Cluster::own();
    let direct = cluster.database("pgbouncer");
    let bouncer = PgBouncer::before(&direct).await;
    opened(&Target::parse(&direct, None).unwrap(), &Settings::default()).await;
    // The time limit of a statement travels as a start-up option, which PgBouncer refuses.
    let target = Target::parse(&bouncer.url(&direct), None).unwrap();
    let database = Database::open("test", &target, &Settings::default()).await.unwrap();
    let refused = database.one::<(i64,)>(COUNT, params![]).await.unwrap_err().to_string();
    assert!(refused.contains("DB_USE_PGBOUNCER"), "{refused}");
}

/// What cannot work behind PgBouncer is refused before anything is asked.
#[actix_rt::test]
async fn what_cannot_work_is_refused_at_the_start() {
    let settings = Settings { use_pgbouncer: true, ..Settings::default() };
    for (url, direct, part) in [
        ("postgresql://u@127.0.0.1:6432/x", None, "DIRECT_URL"),
        (
            "postgresql://u@127.0.0.1:6432/x?schema=app",
            Some("postgresql://u@127.0.0.1:5432/x?schema=app"),
            "ALTER ROLE u SET search_path = app",
        ),
    ] {
        let target = Target::parse(url, direct).unwrap();
        let Err(error) = Database::open("users", &target, &settings).await else {
            panic!("{url} was opened");
        };
        assert!(matches!(error, StoreError::Misconfigured { .. }));
        assert!(error.to_string().contains(part), "{error}");
    }
    let without = Target::parse("postgresql://u@127.0.0.1:6432/x", None).unwrap();
    assert!(Database::open("users", &without, &Settings::default()).await.is_ok());
}
