//! Ends that nobody asked for: fresh incarnations, growing delays, giving up, recovery.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::timeout;
use busbar_actors::{
    Ending, Incarnation, Reason, Refused, Restart, Rule, ServiceRecord, ServiceSpec, Serving,
    State, Tree, factory,
};
use futures_util::future::{BoxFuture, FutureExt, pending, ready};
use tokio::sync::Notify;

use crate::stage::{Kill, Stage, Start, address, until, until_state};
use crate::support::{Connection, LOCAL, PATIENCE, get, on_a_system};

#[test]
fn an_incarnation_that_ends_is_built_afresh() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("shop")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        let ends = [
            (Kill::Panic, Reason::Panic, "killed by the test"),
            (Kill::Error, Reason::Error, "the database is gone"),
            (Kill::Finish, Reason::Finished, "finished"),
        ];
        for (i, (how, reason, message)) in ends.into_iter().enumerate() {
            assert_eq!(get(to, "/count").await.unwrap().body, "1", "nothing is left of the last");
            stage.kill(how);
            let generation = i as u64 + 2;
            let up = |record: &ServiceRecord| {
                record.generation == generation && record.state == State::Running
            };
            let record = until(&registry, "shop", up).await;
            let last = record.exits.last().unwrap();
            assert_eq!(last.exit.reason, reason);
            assert_eq!(last.exit.message, message);
            assert_eq!(last.generation, generation - 1);
            assert_eq!((record.restarts, record.restarts_in_window), (generation - 1, i + 1));
        }
        let exits = registry.get("shop").unwrap().exits;
        let place = exits[0].exit.location.clone().unwrap();
        assert!(place.contains("stage.rs:"), "{place}");
        assert_eq!(exits[1].exit.location, None);
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn a_transient_service_that_finishes_stays_stopped_and_a_temporary_one_always() {
    on_a_system(async {
        let (one, other) = (Stage::new(), Stage::new());
        let transient = ServiceSpec { restart: Restart::Transient, ..one.spec("transient") };
        let temporary = ServiceSpec { restart: Restart::Temporary, ..other.spec("temporary") };
        let tree = Tree::new().tier([transient, temporary]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();

        one.kill(Kill::Error);
        until(&registry, "transient", |r| r.generation == 2 && r.state == State::Running).await;
        one.kill(Kill::Finish);
        other.kill(Kill::Error);
        for name in ["transient", "temporary"] {
            until_state(&registry, name, State::Stopped).await;
            assert!(get(address(&registry, name), "/").await.is_err(), "its port is closed");
        }
        assert_eq!(other.built().len(), 1);
        assert_eq!(running.start_again("temporary").await, Ok(2));
        running.stop(Ending::Graceful).await;
    });
}

/// In the time of the real thing: 100, 200, 400 ms, each give or take a fifth.
#[test]
fn delays_grow_then_the_service_is_given_up_and_can_be_started_again() {
    on_a_system(async {
        let (broken, well) = (Stage::new(), Stage::new());
        broken.next_starts(Start::Panics);
        let delay_min = Duration::from_millis(100);
        let intensity = Rule { failures_max: 3, delay_min, ..Rule::default() };
        let spec = ServiceSpec { intensity, ..broken.spec("broken") };
        let tree = Tree::new().tier([spec, well.spec("well")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let record = until_state(&registry, "broken", State::Failed).await;

        let built = broken.built();
        assert_eq!(built.len(), 4, "three restarts");
        for (i, nominal) in [100, 200, 400].into_iter().enumerate() {
            let gap = built[i + 1] - built[i];
            let least = Duration::from_millis(nominal * 8 / 10);
            assert!(gap >= least && gap < least * 5, "gap {i} is {gap:?}");
        }
        assert_eq!((record.restarts, record.restarts_in_window, record.exits.len()), (3, 4, 4));
        let refused = get(address(&registry, "broken"), "/").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(running.replace("broken").await, Err(Refused::NotRunning));

        assert_eq!(get(address(&registry, "well"), "/").await.unwrap().body, "g1");
        assert_eq!(well.built().len(), 1, "its sibling never noticed");

        broken.next_starts(Start::Good);
        assert_eq!(running.start_again("broken").await, Ok(5));
        assert_eq!(registry.get("broken").unwrap().restarts_in_window, 0);
        assert_eq!(get(address(&registry, "broken"), "/").await.unwrap().body, "g5");
        running.stop(Ending::Graceful).await;
    });
}

/// A service that serves for a moment between its failures is given up like one that never does.
#[test]
fn six_failures_in_a_minute_close_the_port() {
    on_a_system(async {
        let stage = Stage::new();
        let delay_max = Duration::from_millis(20);
        let intensity = Rule { delay_min: delay_max, delay_max, ..Rule::default() };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        for generation in 1..=6 {
            until(&registry, "shop", |r| r.generation == generation && r.state.is_serving()).await;
            stage.kill(Kill::Panic);
        }
        until_state(&registry, "shop", State::Failed).await;
        assert_eq!(get(to, "/").await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(stage.built().len(), 6);
        assert!(running.stop(Ending::Graceful).await.is_empty());
    });
}

#[test]
fn connections_wait_while_there_is_nobody_to_accept_them() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("shop")]);
        let (registry, changes) = (tree.registry(), tree.registry().changes());
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        stage.next_starts(Start::Hangs);
        stage.kill(Kill::Panic);
        until(&registry, "shop", |r| r.generation == 2 && r.state == State::Starting).await;
        let mut waiting = Connection::open(to).await.expect("not refused");
        waiting.send("/").await.unwrap();
        stage.next_starts(Start::Good);
        assert_eq!(waiting.answer().await.unwrap().body, "g2");
        assert!(changes.has_changed().unwrap());
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn an_incarnation_that_never_reports_is_given_up_and_cannot_listen_any_more() {
    on_a_system(async {
        let stage = Stage::new();
        stage.next_starts(Start::Hangs);
        let start_timeout = Duration::from_millis(100);
        let tree = Tree::new().tier([ServiceSpec { start_timeout, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let record = until(&registry, "shop", |record| !record.exits.is_empty()).await;
        assert_eq!(record.exits[0].exit.message, "not up within 100ms");
        stage.next_starts(Start::Good);
        let record = until_state(&registry, "shop", State::Running).await;
        assert!(record.generation >= 2);
        let title = format!("g{}", record.generation);
        for _ in 0..20 {
            let answer = get(address(&registry, "shop"), "/").await.unwrap();
            assert_eq!(answer.body, title, "the late ones serve nobody");
        }
        running.stop(Ending::Graceful).await;
    });
}

/// Says that it serves when nobody expects it any more.
#[test]
fn an_incarnation_that_comes_up_too_late_is_stopped() {
    on_a_system(async {
        let (begin, stopped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, stop) = (begin.clone(), stopped.clone());
        let late = factory(move |incarnation: Incarnation| {
            let (begun, stop) = (begun.clone(), stop.clone());
            async move {
                let _listener = incarnation.listen()?;
                begun.notified().await;
                assert!(incarnation.listen().is_err(), "it must not take connections any more");
                incarnation.up(Stopped(stop));
                pending().await
            }
        });
        let spec = ServiceSpec {
            start_timeout: Duration::from_millis(50),
            intensity: Rule { delay_min: PATIENCE, ..Rule::default() },
            ..ServiceSpec::new("late", (LOCAL, 0).into(), late)
        };
        let tree = Tree::new().tier([spec]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        until_state(&registry, "late", State::Backoff).await;
        begin.notify_one();
        timeout(PATIENCE, stopped.notified()).await.unwrap();
        assert_eq!(registry.get("late").unwrap().state, State::Backoff);
        running.stop(Ending::Graceful).await;
    });
}

/// Tells that it was stopped.
struct Stopped(Arc<Notify>);

impl Serving for Stopped {
    fn pause(&self) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }

    fn resume(&self) -> BoxFuture<'static, ()> {
        ready(()).boxed()
    }

    fn stop(&self, _: Ending) -> BoxFuture<'static, ()> {
        self.0.notify_one();
        ready(()).boxed()
    }
}
