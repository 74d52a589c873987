//! Jobs: one at a time, one holder, one end.

use std::time::Duration;

use busbar::jobs::{self, Job, Lane, NewJob};
use busbar::storage::{Database, params, sql};
use busbar::types::{JobId, Timestamp};
use busbar_http::Problem;
use serde_json::json;

use super::stage::{Stage, now, on_both};

sql! {
    STATE = "SELECT state AS value FROM jobs WHERE id = $1";
    FAILURES = "SELECT failures AS value FROM jobs WHERE id = $1";
    DUE = "SELECT due_at AS value FROM jobs WHERE id = $1";
    EFFECTS = "SELECT COUNT(*) AS value FROM audit WHERE subject = $1";
    EXPIRE = "UPDATE jobs SET lease_until = 0";
    FOREIGN = "UPDATE jobs SET lease_owner = '00000000-0000-7000-8000-000000000000/1'";
}

pub(crate) const KIND: &str = "settle_payment";
const LEASE: Duration = Duration::from_secs(30);

pub(crate) fn job(key: &str) -> NewJob {
    NewJob::new(KIND, key, &json!({"step": 1}), now()).unwrap()
}

pub(crate) async fn enqueue(stage: &Stage, job: &NewJob) -> Option<JobId> {
    stage.database.transaction(async |tx| jobs::enqueue(tx, job, now()).await).await.unwrap()
}

async fn claim(database: &Database, limit: usize) -> Vec<Job> {
    let claimed =
        database.transaction(async |tx| jobs::claim(tx, Lane::COMMON, now(), LEASE, limit).await);
    claimed.await.unwrap()
}

pub(crate) async fn take(stage: &Stage, key: &str) -> Option<Job> {
    stage.database.transaction(async |tx| jobs::take(tx, KIND, key, LEASE).await).await.unwrap()
}

async fn finish(database: &Database, job: &Job) -> Result<(), Problem> {
    database.transaction(async |tx| jobs::finish(tx, job, now()).await).await
}

/// The effect of a job, and its end, in one transaction.
pub(crate) async fn effect(database: &Database, job: &Job) -> Result<(), Problem> {
    let entry = busbar::audit::Entry {
        actor: "system".to_owned(),
        action: "job.done",
        subject: job.key.clone(),
        request_id: None,
        at: now(),
        details: json!({}),
    };
    database
        .transaction(async |tx| {
            busbar::audit::record(tx, &entry).await?;
            jobs::finish(tx, job, now()).await
        })
        .await
}

pub(crate) async fn effects(stage: &Stage, key: &str) -> i64 {
    stage.database.one::<(i64,)>(EFFECTS, params![key]).await.unwrap().0
}

pub(crate) async fn state(stage: &Stage, id: JobId) -> String {
    stage.database.one::<(String,)>(STATE, params![id]).await.unwrap().0
}

pub(crate) async fn failures(stage: &Stage, id: JobId) -> i64 {
    stage.database.one::<(i64,)>(FAILURES, params![id]).await.unwrap().0
}

pub(crate) async fn due_at(stage: &Stage, id: JobId) -> Timestamp {
    stage.database.one::<(Timestamp,)>(DUE, params![id]).await.unwrap().0
}

/// Lets all leases run out.
async fn expire(stage: &Stage) {
    let changed = stage.database.transaction(async |tx| tx.execute(EXPIRE, params![]).await);
    changed.await.unwrap();
}

/// Makes all leases those of a process that is gone.
pub(crate) async fn claimed_by_another_process(stage: &Stage) {
    let changed = stage.database.transaction(async |tx| tx.execute(FOREIGN, params![]).await);
    changed.await.unwrap();
}

on_both! {
    /// One unfinished job of a kind and key; a finished one makes room.
    async fn a_job_is_enqueued_once_while_it_is_unfinished(stage: Stage) {
        assert!(enqueue(&stage, &job("1")).await.is_some());
        assert!(enqueue(&stage, &job("1")).await.is_none());
        assert!(enqueue(&stage, &job("2")).await.is_some());
        let taken = take(&stage, "1").await.unwrap();
        assert!(enqueue(&stage, &job("1")).await.is_none());
        finish(&stage.database, &taken).await.unwrap();
        assert!(enqueue(&stage, &job("1")).await.is_some());
    }

    /// Many claimers at once: no job is in two hands.
    async fn parallel_claims_share_nothing(stage: Stage) {
        for key in 0..40 {
            enqueue(&stage, &job(&key.to_string())).await;
        }
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let database = stage.database.clone();
                actix_rt::spawn(async move { claim(&database, 10).await })
            })
            .collect();
        let mut keys = Vec::new();
        for task in tasks {
            keys.extend(task.await.unwrap().into_iter().map(|job| job.key));
        }
        keys.extend(claim(&stage.database, 99).await.into_iter().map(|job| job.key));
        assert_eq!(keys.len(), 40);
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 40);
    }

    /// The request that enqueued a job can take it before the worker does, due or not.
    async fn a_job_is_taken_by_one_only(stage: Stage) {
        let later = NewJob { due_at: now().plus(LEASE), ..job("1") };
        enqueue(&stage, &later).await;
        assert!(claim(&stage.database, 9).await.is_empty(), "not due");
        let taken = take(&stage, "1").await.unwrap();
        assert_eq!((taken.attempts, taken.failures), (1, 1));
        assert_eq!(taken.read::<serde_json::Value>().unwrap(), json!({"step": 1}));
        assert!(take(&stage, "1").await.is_none());
        assert!(take(&stage, "2").await.is_none());
    }

    /// Who lost the lease ends nothing, and its effect goes with it.
    async fn a_lost_lease_cannot_finish(stage: Stage) {
        let id = enqueue(&stage, &job("1")).await.unwrap();
        let first = take(&stage, "1").await.unwrap();
        expire(&stage).await;
        let second = take(&stage, "1").await.unwrap();

        assert_eq!(effect(&stage.database, &first).await.unwrap_err().code(), "lease_lost");
        let renewed = stage.database.transaction(async |tx| jobs::renew(tx, &first, LEASE).await);
        assert!(!renewed.await.unwrap());
        let back = stage
            .database
            .transaction(async |tx| jobs::give_back(tx, &first, now(), None).await);
        assert_eq!(back.await.unwrap_err().code(), "lease_lost");
        assert_eq!((state(&stage, id).await.as_str(), effects(&stage, "1").await), ("waiting", 0));

        effect(&stage.database, &second).await.unwrap();
        assert_eq!((state(&stage, id).await.as_str(), effects(&stage, "1").await), ("done", 1));
    }
}
