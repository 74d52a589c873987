//! A database that is there and takes no writes: noticed where one fails, and forgotten when it takes
//! one again, though nobody else writes.

use std::time::Duration;

use busbar::storage::{Statement, StoreError, params, writing};
use busbar::types::Timestamp;

use super::{Bench, Engine, PATIENCE, SCRIPTS, account, eventually, insert, opened};
use crate::support::postgres;

/// How long a failure counts at least.
const DOUBT: Duration = Duration::from_secs(30);
const READ_ONLY: Statement = Statement::new("READ_ONLY", "PRAGMA query_only = TRUE");
const PAGES_MAX: Statement = Statement::new("PAGES_MAX", "PRAGMA max_page_count = 1");
const TRIALS: Statement =
    Statement::new("TRIALS", "SELECT written_at AS value FROM write_trials WHERE id = 'only'");

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_000_000).plus(Duration::from_secs(seconds))
}

impl Bench {
    async fn for_writing(engine: Engine) -> Bench {
        Bench::with_scripts(engine, &[SCRIPTS, &[writing::SCRIPT]].concat()).await
    }

    /// From now on no write succeeds.
    async fn refuse_writes(&self, engine: Engine) {
        match engine {
            Engine::Sqlite => self.set_writer(READ_ONLY).await,
            _ => postgres::refuse_writes(&self.url),
        }
    }

    /// The connection that writes is another one after that.
    async fn take_writes(&mut self, engine: Engine) {
        match engine {
            Engine::Sqlite => self.database = opened(&self.target, &self.settings).await,
            _ => postgres::take_writes(&self.url),
        }
    }

    /// Sets up the one connection to the file that writes.
    async fn set_writer(&self, pragma: Statement) {
        let set = self.database.transaction(async |tx| tx.execute(pragma, params![]).await);
        set.await.unwrap();
    }

    async fn write(&self, id: &str) -> Result<u64, StoreError> {
        self.database.transaction(async |tx| insert(tx, &account(id, 1)).await).await
    }

    /// A session that is being ended may be in its way at first.
    async fn is_refused(&self) {
        let refused = async || matches!(self.write("no").await, Err(StoreError::Refused { .. }));
        eventually("a write is refused", refused).await;
    }

    async fn failure(&self, now: Timestamp) -> Option<String> {
        self.database.write_failure(now, PATIENCE).await
    }

    /// When a row was last written to see whether that works.
    async fn tried_at(&self) -> Option<i64> {
        let tried = self.database.optional::<(i64,)>(TRIALS, params![]).await.unwrap();
        tried.map(|(at,)| at)
    }
}

on_each_engine! {
    /// Nothing is asked before a write has failed; then nothing counts but a write, a while later.
    async fn a_refused_write_is_remembered_until_one_succeeds(engine: Engine) {
        let mut bench = Bench::for_writing(engine).await;
        assert_eq!(bench.failure(at(0)).await, None);
        assert_eq!(bench.tried_at().await, None, "nobody has asked");

        bench.refuse_writes(engine).await;
        assert_eq!(bench.failure(at(0)).await, None, "nobody has written");
        bench.is_refused().await;
        let why = bench.failure(at(1)).await.unwrap();
        assert!(why.contains("read"), "{why}");
        assert_eq!(bench.count().await, 0, "it is read all the same");
        bench.database.ping(PATIENCE).await.unwrap();
        // It is tried, and fails: from here it counts anew.
        assert!(bench.failure(at(1).plus(DOUBT)).await.is_some());

        bench.take_writes(engine).await;
        eventually("one is written", async || bench.write("bob").await.is_ok()).await;
        let last = at(1).plus(DOUBT).plus(DOUBT);
        assert!(bench.failure(last.minus(Duration::from_secs(1))).await.is_some());
        assert_eq!(bench.tried_at().await, None, "not that soon");
        assert_eq!(bench.failure(last).await, None);
        assert_eq!(bench.tried_at().await, Some(last.micros()), "a row of its own is written");
        assert_eq!(bench.failure(last.plus(DOUBT)).await, None);
        assert_eq!(bench.tried_at().await, Some(last.micros()), "once");
    }

    /// What is not the disk's fault says nothing of it.
    async fn a_refused_row_is_not_remembered(engine: Engine) {
        let bench = Bench::for_writing(engine).await;
        bench.write("alice").await.unwrap();
        let taken = bench.write("alice").await;
        assert!(matches!(taken, Err(StoreError::Unique { .. })), "{taken:?}");
        assert_eq!(bench.failure(at(0)).await, None);
        assert_eq!(bench.tried_at().await, None);
    }
}

/// A file that may not grow is as one on a full disk.
#[actix_rt::test]
async fn a_full_file_is_remembered() {
    let bench = Bench::for_writing(Engine::Sqlite).await;
    bench.set_writer(PAGES_MAX).await;
    let mut large = account("large", 1);
    large.note = Some("x".repeat(100_000));
    let refused = bench.database.transaction(async |tx| insert(tx, &large).await).await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })), "{refused:?}");
    let why = bench.failure(at(0)).await.unwrap();
    assert!(why.contains("full"), "{why}");
}

/// Others of the process that have it open know of it, too: the next life of its service.
#[actix_rt::test]
async fn all_openings_know_of_it() {
    let bench = Bench::for_writing(Engine::Prepared).await;
    let other = opened(&bench.target, &bench.settings).await;
    bench.refuse_writes(Engine::Prepared).await;
    bench.is_refused().await;
    assert!(other.write_failure(at(0), PATIENCE).await.is_some());
}
