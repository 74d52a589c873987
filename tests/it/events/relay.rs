//! From the outbox of one service to the inbox of another, whatever breaks in between.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use busbar::events::carry::Carry;
use busbar::events::relay::Drain;
use busbar::events::{Event, debts, inbox, outbox};
use busbar::types::ServiceName::{Analytics, Utilities, Webhooks};
use busbar_http::Problem;
use futures_util::FutureExt;
use serde_json::{Value, json};

use super::house::{FAILED, Listener, PANICKED, REFUSED, by_http, owed, relay, rule, silent};
use super::inbox::post;
use super::outbox::{origin, paid, said, say};
use super::stage::{Stage, eventually, now, on_both};
use crate::support::postgres::Cluster;
use crate::support::system::Engine;

/// Sends as `carry` does, but does not come back from the first `times` exchanges with analytics.
fn cut_off(carry: Carry, times: usize) -> (Carry, Rc<Cell<usize>>) {
    let sent = Rc::new(Cell::new(0));
    let count = sent.clone();
    let cut: Carry = Rc::new(move |listener, batch| {
        let (exchange, count) = (carry(listener, batch), count.clone());
        async move {
            let answer = exchange.await;
            if listener != Analytics {
                return answer;
            }
            count.set(count.get() + 1);
            if count.get() <= times {
                std::future::pending::<()>().await;
            }
            answer
        }
        .boxed_local()
    });
    (cut, sent)
}

