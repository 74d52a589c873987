//! Transactions that are dropped half way, as a deadline or a forced stop does.

use std::cell::Cell;
use std::time::Duration;

use busbar::storage::{Database, Settings, StoreError, Target, Transaction, params};
use futures_util::future::join_all;
use tokio::sync::Notify;

use super::{Bench, ENTER, Engine, HALVES, PAIRS, account, eventually, insert};
use crate::support::postgres;

/// The same moments in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

async fn pair(tx: &mut Transaction<'_>, subject: &str) -> Result<(), StoreError> {
    for half in ["a", "b"] {
        tx.execute(ENTER, params![format!("{subject}-{half}"), "alice", subject]).await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Writes pairs with little time for each; how many came to their end.
async fn hurried(database: &Database, task: u64, rounds: u64) -> i64 {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (task + 1));
    let mut done = 0;
    for round in 0..rounds {
        // None at all, some milliseconds, or enough.
        let limit = match round % 8 {
            0 => Duration::ZERO,
            7 => super::PATIENCE,
            _ => Duration::from_micros(random.below(12_000)),
        };
        let subject = format!("{task}-{round}");
        let write = database.transaction(async |tx| pair(tx, &subject).await);
        if let Ok(outcome) = tokio::time::timeout(limit, write).await {
            outcome.unwrap();
            done += 1;
        }
    }
    done
}

async fn no_session_is_left_in_a_transaction(bench: &Bench) {
    let Target::Postgres(_) = bench.target else { return };
    eventually("no session idle in a transaction", async || {
        let idle = "SELECT COUNT(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        postgres::text(&bench.url, idle) == "0"
    })
    .await;
}

on_each_engine! {
    /// Both rows of a transaction or none, whenever it is dropped, also with many at once.
    async fn all_or_nothing_at_any_moment(engine: Engine) {
        const TASKS: u64 = 8;
        const ROUNDS: u64 = 40;
        let settings = Settings { connection_limit: 4, ..Settings::default() };
        let bench = Bench::with(engine, settings).await;
        bench.add_accounts(&[account("alice", 1)]).await;

        let alone = hurried(&bench.database, TASKS, ROUNDS).await;
        let together = join_all((0..TASKS).map(|task| hurried(&bench.database, task, ROUNDS)));
        let done = alone + together.await.iter().sum::<i64>();

        let (halves,): (i64,) = bench.database.one(HALVES, params![]).await.unwrap();
        let (pairs,): (i64,) = bench.database.one(PAIRS, params![]).await.unwrap();
        assert_eq!(halves, 0, "no half of a pair without the other");
        // One that was dropped while its COMMIT was on the way may be there.
        assert!(done >= 9 * 5 && pairs >= done, "{done} came to their end, {pairs} are there");
        assert!(pairs < 9 * 40, "some were dropped");
        no_session_is_left_in_a_transaction(&bench).await;
    }

    /// The next user of the connection is not inside of the abandoned transaction.
    async fn the_next_user_starts_afresh(engine: Engine) {
        let settings = Settings { connection_limit: 1, ..Settings::default() };
        let bench = Bench::with(engine, settings).await;
        let written = Notify::new();
        let stuck = bench.database.transaction(async |tx| {
            insert(tx, &account("alice", 1)).await?;
            written.notify_one();
            std::future::pending::<Result<(), StoreError>>().await
        });
        tokio::select! {
            _ = stuck => unreachable!("it waits for ever"),
            () = written.notified() => {}
        }
        let begun = Cell::new(0);
        let next = bench.database.transaction(async |tx| {
            begun.set(begun.get() + 1);
            insert(tx, &account("alice", 2)).await
        });
        assert_eq!(next.await.unwrap(), 1);
        assert_eq!((begun.get(), bench.count().await), (1, 1));
        no_session_is_left_in_a_transaction(&bench).await;
    }
}

/// Behind a statement that was abandoned, the next user waits no longer than the time limit of one.
#[actix_rt::test]
async fn an_abandoned_statement_is_bounded() {
    let settings = Settings {
        connection_limit: 1,
        statement_timeout: Duration::from_millis(500),
        ..Settings::default()
    };
    let bench = Bench::with(Engine::Prepared, settings).await;
    let minute = params![60_000];
    let slow = bench.database.all::<(i64,)>(super::limits::SLEEP, minute);
    assert!(tokio::time::timeout(Duration::from_millis(200), slow).await.is_err());
    let next = tokio::time::timeout(super::PATIENCE, bench.database.ping(super::PATIENCE));
    next.await.expect("well before the minute is over").unwrap();
}
