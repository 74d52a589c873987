//! The worker: claims what is due, has it done, and outlives what its handlers do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use actix::Addr;
use busbar::jobs::{self, Desk, Drain, Handlers, Meters, NewJob, Patience, Rule, Worker};
use busbar::storage::{Database, StoreError};
use busbar::types::{Backoff, Clock};
use busbar_actors::monitor::{self, Monitored};
use busbar_http::{Metrics, Problem};

use super::jobs::{
    KIND, claimed_by_another_process, due_at, effect, effects, enqueue, failures, job, state, take,
};
use super::stage::{Stage, eventually, now, on_both};
use crate::support::system::Engine;

fn rule() -> Rule {
    Rule {
        poll: Duration::from_millis(50),
        upkeep: Duration::from_millis(50),
        drain: Duration::from_millis(50),
        ..Rule::default()
    }
}

fn brief() -> Patience {
    Patience { backoff: Backoff { floor_ms: 1, ceiling_ms: 10 }, failures_max: Some(3) }
}

pub(super) struct Working {
    worker: Addr<Worker>,
    metrics: Metrics,
    life: Monitored,
}

fn worker_of(database: &Database, handlers: Handlers, rule: Rule, clock: &Clock) -> Working {
    let metrics = Metrics::new("payments").unwrap();
    let meters = Meters::register(&metrics).unwrap();
    let (database, clock) = (database.clone(), clock.clone());
    let (worker, life) =
        monitor::actor(Worker::new(Desk { database, clock, handlers, meters, rule }));
    Working { worker, metrics, life }
}

pub(super) fn worker(stage: &Stage, handlers: Handlers) -> Working {
    worker_of(&stage.database, handlers, rule(), &Clock::system())
}

