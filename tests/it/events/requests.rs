//! Requests that are repeated: done once, answered the same.

use std::cell::RefCell;
use std::time::Duration;

use actix_web::http::Method;
use busbar::requests::{self, Claim, Request};
use busbar_http::{IdempotencyKey, Problem};
use serde_json::json;

use super::stage::{Stage, now, on_both};
use crate::support::system::Engine;

fn request(principal: &str, key: &str, asks: &str) -> Request {
    Request {
        principal: principal.to_owned(),
        key: IdempotencyKey {
            key: key.to_owned(),
            method: Method::POST,
            route: "/payments".to_owned(),
            fingerprint: asks.to_owned(),
        },
    }
}

async fn claim(stage: &Stage, request: &Request, resource: &str) -> Result<Claim, Problem> {
    stage.database.transaction(async |tx| requests::claim(tx, request, resource, now()).await).await
}

async fn finish(stage: &Stage, request: &Request) -> busbar_http::Reply {
    let body = json!({"id": "payment-1", "version": 1});
    stage
        .database
        .transaction(async |tx| requests::finish(tx, request, 201, &body).await)
        .await
        .unwrap()
}

on_both! {
    /// New, running, replayed; and another body under the same key is refused throughout.
    async fn a_repetition_gets_the_same_answer(stage: Stage) {
        let (alice, other) = (request("user/1", "k", "a"), request("user/1", "k", "b"));
        assert!(matches!(claim(&stage, &alice, "payment-1").await, Ok(Claim::New)));
        let Ok(Claim::Running { resource }) = claim(&stage, &alice, "payment-2").await else {
            panic!("the first has no answer yet");
        };
        assert_eq!(resource, "payment-1");
        let reused = claim(&stage, &other, "payment-3").await.unwrap_err();
        assert_eq!((reused.status().as_u16(), reused.code()), (422, "idempotency_key_reused"));

        let first = finish(&stage, &alice).await;
        assert_eq!((first.status, first.is_replayed), (201, false));
        let Ok(Claim::Replay(again)) = claim(&stage, &alice, "payment-4").await else {
            panic!("it has been answered");
        };
        assert_eq!((again.status, again.is_replayed), (201, true));
        assert_eq!(again.body, first.body);
        assert_eq!(claim(&stage, &other, "x").await.unwrap_err().code(), "idempotency_key_reused");
    }

    /// The key belongs to a person, a method and a route.
    async fn keys_of_others_do_not_meet(stage: Stage) {
        let alice = request("user/1", "k", "a");
        let mut elsewhere = alice.clone();
        elsewhere.key.route = "/refunds".to_owned();
        for request in [&alice, &request("user/2", "k", "b"), &elsewhere] {
            assert!(matches!(claim(&stage, request, "r").await, Ok(Claim::New)));
        }
    }

    /// A refusal rolls its claim back: the next try is decided anew, even with another body.
    async fn what_was_refused_is_not_kept(stage: Stage) {
        let alice = request("user/1", "k", "a");
        let refused: Result<(), Problem> = stage
            .database
            .transaction(async |tx| {
                requests::claim(tx, &alice, "payment-1", now()).await?;
                Err(Problem::field("/amount_minor", "amount_below_minimum", "too little"))
            })
            .await;
        assert!(refused.is_err());
        let mended = request("user/1", "k", "b");
        assert!(matches!(claim(&stage, &mended, "payment-2").await, Ok(Claim::New)));
    }

    /// Fifty at once: one is new, all others see what that one made.
    async fn of_parallel_claims_one_is_new(stage: Stage) {
        let tasks: Vec<_> = (0..50)
            .map(|number: i32| {
                let stage = stage.clone();
                actix_rt::spawn(async move {
                    let request = request("user/1", "k", "a");
                    match claim(&stage, &request, &number.to_string()).await.unwrap() {
                        Claim::New => (true, number.to_string()),
                        Claim::Running { resource } => (false, resource),
                        Claim::Replay(_) => panic!("nobody has answered"),
                    }
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        let winners: Vec<_> = outcomes.iter().filter(|(is_new, _)| *is_new).collect();
        assert_eq!(winners.len(), 1);
        assert!(outcomes.iter().all(|(_, resource)| *resource == winners[0].1));
    }

    /// Keys are kept for their time.
    async fn old_keys_are_forgotten(stage: Stage) {
        let alice = request("user/1", "k", "a");
        claim(&stage, &alice, "payment-1").await.unwrap();
        let prune = |before| {
            let stage = stage.clone();
            async move {
                let pruned = stage.database.transaction(async |tx| {
                    requests::prune(tx, before, 9).await
                });
                pruned.await.unwrap()
            }
        };
        assert_eq!(prune(now().minus(Duration::from_secs(60))).await, 0);
        assert_eq!(prune(now().plus(Duration::from_secs(60))).await, 1);
        assert!(matches!(claim(&stage, &alice, "payment-2").await, Ok(Claim::New)));
    }
}

/// On PostgreSQL the second of two claims waits for the first one's transaction, and then sees its
/// answer; when the first is rolled back, the second is new.
#[actix_rt::test]
async fn a_second_claim_waits_for_the_first() {
    for commits in [true, false] {
        let stage = Stage::open(Engine::Postgres).await;
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (go, may_go) = tokio::sync::oneshot::channel::<()>();
        let signals = RefCell::new(Some((begun, may_go)));
        let first = stage.clone();
        let first = actix_rt::spawn(async move {
            let alice = request("user/1", "k", "a");
            let outcome: Result<(), Problem> = first
                .database
                .transaction(async |tx| {
                    requests::claim(tx, &alice, "payment-1", now()).await?;
                    let (begun, may_go) = signals.take().expect("it runs once");
                    begun.send(()).unwrap();
                    may_go.await.map_err(Problem::internal)?;
                    requests::finish(tx, &alice, 201, &json!({"id": "payment-1"})).await?;
                    if commits { Ok(()) } else { Err(Problem::internal("rolled back")) }
                })
                .await;
            assert_eq!(outcome.is_ok(), commits);
        });
        has_begun.await.unwrap();
        let second = stage.clone();
        let second = actix_rt::spawn(async move {
            claim(&second, &request("user/1", "k", "a"), "payment-2").await
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!second.is_finished(), "it waits");
        go.send(()).unwrap();
        first.await.unwrap();
        match second.await.unwrap().unwrap() {
            Claim::Replay(reply) => assert!(commits && reply.body == json!({"id": "payment-1"})),
            Claim::New => assert!(!commits),
            Claim::Running { .. } => panic!("the first has ended"),
        }
        stage.close().await;
    }
}
