//! The bounds hold for the whole process, not for each thread.

use std::{cell::Cell, rc::Rc, sync::Arc, thread, time::Duration};

use busbar_http::lane::{Instance, Limits};
use futures_util::future::join_all;
use tokio::sync::oneshot;

use crate::support::{Caller, Outcome, Script, eventually, in_time, limits};

/// Runs a client on a thread of its own: makes `requests` at once, `rounds` times, then keeps its
/// connections until told to end.
fn elsewhere(
    instance: Arc<Instance>,
    requests: usize,
    rounds: usize,
) -> (oneshot::Receiver<Vec<Outcome>>, oneshot::Sender<()>) {
    let (tell, told) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        actix_rt::System::new().block_on(async move {
            let caller = Caller::on(instance);
            let mut outcomes = Vec::new();
            for _ in 0..rounds {
                outcomes.extend(join_all((0..requests).map(|_| caller.get("/"))).await);
            }
            tell.send(outcomes).unwrap();
            let _ = ended.await;
        });
    });
    (told, end)
}

/// All sockets are idle on one thread: another thread that needs one gets it, and there is never
/// one too many.
#[actix_web::test]
async fn an_idle_socket_of_one_thread_gives_way_to_another() {
    let script = Script::start(|mut connection| async move {
        while connection.request().await.is_some() {
            connection.answer("served").await;
        }
    })
    .await;
    let instance = Instance::new(script.base(), Limits { busy_max: 2, ..limits() });
    let (outcomes, end) = elsewhere(instance.clone(), 2, 1);
    assert_eq!(in_time(outcomes).await.unwrap().len(), 2);
    assert_eq!(instance.counts().idle, 2);

    let here = Caller::on(instance.clone());
    assert_eq!(in_time(here.get("/")).await, Outcome::ok("served"));

    assert_eq!(instance.counts().open, 2);
    assert_eq!(script.sockets(), 2);
    end.send(()).unwrap();
    eventually(1, || script.sockets()).await;
}

/// Four threads press on five sockets: everybody is served, nobody ever opens a sixth.
#[actix_web::test]
async fn threads_share_one_bound() {
    const THREADS: usize = 4;
    const BUSY_MAX: usize = 5;
    let held_most = Rc::new(Cell::new(0));
    let held = held_most.clone();
    let script = Script::start(move |mut connection| {
        let most = held.clone();
        async move {
            while connection.request().await.is_some() {
                most.set(most.get().max(connection.sockets()));
                connection.answer("served").await;
            }
        }
    })
    .await;
    let bounds = Limits { busy_max: BUSY_MAX, idle_max: 3, ..limits() };
    let instance = Instance::new(script.base(), bounds);

    let threads: Vec<_> = (0..THREADS).map(|_| elsewhere(instance.clone(), 6, 25)).collect();
    for (outcomes, end) in threads {
        let outcomes = in_time(outcomes).await.unwrap();
        assert_eq!(outcomes.len(), 6 * 25);
        assert!(outcomes.iter().all(|outcome| *outcome == Outcome::ok("served")));
        assert!(instance.counts().idle <= 3);
        end.send(()).unwrap();
    }
    eventually(0, || instance.counts().open).await;
    assert_eq!(instance.counts().refused_total, 0);
    assert_eq!(held_most.get(), BUSY_MAX);
}

/// A thread that ends gives its sockets back.
#[actix_web::test]
async fn a_thread_that_ends_leaves_nothing_behind() {
    let script = Script::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let idle_for = Duration::from_secs(60);
    let instance = Instance::new(script.base(), Limits { idle_for, ..limits() });
    let (outcomes, end) = elsewhere(instance.clone(), 3, 1);
    in_time(outcomes).await.unwrap();
    assert_eq!(instance.counts().idle, 3);

    end.send(()).unwrap();

    eventually(0, || instance.counts().open).await;
    assert_eq!(instance.counts().idle, 0);
}
