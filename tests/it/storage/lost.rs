//! Connections that break off, and those of threads that have ended or are blocked.

use std::cell::Cell;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use busbar::storage::{Database, Settings, StoreError, Target};
use url::Url;

use super::{Bench, Engine, PATIENCE, account, eventually, insert};
use crate::support::postgres;

/// A way to the server that can be cut.
struct Cord {
    port: u16,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cord {
    fn to(server: String) -> Cord {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (port, sockets) = (listener.local_addr().unwrap().port(), Arc::default());
        let kept: Arc<Mutex<Vec<TcpStream>>> = Arc::clone(&sockets);
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect(&server).unwrap();
                for (from, to) in [(&near, &far), (&far, &near)] {
                    kept.lock().unwrap().push(from.try_clone().unwrap());
                    carry(from.try_clone().unwrap(), to.try_clone().unwrap());
                }
            }
        });
        Cord { port, sockets }
    }

    /// All connections that are open now.
    fn cut(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    std::thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Both));
    });
}

/// The database of a bench once more, with one connection, on a cord.
async fn corded(bench: &Bench) -> (Database, Cord) {
    let mut url = Url::parse(&bench.url).unwrap();
    let cord = Cord::to(format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432)));
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cord.port)).unwrap();
    let target = Target::parse(url.as_str(), Some(&bench.url)).unwrap();
    let settings = Settings { connection_limit: 1, ..bench.settings.clone() };
    (Database::open("test", &target, &settings).await.unwrap(), cord)
}

/// Half way, it runs again on another connection.
#[actix_rt::test]
async fn a_transaction_whose_connection_is_lost_runs_again() {
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let bench = Bench::new(engine).await;
        let (database, cord) = corded(&bench).await;
        let runs = Cell::new(0);
        let written = database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            insert(tx, &account("alice", 1)).await?;
            if runs.get() == 1 {
                cord.cut();
            }
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
        let bench = Bench::new(engine).await;
        let (database, cord) = corded(&bench).await;
        let runs = Cell::new(0);
        let written = database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            let done = insert(tx, &account("alice", 1)).await;
            cord.cut();
            done
        });
        let outcome = written.await;
        assert!(matches!(outcome, Err(StoreError::Lost { .. })), "{engine:?}: {outcome:?}");
        assert_eq!(runs.get(), 1, "{engine:?}");
    }
}

/// A thread with a system of its own, that uses a database and then does as it is told.
struct Other {
    go_on: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Other {
    /// It has connected, and ends.
    fn that_connects(database: &Database) -> Other {
        let database = database.clone();
        Other::that(move |_| {
            actix_rt::System::new().block_on(async { database.ping(PATIENCE).await.unwrap() });
        })
    }

    /// It is blocked with its transaction half done, until it is told to go on.
    fn that_is_blocked(database: &Database) -> Other {
        let database = database.clone();
        let (tell, told) = mpsc::channel();
        let other = Other::that(move |go_on| {
            actix_rt::System::new().block_on(async {
                let written = database.transaction(async |tx| {
                    insert(tx, &account("alice", 1)).await?;
                    tell.send(()).unwrap();
                    go_on.recv().unwrap();
                    insert(tx, &account("bob", 1)).await
                });
                let outcome = written.await;
                assert!(matches!(outcome, Err(StoreError::Unavailable { .. })), "{outcome:?}");
            });
        });
        told.recv().unwrap();
        other
    }

    fn that(does: impl FnOnce(mpsc::Receiver<()>) + Send + 'static) -> Other {
        let (go_on, told) = mpsc::channel();
        Other { go_on, thread: std::thread::spawn(move || does(told)) }
    }
}

/// The thread that opened a connection has ended: whoever uses it does not notice.
#[actix_rt::test]
async fn a_connection_outlives_the_thread_that_opened_it() {
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let settings = Settings { connection_limit: 1, ..Settings::default() };
        let bench = Bench::with(engine, settings).await;
        let opener = Other::that_connects(&bench.database);
        opener.thread.join().unwrap();
        let runs = Cell::new(0);
        let written = bench.database.transaction(async |tx| {
            runs.set(runs.get() + 1);
            insert(tx, &account("alice", 1)).await
        });
        assert_eq!(written.await.unwrap(), 1, "{engine:?}");
        assert_eq!((runs.get(), bench.database.pool_status().size), (1, 1), "{engine:?}");
    }
}

/// What a blocked thread has begun holds nobody up once its database is closed, and is not there.
#[actix_rt::test]
async fn closing_ends_what_a_blocked_thread_has_begun() {
    for engine in [Engine::Prepared, Engine::Unnamed] {
        let bench = Bench::new(engine).await;
        let (left, _cord) = corded(&bench).await;
        let blocked = Other::that_is_blocked(&left);
        left.close().await;
        // The same key: it would wait for the end of the other transaction.
        bench.add_accounts(&[account("alice", 2)]).await;
        blocked.go_on.send(()).unwrap();
        blocked.thread.join().unwrap();
        assert_eq!(bench.count().await, 1, "{engine:?}");
    }
}

/// So it is, a while later, where the life that used it fell before it closed anything.
#[actix_rt::test]
async fn a_fall_ends_what_a_blocked_thread_has_begun() {
    let bench = Bench::new(Engine::Prepared).await;
    let (left, _cord) = corded(&bench).await;
    let blocked = Other::that_is_blocked(&left);
    drop(left.closing());
    bench.add_accounts(&[account("alice", 2)]).await;
    left.close().await;
    blocked.go_on.send(()).unwrap();
    blocked.thread.join().unwrap();
    assert_eq!(bench.count().await, 1);
}

/// And where nothing of the process is left to do so, the server ends it at the time limit.
#[actix_rt::test]
async fn the_server_bounds_how_long_a_transaction_may_stand_still() {
    let statement_timeout = Duration::from_millis(500);
    let bench =
        Bench::with(Engine::Prepared, Settings { statement_timeout, ..Settings::default() }).await;
    let (start, runs) = (Instant::now(), Cell::new(0));
    let written = bench.database.transaction(async |tx| {
        runs.set(runs.get() + 1);
        insert(tx, &account("alice", 1)).await?;
        if runs.get() == 1 {
            let open = "SELECT COUNT(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
            eventually("it is ended", async || postgres::text(&bench.url, open) == "0").await;
            assert!(start.elapsed() >= statement_timeout);
        }
        insert(tx, &account("bob", 1)).await
    });
    assert_eq!(written.await.unwrap(), 1);
    assert_eq!((runs.get(), bench.count().await), (2, 2));
}
