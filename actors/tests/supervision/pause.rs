//! A service whose new connections wait because somebody asked, and one that has had time to cool down.

use std::time::Duration;

use actix_rt::time::timeout;
use busbar_actors::{Ending, Hold, Refused, Rule, ServiceSpec, State, Tree};

use crate::stage::{Kill, Stage, Start, address, until, until_state};
use crate::support::{Connection, PATIENCE, get, on_a_system};

/// Nobody is refused meanwhile, and it stays so over a crash.
#[test]
fn connections_of_a_paused_service_wait_until_it_is_resumed() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("shop")]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        let mut kept = Connection::open(to).await.unwrap();
        assert_eq!(kept.get("/").await.unwrap().body, "g1");

        assert_eq!(running.hold("shop", Hold::Pause).await, Ok(1));
        assert_eq!(registry.get("shop").unwrap().state, State::Paused);
        assert_eq!(kept.get("/").await.unwrap().body, "g1", "what is there is served on");
        let waiting = actix_rt::spawn(async move { get(to, "/").await });

        stage.kill(Kill::Panic);
        until(&registry, "shop", |r| r.generation == 2 && r.state == State::Paused).await;
        assert_eq!(running.hold("shop", Hold::Resume).await, Ok(2));
        assert_eq!(registry.get("shop").unwrap().state, State::Running);
        // The second one may have taken it before it was told to pause, too: it answers all the same.
        let answer = timeout(PATIENCE, waiting).await.unwrap().unwrap();
        assert_eq!(answer.unwrap().body, "g2");

        running.stop_one("shop", Ending::Graceful).await.unwrap();
        assert_eq!(running.hold("shop", Hold::Pause).await, Err(Refused::NotRunning));
        running.stop(Ending::Graceful).await;
    });
}

/// Given up, it is tried again after a while, with all its chances.
#[test]
fn a_service_that_has_failed_is_tried_again_when_it_has_cooled_down() {
    on_a_system(async {
        let stage = Stage::new();
        stage.next_starts(Start::Fails);
        let delay = Duration::from_millis(10);
        let intensity =
            Rule { failures_max: 1, delay_min: delay, delay_max: delay, ..Rule::default() };
        let cool_down = Some(Duration::from_millis(200));
        let spec = ServiceSpec { intensity, cool_down, ..stage.spec("shop") };
        let tree = Tree::new().tier([spec]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        until_state(&registry, "shop", State::Failed).await;
        let built = stage.built().len();
        assert_eq!(built, 2);
        until(&registry, "shop", |record| record.generation > built as u64).await;
        until_state(&registry, "shop", State::Failed).await;

        stage.next_starts(Start::Good);
        let record = until_state(&registry, "shop", State::Running).await;
        assert!(record.generation >= 4, "{record:?}");
        assert_eq!(get(address(&registry, "shop"), "/").await.unwrap().status, 200);
        running.stop(Ending::Graceful).await;
    });
}

/// Whoever stops a service that has failed does not want it back.
#[test]
fn a_stopped_service_does_not_come_back_by_itself() {
    on_a_system(async {
        let stage = Stage::new();
        stage.next_starts(Start::Fails);
        let cool_down = Some(Duration::from_millis(50));
        let intensity = Rule { failures_max: 0, ..Rule::default() };
        let tree = Tree::new().tier([ServiceSpec { intensity, cool_down, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        until_state(&registry, "shop", State::Failed).await;
        running.stop_one("shop", Ending::Graceful).await.unwrap();
        let built = stage.built().len();
        actix_rt::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(stage.built().len(), built);
        assert_eq!(registry.get("shop").unwrap().state, State::Stopped);
        running.stop(Ending::Graceful).await;
    });
}
