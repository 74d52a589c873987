//! Stopping: what is under way finishes, ports close, and nothing is waited for without an end.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use busbar_actors::{Ending, Incarnation, Refused, ServiceSpec, Serving, State, Tree, factory};
use futures_util::future::{BoxFuture, FutureExt, pending, ready};

use crate::stage::{Stage, address, until_state};
use crate::support::{Connection, LOCAL, eventually, get, on_a_system};

#[test]
fn requests_under_way_finish_idle_connections_close_and_new_ones_are_refused() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("shop")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        let mut idle = Connection::open(to).await.unwrap();
        idle.get("/").await.unwrap();
        let mut busy = Connection::open(to).await.unwrap();
        busy.send("/slow/1500").await.unwrap();
        let begun = Instant::now();
        let stopping = actix_rt::spawn(running.stop(Ending::Graceful));
        eventually("its port is closed", async || {
            get(to, "/").await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        })
        .await;
        assert!(begun.elapsed() < Duration::from_millis(1_400), "closed while it drains");
        assert_eq!(registry.get("shop").unwrap().state, State::Draining);
        let last = busy.answer().await.unwrap();
        assert_eq!((last.status, last.close), (200, true));
        assert!(stopping.await.unwrap().is_empty());
        assert!(idle.get("/").await.is_err());
        assert_eq!(registry.get("shop").unwrap().state, State::Stopped);
    });
}

#[test]
fn a_drain_ends_at_its_limit() {
    on_a_system(async {
        let stage = Stage::new();
        let drain = Duration::from_millis(300);
        let tree = Tree::new().tier([ServiceSpec { drain, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let mut endless = Connection::open(address(&registry, "shop")).await.unwrap();
        endless.send("/slow/60000").await.unwrap();
        let begun = Instant::now();
        assert!(running.stop(Ending::Graceful).await.is_empty());
        assert!(begun.elapsed() < Duration::from_secs(5));
    });
}

/// What is said to hang is not waited for, whatever its drain may take.
#[test]
fn a_drain_does_not_wait_for_what_hangs() {
    on_a_system(async {
        let stage = Stage::new();
        let drain = Duration::from_secs(60);
        let tree = Tree::new().tier([ServiceSpec { drain, ..stage.spec("shop") }]);
        let (registry, handle) = (tree.registry(), tree.handle());
        let running = tree.start().await.unwrap();
        let mut endless = Connection::open(address(&registry, "shop")).await.unwrap();
        endless.send("/slow/60000").await.unwrap();
        let begun = Instant::now();
        let stopping = actix_rt::spawn(running.stop(Ending::Graceful));
        until_state(&registry, "shop", State::Draining).await;
        assert_eq!(handle.hung("shop").await, Err(Refused::Stopping));
        assert!(stopping.await.unwrap().is_empty());
        assert!(begun.elapsed() < Duration::from_secs(30));
    });
}

/// While what is above it drains, a service that hangs is still replaced: its answers are waited for.
#[test]
fn a_service_that_hangs_is_replaced_until_it_is_its_turn_to_stop() {
    on_a_system(async {
        let (below, above) = (Stage::new(), Stage::new());
        let tree = Tree::new().tier([below.spec("below")]).tier([above.spec("above")]);
        let (registry, handle) = (tree.registry(), tree.handle());
        let running = tree.start().await.unwrap();
        let mut busy = Connection::open(address(&registry, "above")).await.unwrap();
        busy.send("/slow/1500").await.unwrap();
        let stopping = actix_rt::spawn(running.stop(Ending::Graceful));
        until_state(&registry, "above", State::Draining).await;
        assert_eq!(handle.replace("below").await, Err(Refused::Stopping));
        assert_eq!(handle.hung("below").await, Ok(2));
        assert_eq!(busy.answer().await.unwrap().status, 200);
        assert!(stopping.await.unwrap().is_empty());
        assert_eq!(registry.get("below").unwrap().state, State::Stopped);
    });
}

#[test]
fn one_service_can_be_stopped_and_started_again_while_the_others_go_on() {
    on_a_system(async {
        let (one, other) = (Stage::new(), Stage::new());
        let tree = Tree::new().tier([one.spec("one"), other.spec("other")]);
        let (registry, handle) = (tree.registry(), tree.handle());
        let running = tree.start().await.unwrap();
        assert_eq!(handle.stop_one("one", Ending::Graceful).await, Ok(()));
        until_state(&registry, "one", State::Stopped).await;
        assert!(get(address(&registry, "one"), "/").await.is_err());
        assert_eq!(handle.replace("one").await, Err(Refused::NotRunning));
        assert_eq!(get(address(&registry, "other"), "/").await.unwrap().status, 200);

        assert_eq!(handle.start_again("one").await, Ok(2));
        assert_eq!(get(address(&registry, "one"), "/").await.unwrap().body, "g2");
        assert_eq!(handle.start_again("one").await, Ok(2), "it runs already");
        assert_eq!(handle.replace("none").await, Err(Refused::Unknown));
        running.stop(Ending::Graceful).await;
        assert_eq!(handle.start_again("one").await, Err(Refused::Stopping));
    });
}

/// A handle that never answers, on a thread that never returns.
struct Deaf;

impl Serving for Deaf {
    fn pause(&self) -> BoxFuture<'static, ()> {
        pending().boxed()
    }

    fn resume(&self) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }

    fn stop(&self, _: Ending) -> BoxFuture<'static, ()> {
        pending().boxed()
    }
}

#[test]
fn a_service_that_does_not_let_itself_be_stopped_is_left_at_the_limit() {
    on_a_system(async {
        let deaf = factory(async |incarnation: Incarnation| {
            incarnation.up(Deaf);
            pending().await
        });
        let well = Stage::new();
        let deaf = ServiceSpec {
            drain: Duration::from_secs(60),
            ..ServiceSpec::new("deaf", (LOCAL, 0).into(), deaf)
        };
        let tree = Tree::new().tier([well.spec("well")]).tier([deaf]);
        let running = tree.stop_limit(Duration::from_millis(200)).start().await.unwrap();
        let begun = Instant::now();
        assert_eq!(running.stop(Ending::Graceful).await, ["deaf"]);
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert_eq!(*well.log.lock().unwrap(), ["well up", "well down"]);
    });
}
