//! Processes of the server that stand still with their connections open: the machine acknowledges
//! what they are asked, and no answer comes.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use busbar::storage::{Database, Settings, StoreError, Target, params};
use futures_util::future::join;
use rustix::process::{Pid, Signal, kill_process};

use super::{COUNT, Engine, account, eventually, insert, opened};
use crate::support::postgres::{self, Cluster};

/// How long the server may be silent: so long, and the grace of five seconds.
const STATEMENT_TIMEOUT: Duration = Duration::from_millis(200);

/// A database with one connection, on a server whose processes are on this machine.
struct Bench {
    database: Database,
    url: String,
}

impl Bench {
    async fn new(engine: Engine) -> Bench {
        static SERVER: OnceLock<Cluster> = OnceLock::new();
        let url = SERVER.get_or_init(Cluster::own).database("silent");
        let target = Target::parse(&url, Some(&url)).unwrap();
        let settings = Settings {
            connection_limit: 1,
            statement_timeout: STATEMENT_TIMEOUT,
            use_pgbouncer: engine == Engine::Unnamed,
            ..Settings::default()
        };
        Bench { database: opened(&target, &settings).await, url }
    }

    async fn count(&self) -> i64 {
        self.database.one::<(i64,)>(COUNT, params![]).await.unwrap().0
    }

    async fn answers(&self, limit: Duration) -> bool {
        let read = self.database.one::<(i64,)>(COUNT, params![]);
        tokio::time::timeout(limit, read).await.is_ok_and(|read| read.is_ok())
    }

    /// The process behind the connection stands still until what is given is dropped.
    fn stand_still(&self) -> Still {
        let session = "SELECT pid FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'busbar-test'";
        let process = postgres::text(&self.url, session).parse().ok().and_then(Pid::from_raw);
        let still = Still(process.expect("one session"));
        kill_process(still.0, Signal::STOP).unwrap();
        still
    }
}

struct Still(Pid);

impl Drop for Still {
    fn drop(&mut self) {
        // Its end is no fault of the test.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

async fn both(promise: impl AsyncFn(Engine)) {
    join(promise(Engine::Prepared), promise(Engine::Unnamed)).await;
}

/// Whoever waits has another connection after a while.
#[actix_rt::test]
async fn a_read_goes_on_by_another_connection() {
    both(async |engine| {
        let bench = Bench::new(engine).await;
        assert_eq!(bench.count().await, 0);
        let _still = bench.stand_still();
        let start = Instant::now();
        assert_eq!(bench.count().await, 0, "{engine:?}");
        assert!(start.elapsed() >= STATEMENT_TIMEOUT, "the first one did not answer");
    })
    .await;
}

/// Nobody waits that long, as in handlers with a time of their own: the connection goes all the same,
/// and does not stand in everybody's way for ever.
#[actix_rt::test]
async fn who_gives_up_leaves_no_silent_connection_to_the_next() {
    both(async |engine| {
        let bench = Bench::new(engine).await;
        let limit = Duration::from_millis(300);
        assert_eq!(bench.count().await, 0);
        let _still = bench.stand_still();
        assert!(!bench.answers(limit).await, "{engine:?}");
        eventually("it answers", async || bench.answers(limit).await).await;
    })
    .await;
}

/// Half way, it runs again; what the other half did is undone.
#[actix_rt::test]
async fn a_transaction_runs_again_by_another_connection() {
    both(async |engine| {
        let bench = Bench::new(engine).await;
        let (runs, still) = (Cell::new(0), Cell::new(None));
        let written = bench.database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            insert(tx, &account(&format!("run-{}", runs.get()), 1)).await?;
            if runs.get() == 1 {
                still.set(Some(bench.stand_still()));
            }
            insert(tx, &account("last", 1)).await
        });
        assert_eq!(written.await.unwrap(), 1, "{engine:?}");
        drop(still.take());
        assert_eq!((runs.get(), bench.count().await), (2, 2), "{engine:?}");
    })
    .await;
}

/// At its commit, nobody knows: it is told, and not run again.
#[actix_rt::test]
async fn a_commit_without_an_answer_is_not_repeated() {
    both(async |engine| {
        let bench = Bench::new(engine).await;
        let (runs, still) = (Cell::new(0), Cell::new(None));
        let written = bench.database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            let done = insert(tx, &account("alice", 1)).await;
            still.set(Some(bench.stand_still()));
            done
        });
        let outcome = written.await;
        assert!(matches!(outcome, Err(StoreError::Lost { .. })), "{engine:?}: {outcome:?}");
        assert_eq!(runs.get(), 1, "{engine:?}");
        drop(still.take());
    })
    .await;
}
