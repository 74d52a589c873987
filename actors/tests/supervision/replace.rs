//! Planned replacement, failing lives, and starts that fail while another incarnation serves.

use std::io::ErrorKind;
use std::time::Duration;

use busbar_actors::{Ending, Reason, Refused, Rule, ServiceSpec, State, Tree};

use crate::load::Load;
use crate::stage::{Kill, Stage, Start, address, until, until_state};
use crate::support::{eventually, get, on_a_system};

#[test]
fn a_planned_replacement_under_load_loses_nothing() {
    on_a_system(async {
        let stage = Stage::new();
        let spec = patient(stage.spec("shop"));
        let upstream = spec.upstream.clone();
        let tree = Tree::new().tier([spec]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let pool = upstream.pool();
        let load = Load::on(address(&registry, "shop"));
        for generation in 2..=4 {
            assert_eq!(running.replace("shop").await, Ok(generation));
        }
        let seen = load.end();
        assert!(seen.lost.is_empty(), "{seen:?}");
        assert!(seen.answers > 100, "{seen:?}");
        assert_eq!(upstream.pool(), pool + 3);
        let record = registry.get("shop").unwrap();
        assert_eq!((record.state, record.restarts_in_window), (State::Running, 0));
        assert!(record.exits.iter().all(|past| past.exit.reason == Reason::Admin));
        running.stop(Ending::Graceful).await;
    });
}

/// A machine that is busy with other tests makes clients pause longer than they mean to.
fn patient(spec: ServiceSpec) -> ServiceSpec {
    ServiceSpec { soft_drain: Duration::from_secs(1), ..spec }
}

#[test]
fn a_life_that_ends_costs_no_request() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([patient(stage.spec("shop"))]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let load = Load::on(address(&registry, "shop"));
        for generation in 2..=4 {
            stage.kill(Kill::Life);
            let record = until(&registry, "shop", |record| record.generation == generation).await;
            let last = record.exits.last().unwrap();
            assert_eq!((last.exit.reason, last.generation), (Reason::Panic, generation - 1));
            assert_eq!(last.exit.message, "its life ended");
        }
        let seen = load.end();
        assert!(seen.lost.is_empty() && seen.answers > 0, "{seen:?}");
        assert_eq!(registry.get("shop").unwrap().restarts_in_window, 3);
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn a_life_that_ends_too_often_is_given_up() {
    on_a_system(async {
        let stage = Stage::new();
        let intensity = Rule { failures_max: 1, ..stage.spec("shop").intensity };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        stage.kill(Kill::Life);
        until(&registry, "shop", |r| r.generation == 2 && r.state == State::Running).await;
        stage.kill(Kill::Life);
        until_state(&registry, "shop", State::Failed).await;
        eventually("its port is closed", async || {
            get(to, "/").await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
        })
        .await;
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn a_start_that_fails_keeps_what_serves_and_is_tried_again() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("shop")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        stage.next_starts(Start::Fails);
        let refused = running.replace("shop").await.unwrap_err();
        assert!(matches!(&refused, Refused::Failed(exit) if exit.message == "no database"));
        let record = until_state(&registry, "shop", State::Degraded).await;
        assert_eq!(record.generation, 1);
        assert_eq!(get(to, "/").await.unwrap().body, "g1");

        stage.next_starts(Start::Good);
        let record = until_state(&registry, "shop", State::Running).await;
        assert!(record.generation > 2, "by itself, after its delay");
        let newest = format!("g{}", record.generation);
        eventually("it answers", async || get(to, "/").await.unwrap().body == newest).await;
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn what_serves_stays_when_its_successor_is_given_up_and_its_own_end_is_noticed() {
    on_a_system(async {
        let stage = Stage::new();
        let intensity = Rule { failures_max: 1, ..stage.spec("shop").intensity };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        stage.next_starts(Start::Fails);
        running.replace("shop").await.unwrap_err();
        until(&registry, "shop", |record| record.exits.len() == 2).await;
        let record = registry.get("shop").unwrap();
        assert_eq!((record.state, record.generation), (State::Degraded, 1));
        assert_eq!(get(to, "/").await.unwrap().body, "g1");

        stage.next_starts(Start::Good);
        assert_eq!(running.replace("shop").await, Ok(4));
        assert_eq!(registry.get("shop").unwrap().state, State::Running);
        running.stop(Ending::Graceful).await;
    });
}

/// The newest generation is ahead of the one that serves: it must not be taken for it.
#[test]
fn a_crash_after_a_failed_replacement_is_answered() {
    on_a_system(async {
        let stage = Stage::new();
        let delay_min = Duration::from_secs(5);
        let intensity = Rule { delay_min, ..Rule::default() };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        stage.next_starts(Start::Fails);
        running.replace("shop").await.unwrap_err();
        stage.next_starts(Start::Good);
        stage.kill(Kill::Panic);
        until_state(&registry, "shop", State::Backoff).await;
        assert_eq!(running.start_again("shop").await, Ok(3), "and need not be waited for");
        running.stop(Ending::Graceful).await;
    });
}
