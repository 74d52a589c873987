//! Order of start and stop, and what keeps a tree from starting.

use std::sync::{Arc, Barrier};

use busbar_actors::{Ending, Incarnation, Reason, ServiceSpec, State, Tree, factory, socket};

use crate::stage::{Stage, Start, address, until};
use crate::support::{LOCAL, get, on_a_system};

#[test]
fn tiers_start_one_after_another_and_stop_in_reverse() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new()
            .tier([stage.spec("store")])
            .tier([stage.spec("shop")])
            .tier([stage.spec("door")]);
        let running = tree.start().await.unwrap();
        assert!(running.stop(Ending::Graceful).await.is_empty());
        let log = stage.log.lock().unwrap().clone();
        assert_eq!(log, ["store up", "shop up", "door up", "door down", "shop down", "store down"]);
    });
}

/// Each waits for the other: one after the other they would never be up.
#[test]
fn members_of_a_tier_start_together() {
    on_a_system(async {
        let (both, stage) = (Arc::new(Barrier::new(2)), Stage::new());
        let meeting = |name| {
            let (both, inner) = (both.clone(), stage.spec(name).factory);
            let run = factory(move |incarnation: Incarnation| {
                both.wait();
                inner(incarnation)
            });
            ServiceSpec { factory: run, ..stage.spec(name) }
        };
        let tree = Tree::new().tier([meeting("left"), meeting("right")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        assert!(registry.snapshot().iter().all(|service| service.state == State::Running));
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn a_service_that_does_not_come_up_does_not_hold_up_the_next_tier() {
    on_a_system(async {
        let (broken, well) = (Stage::new(), Stage::new());
        broken.next_starts(Start::Fails);
        let tree = Tree::new().tier([broken.spec("broken")]).tier([well.spec("well")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        assert_eq!(registry.get("well").unwrap().state, State::Running);
        let first = registry.get("broken").unwrap().exits.remove(0);
        assert_eq!(
            (first.exit.reason, first.exit.message.as_str()),
            (Reason::Error, "no database")
        );

        broken.next_starts(Start::Good);
        until(&registry, "broken", |record| record.state == State::Running).await;
        running.stop(Ending::Graceful).await;
    });
}

#[test]
fn every_port_in_use_is_told_at_once_and_nothing_is_started() {
    on_a_system(async {
        let taken = [(); 2].map(|()| socket::listen((LOCAL, 0).into()).unwrap());
        let stage = Stage::new();
        let on = |name, i: usize| {
            let address = taken[i].local_addr().unwrap();
            ServiceSpec { address, ..stage.spec(name) }
        };
        let tree = Tree::new().tier([stage.spec("free"), on("one", 0)]).tier([on("two", 1)]);
        let faults = tree.start().await.err().unwrap();
        let names: Vec<_> = faults.0.iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["one", "two"]);
        assert!(faults.to_string().contains("one cannot listen on 127.0.0.1:"), "{faults}");
        assert!(stage.built().is_empty());
    });
}

#[test]
fn a_name_is_used_once() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("twin"), stage.spec("twin")]);
        assert_eq!(tree.start().await.err().unwrap().0.len(), 1);
    });
}

/// Whatever an incarnation does first (migrations) is done before anybody can connect.
#[test]
fn a_port_opens_when_its_incarnation_is_ready_for_it() {
    on_a_system(async {
        let stage = Stage::new();
        stage.next_starts(Start::Hangs);
        let tree = Tree::new().tier([stage.spec("shop")]);
        let registry = tree.registry();
        let starting = actix_rt::spawn(tree.start());
        until(&registry, "shop", |record| record.state == State::Starting).await;
        assert!(get(address(&registry, "shop"), "/").await.is_err());
        stage.next_starts(Start::Good);
        let running = starting.await.unwrap().unwrap();
        assert_eq!(get(address(&registry, "shop"), "/").await.unwrap().body, "g1");
        running.stop(Ending::Graceful).await;
    });
}
