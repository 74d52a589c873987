//! Connections that break off: each is driven by the thread that opened it, and gone with it.

use std::cell::{Cell, RefCell};
use std::thread::JoinHandle;

use busbar::storage::{Database, Settings, StoreError};
use tokio::sync::oneshot;

use super::{Bench, Engine, PATIENCE, account, insert};

/// A thread that has opened the only connection there is.
struct Opener {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Opener {
    async fn of(database: &Database) -> Opener {
        let (end, ended) = oneshot::channel::<()>();
        let (opened, is_open) = oneshot::channel();
        let database = database.clone();
        let thread = std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                database.ping(PATIENCE).await.unwrap();
                opened.send(()).unwrap();
                drop(ended.await);
            });
        });
        is_open.await.unwrap();
        Opener { end, thread }
    }

    fn end(self) {
        self.end.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

async fn bench(engine: Engine) -> Bench {
    let settings = Settings { connection_limit: 1, ..Settings::default() };
    Bench::with(engine, settings).await
}

/// Half way, it runs again on another connection.
#[actix_rt::test]
async fn a_transaction_whose_connection_is_lost_runs_again() {
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let bench = bench(engine).await;
        let opener = RefCell::new(Some(Opener::of(&bench.database).await));
        let runs = Cell::new(0);
        let written = bench.database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            insert(tx, &account("alice", 1)).await?;
            let opener = opener.borrow_mut().take();
            opener.into_iter().for_each(Opener::end);
            insert(tx, &account("bob", 1)).await
        });
        assert_eq!(written.await.unwrap(), 1, "{engine:?}");
        assert_eq!((runs.get(), bench.count().await), (2, 2), "{engine:?}");
    }
}

/// At its commit, nobody knows: it is told, and not run again.
#[actix_rt::test]
async fn a_commit_whose_connection_is_lost_is_not_repeated() {
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let bench = bench(engine).await;
        let opener = RefCell::new(Some(Opener::of(&bench.database).await));
        let runs = Cell::new(0);
        let written = bench.database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            let done = insert(tx, &account("alice", 1)).await;
            let opener = opener.borrow_mut().take();
            opener.into_iter().for_each(Opener::end);
            done
        });
        let outcome = written.await;
        assert!(matches!(outcome, Err(StoreError::Lost { .. })), "{engine:?}: {outcome:?}");
        assert_eq!(runs.get(), 1, "{engine:?}");
    }
}
