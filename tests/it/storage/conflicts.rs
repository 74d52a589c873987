//! Transactions that stand in each other's way: the body runs again until it gets through.

use std::cell::Cell;
use std::time::Duration;

use busbar::storage::{Database, StoreError, params};
use futures_util::future::{join, join_all};
use tokio::sync::{Barrier, Notify};

use super::{Account, BY_ID, Balance, Bench, Engine, TOTAL, account, add, insert, opened};

/// Takes the rows in opposite order, and at the first time waits until the other has its first.
async fn crossed(
    database: &Database,
    (from, to): (&str, &str),
    meeting: &Barrier,
    runs: &Cell<u32>,
    hides_the_failure: bool,
) -> Result<(), StoreError> {
    let run = database.transaction(async |tx| {
        runs.set(runs.get() + 1);
        let first = runs.get() <= 2;
        add(tx, from, -1).await?;
        if first {
            meeting.wait().await;
        }
        let second = add(tx, to, 1).await;
        if hides_the_failure {
            // Says "the transaction is aborted" after a failure, and no more why.
            add(tx, from, 0).await?;
        }
        second.map(|_| ())
    });
    run.await
}

async fn deadlock(engine: Engine, hides_the_failure: bool) {
    let bench = Bench::tuned(engine, &["deadlock_timeout = '50ms'"]).await;
    bench.add_accounts(&[account("a", 10), account("b", 10)]).await;
    let (meeting, runs) = (Barrier::new(2), Cell::new(0));
    let cross = |way| crossed(&bench.database, way, &meeting, &runs, hides_the_failure);
    let (left, right) = join(cross(("a", "b")), cross(("b", "a"))).await;
    left.unwrap();
    right.unwrap();
    assert_eq!(runs.get(), 3, "one of the two ran again");
    for id in ["a", "b"] {
        let account: Account = bench.database.one(BY_ID, params![id]).await.unwrap();
        assert_eq!(account.balance, Balance(10, "USD".into()));
    }
}

/// Of two that wait for each other one runs again, and both come to their end.
#[actix_rt::test]
async fn a_deadlock_is_resolved() {
    deadlock(Engine::Prepared, false).await;
    deadlock(Engine::Unnamed, false).await;
}

/// Also when the body reports a later failure than the one that was the conflict.
#[actix_rt::test]
async fn the_first_failure_decides_whether_to_run_again() {
    deadlock(Engine::Prepared, true).await;
    deadlock(Engine::Unnamed, true).await;
}

/// Where the server keeps transactions serialisable, a failure at the COMMIT runs the body again.
#[actix_rt::test]
async fn a_serialisation_failure_is_run_again() {
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let isolation = ["default_transaction_isolation = 'serializable'"];
        let bench = Bench::tuned(engine, &isolation).await;
        let (meeting, runs) = (Barrier::new(2), Cell::new(0));
        let write = async |id: &str| {
            let run = bench.database.transaction(async |tx| {
                runs.set(runs.get() + 1);
                let first = runs.get() <= 2;
                let (total,): (i64,) = tx.one(TOTAL, params![]).await?;
                insert(tx, &account(id, total + 1)).await?;
                if first {
                    meeting.wait().await;
                }
                Ok::<_, StoreError>(())
            });
            run.await
        };
        let (left, right) = join(write("a"), write("b")).await;
        left.unwrap();
        right.unwrap();
        let (total,): (i64,) = bench.database.one(TOTAL, params![]).await.unwrap();
        assert_eq!((runs.get(), total), (3, 3), "1, then 2 on top of it");
    }
}

/// During a planned restart two generations have one file open, and both write.
#[actix_rt::test]
async fn two_generations_write_one_file() {
    const ROUNDS: i64 = 20;
    let bench = Bench::new(Engine::Sqlite).await;
    bench.add_accounts(&[account("a", 0)]).await;
    let next = opened(&bench.target, &bench.settings).await;
    let writers = [&bench.database, &next, &bench.database, &next].map(async |database| {
        for _ in 0..ROUNDS {
            let run = database.transaction(async |tx| add(tx, "a", 1).await);
            run.await.unwrap();
        }
    });
    join_all(writers).await;
    let (total,): (i64,) = next.one(TOTAL, params![]).await.unwrap();
    assert_eq!(total, 4 * ROUNDS);
}

/// A writer that holds the file for longer than the engine itself waits is waited for, too.
#[actix_rt::test]
async fn a_long_writer_is_waited_for() {
    let bench = Bench::new(Engine::Sqlite).await;
    bench.add_accounts(&[account("a", 0)]).await;
    let next = opened(&bench.target, &bench.settings).await;
    let (held, go_on) = (Notify::new(), Notify::new());
    let long = bench.database.transaction(async |tx| {
        add(tx, "a", 1).await?;
        held.notify_one();
        go_on.notified().await;
        Ok::<_, StoreError>(())
    });
    let short = async {
        held.notified().await;
        let waiting = next.transaction(async |tx| add(tx, "a", 1).await);
        // The engine gives up after two seconds.
        let release = async {
            tokio::time::sleep(Duration::from_millis(2_300)).await;
            go_on.notify_one();
        };
        join(waiting, release).await.0
    };
    let (long, short) = join(long, short).await;
    long.unwrap();
    assert_eq!(short.unwrap().balance, Balance(2, "USD".into()));
}
