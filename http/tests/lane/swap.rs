//! When the process behind an address is replaced, connections to the old one are not used again.

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use busbar_http::lane::{Instance, Limits};
use tokio::sync::Notify;

use crate::support::{Caller, Connection, Outcome, Script, eventually, in_time, limits};

/// Answers with the number of the connection.
async fn numbering() -> Script {
    Script::start(|mut connection| async move {
        let number = connection.number.to_string();
        while connection.request().await.is_some() {
            connection.answer(&number).await;
        }
    })
    .await
}

#[actix_web::test]
async fn kept_connections_of_an_older_epoch_are_dropped() {
    let script = numbering().await;
    let epoch = Arc::new(AtomicU64::new(7));
    let caller = Caller::on(Instance::with_epoch(script.base(), limits(), epoch.clone()));
    in_time(caller.get("/")).await;
    assert_eq!(in_time(caller.get("/")).await, Outcome::ok("1"));

    epoch.fetch_add(1, SeqCst);

    assert_eq!(in_time(caller.get("/")).await, Outcome::ok("2"));
    assert_eq!(in_time(caller.get("/")).await, Outcome::ok("2"));
    assert_eq!(script.sockets(), 1);
}

/// An exchange that began before the swap ends well, but its connection is not kept.
#[actix_web::test]
async fn an_exchange_under_way_ends_and_its_connection_with_it() {
    let (asked, release) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    let (signal, wait) = (asked.clone(), release.clone());
    let script = Script::start(move |mut connection: Connection| {
        let (signal, wait) = (signal.clone(), wait.clone());
        async move {
            let number = connection.number.to_string();
            while connection.request().await.is_some() {
                signal.notify_one();
                wait.notified().await;
                connection.answer(&number).await;
            }
        }
    })
    .await;
    let epoch = Arc::new(AtomicU64::new(0));
    let caller = Caller::on(Instance::with_epoch(script.base(), limits(), epoch.clone()));

    let swap = async {
        asked.notified().await;
        epoch.fetch_add(1, SeqCst);
        release.notify_one();
    };
    let (outcome, ()) = in_time(async { tokio::join!(caller.get("/"), swap) }).await;

    assert_eq!(outcome, Outcome::ok("1"));
    assert_eq!(caller.instance().counts().open, 0);
}

/// No request is needed for an old epoch's connections to go.
#[actix_web::test]
async fn the_sweep_drops_an_older_epoch_too() {
    let script = numbering().await;
    let epoch = Arc::new(AtomicU64::new(0));
    let idle_for = Duration::from_secs(2);
    let bounds = Limits { idle_for, ..limits() };
    let caller = Caller::on(Instance::with_epoch(script.base(), bounds, epoch.clone()));
    let start = Instant::now();
    in_time(caller.get("/")).await;

    epoch.fetch_add(1, SeqCst);

    eventually(0, || script.sockets()).await;
    assert!(start.elapsed() < idle_for);
}

#[actix_web::test]
async fn idle_connections_can_be_cleared_at_once() {
    let script = numbering().await;
    let caller = Caller::new(&script);
    in_time(caller.get("/")).await;

    caller.upstream.clear_idle();

    assert_eq!(caller.instance().counts().open, 0);
    assert_eq!(script.sockets(), 0);
    assert_eq!(in_time(caller.get("/")).await, Outcome::ok("2"));
}
