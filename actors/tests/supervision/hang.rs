//! Incarnations that no longer answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use busbar_actors::{Ending, Reason, Refused, Rule, ServiceSpec, State, Tree};

use crate::stage::{Stage, Start, address, until};
use crate::support::{Answer, Connection, eventually, get, on_a_system};

/// One worker, blocked: nothing it has taken can be answered, and whoever waits is told so.
#[test]
fn a_hung_incarnation_is_cut_off_and_replaced() {
    on_a_system(async {
        let stage = Stage::new();
        let spec = stage.spec("shop");
        let upstream = Arc::clone(&spec.upstream);
        let tree = Tree::new().tier([spec]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        let (cut, pool) = (upstream.cut(), upstream.pool());
        let blocked = block(to).await;
        assert_eq!(running.hung("shop").await, Ok(2));
        assert!(cut.has_changed().unwrap());
        assert!(upstream.pool() > pool);
        for _ in 0..20 {
            assert_eq!(get(to, "/").await.unwrap().body, "g2");
        }
        let record = registry.get("shop").unwrap();
        assert_eq!(record.exits.last().unwrap().exit.reason, Reason::Hung);
        assert_eq!(record.restarts_in_window, 1);
        running.stop(Ending::Graceful).await;
        blocked.abort();
    });
}

/// Half a service is better than none: what was paused goes on if nothing takes its place.
#[test]
fn a_hung_incarnation_is_resumed_when_its_successor_does_not_come_up() {
    on_a_system(async {
        let stage = Stage::new();
        let intensity = Rule { delay_min: Duration::from_secs(1), ..Rule::default() };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let registry = tree.registry();
        let running = tree.start().await.unwrap();
        stage.next_starts(Start::Fails);
        running.hung("shop").await.unwrap_err();
        // The pause takes a moment to show: one answer would prove nothing.
        for _ in 0..50 {
            assert_eq!(get(address(&registry, "shop"), "/").await.unwrap().body, "g1");
        }
        stage.next_starts(Start::Good);
        until(&registry, "shop", |r| r.generation > 1 && r.state == State::Running).await;
        running.stop(Ending::Graceful).await;
    });
}

/// Its acceptor would take them to a worker that never answers.
#[test]
fn connections_to_a_hung_incarnation_wait_for_its_successor() {
    on_a_system(async {
        let stage = Stage::new();
        let tree = Tree::new().tier([stage.spec("shop")]);
        let (registry, handle) = (tree.registry(), tree.handle());
        let running = tree.start().await.unwrap();
        let to = address(&registry, "shop");
        let blocked = block(to).await;
        stage.next_starts(Start::Hangs);
        let replacing = actix_rt::spawn(async move { handle.hung("shop").await });
        until(&registry, "shop", |record| record.restarts == 1).await;
        let mut waiting = Vec::new();
        for _ in 0..30 {
            let mut connection = Connection::open(to).await.expect("not refused");
            connection.send("/").await.unwrap();
            waiting.push(connection);
            sleep(Duration::from_millis(5)).await;
        }
        stage.next_starts(Start::Good);
        assert_eq!(replacing.await.unwrap(), Ok(2));
        // The first may have come before the pause showed.
        assert_eq!(waiting.pop().unwrap().answer().await.unwrap().body, "g2");
        running.stop(Ending::Graceful).await;
        blocked.abort();
    });
}

/// Makes the only worker sleep, and waits until that shows.
async fn block(to: SocketAddr) -> actix_rt::task::JoinHandle<io::Result<Answer>> {
    let blocked = actix_rt::spawn(async move { get(to, "/hang/3000").await });
    eventually("it hangs", async || {
        timeout(Duration::from_millis(100), get(to, "/")).await.is_err()
    })
    .await;
    blocked
}

/// It hangs while its successor is on its way, and that was once too often.
#[test]
fn a_service_that_is_given_up_does_not_come_up_by_accident() {
    on_a_system(async {
        let stage = Stage::new();
        let intensity = Rule { failures_max: 0, ..Rule::default() };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let (registry, handle) = (tree.registry(), tree.handle());
        let running = tree.start().await.unwrap();
        stage.next_starts(Start::Hangs);
        let replacing = actix_rt::spawn(async move { handle.replace("shop").await });
        until(&registry, "shop", |record| record.restarts == 1).await;
        assert_eq!(running.hung("shop").await, Err(Refused::NotRunning));
        assert_eq!(replacing.await.unwrap(), Err(Refused::NotRunning));
        assert_eq!(registry.get("shop").unwrap().state, State::Failed);

        stage.next_starts(Start::Good);
        eventually("its port is closed", async || {
            get(address(&registry, "shop"), "/").await.is_err()
        })
        .await;
        assert_eq!(running.start_again("shop").await, Ok(3));
        assert_eq!(get(address(&registry, "shop"), "/").await.unwrap().body, "g3");
        running.stop(Ending::Graceful).await;
    });
}

/// Its port is still being let go of: whoever starts it again waits for that.
#[test]
fn a_service_that_was_just_given_up_can_be_started_again() {
    on_a_system(async {
        let stage = Stage::new();
        let intensity = Rule { failures_max: 0, ..Rule::default() };
        let tree = Tree::new().tier([ServiceSpec { intensity, ..stage.spec("shop") }]);
        let (registry, running) = (tree.registry(), tree.start().await.unwrap());
        for generation in 2..6 {
            assert_eq!(running.hung("shop").await, Err(Refused::NotRunning));
            assert_eq!(running.start_again("shop").await, Ok(generation));
            let answer = get(address(&registry, "shop"), "/").await.unwrap();
            assert_eq!(answer.body, format!("g{generation}"));
        }
        running.stop(Ending::Graceful).await;
    });
}