on_both! {
    /// Many writers, two relays: each event has its effect once, in the order of its subject.
    async fn every_event_arrives_once_and_in_order(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        let carry = || by_http([(Analytics, listener.peer())]);
        let other = stage.opened_again().await;
        let _relays = [relay(&stage.database, carry(), rule()), relay(&other, carry(), rule())];
        let writers: Vec<_> = (0..4)
            .map(|bill: i64| {
                let stage = stage.clone();
                actix_rt::spawn(async move {
                    for step in 0..12 {
                        say(&stage, &paid(&bill.to_string(), step)).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        eventually("all events to arrive", async || owed(&stage, "analytics").await == 0).await;
        for bill in 0..4 {
            assert_eq!(listener.steps(&bill.to_string()).await, (0..12).collect::<Vec<_>>());
        }
        let heard = inbox::heard(&listener.database, "bill/1", 99).await.unwrap();
        let heard: Vec<Event> = heard.iter().map(|e| serde_json::from_str(e).unwrap()).collect();
        assert_eq!(heard, said(&stage, "1").await);
        other.close().await;
        server.stop(false).await;
    }

    /// Killed after the listener has answered and before that is written down: sent twice, done
    /// once.
    async fn a_kill_between_sending_and_noting_is_harmless(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        say(&stage, &paid("1", 1)).await;
        // What the dead one had done: claimed, sent, heard the answer.
        let lease = Duration::from_millis(300);
        let claim = debts::claim(&stage.database, Analytics, now(), lease, 9).await.unwrap();
        let event: Value = serde_json::from_str(&claim.debts[0].event).unwrap();
        assert_eq!(post(&listener, "billing", &json!([event])).await.0, 200);
        assert_eq!((listener.effects().await, owed(&stage, "analytics").await), (1, 1));

        let (carry, sent) = cut_off(by_http([(Analytics, listener.peer())]), 0);
        let _running = relay(&stage.database, carry, rule());
        eventually("the second delivery", async || owed(&stage, "analytics").await == 0).await;
        assert_eq!((sent.get(), listener.effects().await), (1, 1));
        server.stop(false).await;
    }

    /// While a request is out its events stay with their relay, however long it takes; when the
    /// relay falls, they come free at once.
    async fn a_living_relay_keeps_what_it_carries(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        let (carry, sent) = cut_off(by_http([(Analytics, listener.peer())]), 1);
        let lease = Duration::from_secs(1);
        let rule = || busbar::events::round::Rule { lease, ..rule() };
        let first = relay(&stage.database, carry.clone(), rule());
        say(&stage, &paid("1", 1)).await;
        eventually("the first exchange", async || sent.get() == 1).await;
        let second = relay(&stage.database, carry, rule());
        // Longer than a lease; the second one polls all the while.
        tokio::time::sleep(lease * 5 / 2).await;
        assert_eq!((sent.get(), owed(&stage, "analytics").await), (1, 1));

        first.fall().await;
        eventually("the second delivery", async || owed(&stage, "analytics").await == 0).await;
        assert_eq!((sent.get(), listener.effects().await), (2, 1));
        drop(second);
        server.stop(false).await;
    }

    /// A listener that is down gets everything when it is up.
    async fn a_listener_that_comes_back_misses_nothing(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let running = relay(&stage.database, by_http([(Analytics, listener.peer())]), rule());
        for step in 0..5 {
            say(&stage, &paid("1", step)).await;
        }
        eventually("the metrics to tell", async || {
            let text = running.metrics.text();
            text.contains(r#"busbar_outbox_pending{listener="analytics",service="billing"} 5"#)
        })
        .await;
        let server = listener.start();
        eventually("all to arrive", async || owed(&stage, "analytics").await == 0).await;
        assert_eq!(listener.steps("1").await, [0, 1, 2, 3, 4]);
        server.stop(false).await;
    }

    /// One that takes connections and never answers holds up nobody else.
    async fn a_dead_listener_does_not_delay_another(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        let (_socket, port) = silent();
        let dead = listener.peer_at(port, "billing");
        let carry = by_http([(Analytics, listener.peer()), (Utilities, dead)]);
        let _running = relay(&stage.database, carry, rule());
        for step in 0..5 {
            say(&stage, &paid("1", step)).await;
        }
        // Well before the request to the dead one reaches its limit.
        let arrived = eventually("all to arrive", async || owed(&stage, "analytics").await == 0);
        tokio::time::timeout(rule().request / 2, arrived).await.unwrap();
        assert_eq!(owed(&stage, "utilities").await, 5);
        server.stop(false).await;
    }

    /// A refused event is parked after enough tries, with its subject and nothing else.
    async fn poison_is_parked_and_seen(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        let running = relay(&stage.database, by_http([(Analytics, listener.peer())]), rule());
        let poison = say(&stage, &paid("1", REFUSED)).await;
        say(&stage, &paid("1", 1)).await;
        say(&stage, &paid("2", 2)).await;
        eventually("it to be parked", async || {
            let text = running.metrics.text();
            text.contains(r#"busbar_outbox_parked{listener="analytics",service="billing"} 1"#)
                && listener.effects().await == 1
        })
        .await;
        assert_eq!((listener.steps("1").await, listener.steps("2").await), (vec![], vec![2]));
        let [letter] = debts::parked(&stage.database, 9).await.unwrap().try_into().unwrap();
        assert_eq!((letter.id, letter.error.as_deref()), (poison, Some("step_unknown")));

        listener.is_strict.store(false, SeqCst);
        let retry = stage.database.transaction(async |tx| debts::retry(tx, poison, "analytics").await);
        assert!(retry.await.unwrap());
        eventually("the rest", async || owed(&stage, "analytics").await == 0).await;
        assert_eq!(listener.steps("1").await, [REFUSED, 1]);
        server.stop(false).await;
    }

    /// Failures and panics of an effect are tried again for as long as it takes.
    async fn what_fails_is_tried_until_it_works(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        let running = relay(&stage.database, by_http([(Analytics, listener.peer())]), rule());
        say(&stage, &paid("1", FAILED)).await;
        say(&stage, &paid("2", PANICKED)).await;
        say(&stage, &paid("3", 3)).await;
        eventually("many failures", async || {
            let failed = r#"busbar_outbox_settled_total{listener="analytics",result="postponed""#;
            let text = running.metrics.text();
            let line = text.lines().find(|line| line.starts_with(failed)).unwrap_or_default();
            line.rsplit(' ').next().unwrap().parse().unwrap_or(0) > 10
        })
        .await;
        assert_eq!(listener.steps("3").await, [3]);
        assert!(debts::parked(&stage.database, 9).await.unwrap().is_empty());

        listener.is_strict.store(false, SeqCst);
        eventually("the rest", async || owed(&stage, "analytics").await == 0).await;
        assert_eq!(listener.effects().await, 3);
        server.stop(false).await;
    }

    /// A relay that ends gives back what it has claimed: nobody waits for a lease.
    async fn a_drained_relay_gives_back_what_it_holds(stage: Stage) {
        let listener = Listener::new(&stage).await;
        let server = listener.start();
        let (carry, sent) = cut_off(by_http([(Analytics, listener.peer())]), 1);
        let drain = Duration::from_millis(30);
        let lease = Duration::from_secs(3_600);
        let rule = || busbar::events::round::Rule { drain, lease, ..rule() };
        let first = relay(&stage.database, carry.clone(), rule());
        say(&stage, &paid("1", 1)).await;
        eventually("the first exchange", async || sent.get() == 1).await;
        first.relay.send(Drain).await.unwrap();
        assert!(debts::is_waiting(&stage.database, Analytics, now()).await.unwrap());

        let _second = relay(&stage.database, carry, rule());
        eventually("the second delivery", async || owed(&stage, "analytics").await == 0).await;
        assert_eq!(listener.effects().await, 1);
        server.stop(false).await;
    }

    /// An event that is too large for the road is refused where it is said.
    async fn an_event_has_a_largest_size(stage: Stage) {
        let long = "x".repeat(busbar::events::EVENT_BYTES_MAX);
        let outcome: Result<_, Problem> = stage
            .database
            .transaction(async |tx| outbox::publish(tx, &origin(), &paid(&long, 1)).await)
            .await;
        assert!(outcome.is_err());
        assert_eq!(owed(&stage, Webhooks.as_str()).await, 0);
    }
}

/// The database goes away under a relay and comes back: the relay goes on.
#[actix_rt::test]
async fn a_relay_outlives_its_database() {
    let mut cluster = Cluster::own();
    let stage = Stage::on(Engine::Postgres, &cluster.database("events")).await;
    let heard = Stage::open(Engine::Sqlite).await;
    let listener = Listener::new(&heard).await;
    let server = listener.start();
    let _running = relay(&stage.database, by_http([(Analytics, listener.peer())]), rule());
    say(&stage, &paid("1", 1)).await;
    eventually("the first", async || listener.effects().await == 1).await;

    cluster.stop();
    eventually("the database to be gone", async || debts::backlog(&stage.database).await.is_err())
        .await;
    cluster.start();
    eventually("the database to be back", async || debts::backlog(&stage.database).await.is_ok())
        .await;
    say(&stage, &paid("1", 2)).await;
    eventually("the second", async || listener.steps("1").await == [1, 2]).await;
    server.stop(false).await;
    heard.close().await;
    stage.close().await;
}
