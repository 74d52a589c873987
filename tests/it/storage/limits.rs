//! `DB_CONNECTION_LIMIT`, `DB_POOL_TIMEOUT_SECONDS`, `DB_CONNECT_TIMEOUT_SECONDS` and the time limit
//! of a statement, by what they do.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use busbar::storage::{Database, Settings, Statement, StoreError, Target, params};
use futures_util::future::{join, join_all};
use tokio::sync::Notify;

use super::{Bench, Engine, account, eventually, insert, opened};
use crate::support::postgres::{self, Cluster};

/// PostgreSQL only: stands for any slow statement.
pub(super) const SLEEP: Statement = Statement::new(
    "SLEEP",
    "SELECT CAST(1 AS BIGINT) AS value FROM pg_sleep(CAST($1 AS DOUBLE PRECISION) / 1000)",
);
const SESSIONS: &str = "SELECT COUNT(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name = 'busbar-test'";

/// How many sessions there ever were while `tasks` asked at once.
async fn sessions_at_most(database: &Database, url: &str, tasks: usize) -> usize {
    let asked = join_all((0..tasks).map(async |_| {
        database.one::<(i64,)>(SLEEP, params![100]).await.unwrap();
    }));
    let done = Notify::new();
    let watch = async {
        let mut most = 0;
        loop {
            let url = url.to_owned();
            let count = tokio::task::spawn_blocking(move || postgres::text(&url, SESSIONS));
            most = most.max(count.await.unwrap().parse().unwrap());
            tokio::select! {
                () = done.notified() => return most,
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    };
    let asked = async {
        asked.await;
        done.notify_one();
    };
    join(asked, watch).await.1
}

/// Never more connections than the limit, and the URL's limit wins over the setting.
#[actix_rt::test]
async fn the_connection_limit_holds() {
    let settings = Settings { connection_limit: 3, ..Settings::default() };
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let bench = Bench::with(engine, settings.clone()).await;
        assert_eq!(sessions_at_most(&bench.database, &bench.url, 12).await, 3);
        let status = bench.database.pool_status();
        assert_eq!((status.max, status.size, status.waiting), (3, 3, 0));

        let url = postgres::database("limit");
        let target = Target::parse(&format!("{url}?connection_limit=2"), Some(&url)).unwrap();
        let two = opened(&target, &bench.settings).await;
        assert_eq!(sessions_at_most(&two, &url, 8).await, 2);
    }
}

on_each_engine! {
    /// Who finds no free connection is told so when the wait is over, and is seen waiting until then.
    async fn the_pool_timeout_ends_the_wait(engine: Engine) {
        let pool_timeout = Duration::from_millis(400);
        let settings = Settings { connection_limit: 1, pool_timeout, ..Settings::default() };
        let bench = Bench::with(engine, settings).await;
        let (held, go_on) = (Notify::new(), Notify::new());
        let holder = bench.database.transaction(async |tx| {
            held.notify_one();
            go_on.notified().await;
            insert(tx, &account("alice", 1)).await
        });
        let waiter = async {
            held.notified().await;
            let started = Instant::now();
            let run = bench.database.transaction(async |tx| insert(tx, &account("bob", 1)).await);
            let seen = eventually("one waits", async || bench.database.pool_status().waiting == 1);
            let (outcome, ()) = join(run, seen).await;
            go_on.notify_one();
            (outcome, started.elapsed())
        };
        let (held, (refused, waited)) = join(holder, waiter).await;
        held.unwrap();
        assert!(matches!(refused, Err(StoreError::PoolTimeout)), "{refused:?}");
        assert!(waited >= pool_timeout, "{waited:?}");
        assert_eq!((bench.count().await, bench.database.pool_status().waiting), (1, 0));
    }

    /// Zero is no limit: who waits gets the connection when it comes free.
    async fn without_a_pool_timeout_one_waits(engine: Engine) {
        let settings =
            Settings { connection_limit: 1, pool_timeout: Duration::ZERO, ..Settings::default() };
        let bench = Bench::with(engine, settings).await;
        let (held, go_on) = (Notify::new(), Notify::new());
        let holder = bench.database.transaction(async |tx| {
            held.notify_one();
            go_on.notified().await;
            insert(tx, &account("alice", 1)).await
        });
        let waiter = async {
            held.notified().await;
            let run = bench.database.transaction(async |tx| insert(tx, &account("bob", 1)).await);
            let seen = async {
                eventually("one waits", async || bench.database.pool_status().waiting == 1).await;
                go_on.notify_one();
            };
            join(run, seen).await.0
        };
        let (first, second) = join(holder, waiter).await;
        assert_eq!((first.unwrap(), second.unwrap()), (1, 1));
    }
}

/// A server that takes connections and never says a word is given up after the connect timeout.
#[actix_rt::test]
async fn the_connect_timeout_ends_a_silent_connection() {
    let silent = TcpListener::bind(("127.0.0.1", postgres::free_port())).unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgresql://u@127.0.0.1:{port}/x");
    let target = Target::parse(&url, None).unwrap();
    let connect_timeout = Duration::from_millis(300);
    let settings = Settings { connect_timeout, ..Settings::default() };
    let database = Database::open("test", &target, &settings).await.unwrap();

    let started = Instant::now();
    let read = database.one::<(i64,)>(super::COUNT, params![]).await.unwrap_err();
    assert!(started.elapsed() >= connect_timeout);
    assert!(matches!(read, StoreError::Unavailable { .. }), "{read}");
    assert!(read.to_string().contains("within 300 ms"), "{read}");
    let migration = database.migrate(super::SCRIPTS).await.unwrap_err();
    assert!(matches!(migration, StoreError::Unavailable { .. }), "{migration}");
    let ping = database.ping(Duration::from_millis(50)).await.unwrap_err();
    assert!(ping.to_string().contains("within 50 ms"), "{ping}");
}

/// The server gives a statement up at its time limit, and the connection serves the next one.
#[actix_rt::test]
async fn a_statement_has_a_time_limit() {
    let statement_timeout = Duration::from_millis(300);
    let settings = Settings { connection_limit: 1, statement_timeout, ..Settings::default() };
    let bench = Bench::with(Engine::Prepared, settings).await;
    let slow = bench.database.one::<(i64,)>(SLEEP, params![60_000]).await.unwrap_err();
    assert!(matches!(slow, StoreError::TooSlow { statement: "SLEEP", .. }), "{slow}");
    bench.database.one::<(i64,)>(SLEEP, params![1]).await.unwrap();
}

/// A role that needs its password gets in with it, and is kept out without; no error shows it.
#[actix_rt::test]
async fn a_password_opens_the_door() {
    let cluster = Cluster::own();
    let url = cluster.database("password");
    postgres::text(&url, "CREATE ROLE guarded LOGIN PASSWORD 'p/s?w@rd'");
    let with = |user: &str| url.replace("//busbar@", &format!("//{user}@"));
    let ping = async |url: String| {
        let target = Target::parse(&url, None).unwrap();
        let database = Database::open("test", &target, &Settings::default()).await.unwrap();
        database.ping(super::PATIENCE).await
    };
    ping(with("guarded:p%2Fs%3Fw%40rd")).await.unwrap();
    let refused = ping(with("guarded:wr0ng-secret")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
    assert!(!format!("{refused:?} {refused}").contains("wr0ng-secret"));
}