on_both! {
    /// Two workers, many jobs: each runs once, and never twice at a time.
    async fn workers_share_the_jobs(stage: Stage) {
        let (running, runs) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
        let other = stage.opened_again().await;
        let workers: Vec<_> = [&stage.database, &other]
            .map(|database| {
                let (running, runs, own) = (running.clone(), runs.clone(), database.clone());
                let handlers = Handlers::new().on(KIND, move |job| {
                    let (running, runs, own) = (running.clone(), runs.clone(), own.clone());
                    async move {
                        assert!(!running.borrow().contains(&job.key), "it runs already");
                        running.borrow_mut().push(job.key.clone());
                        tokio::task::yield_now().await;
                        let done = effect(&own, &job).await;
                        running.borrow_mut().retain(|key| *key != job.key);
                        runs.set(runs.get() + 1);
                        done
                    }
                });
                worker_of(database, handlers, rule(), &Clock::system())
            })
            .into_iter()
            .collect();
        let ids: Vec<_> = futures_util::future::join_all(
            (0..40).map(|key: i32| { let stage = &stage; async move {
                enqueue(stage, &job(&key.to_string())).await.unwrap()
            }}),
        )
        .await;
        eventually("all to be done", async || runs.get() >= 40).await;
        for id in ids {
            assert_eq!(state(&stage, id).await, "done");
        }
        for key in 0..40 {
            assert_eq!(effects(&stage, &key.to_string()).await, 1);
        }
        assert_eq!(runs.get(), 40);
        drop(workers);
        other.close().await;
    }

    /// A handler that panics or fails gives the job back; after enough of that the job is dead,
    /// counted, and an operator can revive it. Its neighbours do not notice.
    async fn failing_handlers_harm_only_their_job(stage: Stage) {
        let is_mended = Rc::new(Cell::new(false));
        let mended = is_mended.clone();
        let database = stage.database.clone();
        let handlers = Handlers::new().on_with(KIND, brief(), move |job| {
            let (mended, database) = (mended.get(), database.clone());
            // A panic before the first await is one, too.
            assert!(mended || job.key != "panics", "a key too far");
            async move {
                match job.key.as_str() {
                    _ if mended => effect(&database, &job).await,
                    "fails" => Err(Problem::internal("no connector")),
                    // Finished for it.
                    _ => Ok(()),
                }
            }
        });
        let working = worker(&stage, handlers);
        let panics = enqueue(&stage, &job("panics")).await.unwrap();
        let fails = enqueue(&stage, &job("fails")).await.unwrap();
        let works = enqueue(&stage, &job("works")).await.unwrap();
        eventually("the metrics to tell", async || {
            working.metrics.text().contains(r#"busbar_jobs_dead{kind="settle_payment",service="payments"} 2"#)
        })
        .await;
        assert_eq!(state(&stage, works).await, "done");
        let dead = jobs::dead(&stage.database, 9).await.unwrap();
        let told: Vec<_> = dead.iter().map(|d| (d.id, d.attempts, d.error.clone().unwrap())).collect();
        assert_eq!(told[0], (panics, 3, "panicked: a key too far".to_owned()));
        assert_eq!(told[1], (fails, 3, "internal: no connector".to_owned()));

        is_mended.set(true);
        let revived = stage.database.transaction(async |tx| {
            Ok::<_, StoreError>((jobs::revive(tx, panics, now()).await?, jobs::revive(tx, works, now()).await?))
        });
        assert_eq!(revived.await.unwrap(), (true, false));
        eventually("the revived one", async || effects(&stage, "panics").await == 1).await;
        let discarded = stage.database.transaction(async |tx| {
            Ok::<_, StoreError>((jobs::discard(tx, fails, now()).await?, jobs::discard(tx, fails, now()).await?))
        });
        assert_eq!(discarded.await.unwrap(), (true, false));
        assert_eq!((state(&stage, fails).await.as_str(), effects(&stage, "fails").await), ("done", 0));
        assert!(jobs::dead(&stage.database, 9).await.unwrap().is_empty());
    }

    /// A long job keeps its lease while its worker lives; when the worker falls, it comes free.
    async fn leases_are_renewed_while_the_holder_lives(stage: Stage) {
        let short = Rule { lease: Duration::from_secs(1), ..rule() };
        let begun = Rc::new(Cell::new(0));
        let handlers = || {
            let begun = begun.clone();
            Handlers::new().on(KIND, move |_| {
                begun.set(begun.get() + 1);
                std::future::pending::<Result<(), Problem>>()
            })
        };
        let other = stage.opened_again().await;
        let first = worker_of(&stage.database, handlers(), short.clone(), &Clock::system());
        enqueue(&stage, &job("1")).await;
        eventually("the first", async || begun.get() == 1).await;
        let second = worker_of(&other, handlers(), short.clone(), &Clock::system());
        // Longer than a lease; the second worker polls all the while.
        tokio::time::sleep(short.lease * 5 / 2).await;
        assert_eq!(begun.get(), 1);

        first.life.abort();
        eventually("the second", async || begun.get() == 2).await;
        drop(second);
        other.close().await;
    }

    /// What a process that was killed had begun is done by another when the lease runs out.
    async fn the_job_of_a_dead_holder_is_done_by_another(stage: Stage) {
        let short = Duration::from_millis(300);
        let id = enqueue(&stage, &job("1")).await.unwrap();
        let begun = stage.database.transaction(async |tx| jobs::take(tx, KIND, "1", short).await);
        let begun = begun.await.unwrap().unwrap();
        let own = stage.database.clone();
        let handlers = Handlers::new().on(KIND, move |job| {
            let own = own.clone();
            async move { effect(&own, &job).await }
        });
        let _working = worker(&stage, handlers);
        eventually("it to be done", async || state(&stage, id).await == "done").await;
        assert_eq!(effects(&stage, "1").await, 1);
        assert_eq!(effect(&stage.database, &begun).await.unwrap_err().code(), "lease_lost");
    }

    /// A worker that ends gives back what it works on, as if it had not begun.
    async fn a_drained_worker_gives_back_what_it_holds(stage: Stage) {
        let begun = Rc::new(Cell::new(0));
        let count = begun.clone();
        let handlers = Handlers::new().on(KIND, move |_| {
            count.set(count.get() + 1);
            std::future::pending::<Result<(), Problem>>()
        });
        let working = worker(&stage, handlers);
        let id = enqueue(&stage, &job("1")).await.unwrap();
        eventually("it to begin", async || begun.get() == 1).await;
        working.worker.send(Drain).await.unwrap();
        assert_eq!(failures(&stage, id).await, 0);
        let taken = take(&stage, "1").await.unwrap();
        assert_eq!((taken.attempts, taken.failures), (1, 1));
    }

    /// A handler may say "later": that is no failure, and the service's clock decides when.
    async fn due_times_go_by_the_services_clock(stage: Stage) {
        let clock = Clock::settable();
        let asked = Rc::new(Cell::new(0));
        let (count, time, database) = (asked.clone(), clock.clone(), stage.database.clone());
        let handlers = Handlers::new().on_with(KIND, brief(), move |job| {
            count.set(count.get() + 1);
            let (later, now) = (time.now().plus(Duration::from_secs(3_600)), time.now());
            let (is_last, database) = (count.get() == 5, database.clone());
            async move {
                let end = database.transaction(async |tx| match is_last {
                    true => jobs::finish(tx, &job, now).await,
                    false => jobs::give_back(tx, &job, later, Some("unknown")).await,
                });
                end.await
            }
        });
        let _working = worker_of(&stage.database, handlers, rule(), &clock);
        let id = enqueue(&stage, &job("1")).await.unwrap();
        for times in 1..5 {
            eventually("it to be asked", async || asked.get() == times).await;
            eventually("it to be given back", async || failures(&stage, id).await == 0).await;
            assert_eq!(state(&stage, id).await, "waiting");
            clock.advance(Duration::from_secs(3_601));
        }
        eventually("it to be done", async || state(&stage, id).await == "done").await;
        assert_eq!(asked.get(), 5);
    }

    /// A job that is due soon is not kept waiting for the poll.
    async fn the_worker_wakes_when_the_next_job_is_due(stage: Stage) {
        let done = Rc::new(Cell::new(None));
        let at = done.clone();
        let handlers = Handlers::new().on(KIND, move |_| {
            at.set(Some(now()));
            async { Ok(()) }
        });
        let rare = Rule { poll: Duration::from_secs(600), ..rule() };
        let _working = worker_of(&stage.database, handlers, rare, &Clock::system());
        let due_at = now().plus(Duration::from_millis(200));
        let id = enqueue(&stage, &NewJob { due_at, ..job("1") }).await.unwrap();
        eventually("it to be done", async || state(&stage, id).await == "done").await;
        assert!(done.get().unwrap() >= due_at);
    }

    /// What a newer release has enqueued is left for it.
    async fn a_kind_without_a_handler_waits(stage: Stage) {
        let _working = worker(&stage, Handlers::new());
        let id = enqueue(&stage, &job("1")).await.unwrap();
        eventually("it to be put aside", async || {
            due_at(&stage, id).await > now().plus(Duration::from_secs(30))
        })
        .await;
        assert_eq!((state(&stage, id).await.as_str(), failures(&stage, id).await), ("waiting", 0));
    }
}

/// On SQLite, which one process holds alone, what a dead process had claimed goes on at once; what
/// another incarnation of this process has claimed stays with it.
#[actix_rt::test]
async fn a_new_process_goes_on_with_the_jobs_of_the_old_one() {
    let stage = Stage::open(Engine::Sqlite).await;
    let ran = Rc::new(RefCell::new(Vec::new()));
    let list = ran.clone();
    let handlers = Handlers::new().on(KIND, move |job| {
        list.borrow_mut().push(job.key);
        async { Ok(()) }
    });
    enqueue(&stage, &job("old")).await;
    take(&stage, "old").await.unwrap();
    claimed_by_another_process(&stage).await;
    enqueue(&stage, &job("ours")).await;
    take(&stage, "ours").await.unwrap();
    let _working = worker(&stage, handlers);
    eventually("the old one", async || *ran.borrow() == ["old"]).await;
    stage.close().await;
}
