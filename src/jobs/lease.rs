//! The lease on a job: who has it works on it, and only he can end it.
//!
//! Every statement that ends or prolongs a lease names its holder: once it ran out and someone
//! else has claimed the job, the earlier holder changes nothing. Leases go by the system's clock,
//! due times by the service's: a clock that was set shall not end leases.

use std::time::Duration;

use busbar_http::{Problem, problems};

use crate::storage::{Database, FromRow, Row, StoreError, Transaction, params, sql};
use crate::types::{Clock, Holder, JobId, Timestamp};

use super::{Job, Lane};

problems! {
    LEASE_LOST => 409 "lease_lost" "someone else works on this by now";
}

sql! {
    WAITING = "SELECT id AS value FROM jobs
               WHERE state = 'waiting' AND lane = $3 AND due_at <= $1 AND lease_until <= $2
               ORDER BY due_at, id LIMIT 1";
    // The guard on the outer row is checked again when another claim held the row first. What is due is
    // looked up once, whatever PostgreSQL believes of the length of the queue.
    CLAIM = "WITH due AS MATERIALIZED (
                 SELECT id FROM jobs
                 WHERE state = 'waiting' AND lane = $6 AND due_at <= $1 AND lease_until <= $2
                 ORDER BY due_at, id LIMIT $5)
             UPDATE jobs SET lease_owner = $3, lease_until = $4,
                             attempts = attempts + 1, failures = failures + 1
             WHERE state = 'waiting' AND lease_until <= $2 AND id IN (SELECT id FROM due)
             RETURNING id, kind, key, payload, due_at, lane, attempts, failures, lease_owner";
    TAKE = "UPDATE jobs SET lease_owner = $4, lease_until = $5,
                            attempts = attempts + 1, failures = failures + 1
            WHERE kind = $1 AND key = $2 AND state = 'waiting' AND lease_until <= $3
            RETURNING id, kind, key, payload, due_at, lane, attempts, failures, lease_owner";
    RENEW = "UPDATE jobs SET lease_until = $3
             WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    FINISH = "UPDATE jobs SET state = 'done', finished_at = $3, error = NULL,
                              lease_owner = NULL, lease_until = 0
              WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    GIVE_BACK = "UPDATE jobs SET due_at = $3, failures = 0, error = $4,
                                 lease_owner = NULL, lease_until = 0
                 WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    FAILED = "UPDATE jobs SET due_at = $3, error = $4, lease_owner = NULL, lease_until = 0
              WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    BURY = "UPDATE jobs SET state = 'dead', finished_at = $3, error = $4,
                            lease_owner = NULL, lease_until = 0
            WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    UNTRIED = "UPDATE jobs SET attempts = attempts - 1, failures = failures - 1,
                               lease_owner = NULL, lease_until = 0
               WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    HELD = "SELECT id AS value FROM jobs
            WHERE id = $1 AND lease_owner = $2 AND state = 'waiting'";
    RELEASE_OTHERS = "UPDATE jobs SET lease_owner = NULL, lease_until = 0
                      WHERE state = 'waiting' AND lease_owner IS NOT NULL
                        AND SUBSTR(lease_owner, 1, 36) <> $1";
}

impl FromRow for Job {
    fn from_row(row: &Row<'_>) -> Result<Job, StoreError> {
        Ok(Job {
            id: row.get("id")?,
            kind: row.get("kind")?,
            key: row.get("key")?,
            payload: row.get("payload")?,
            due_at: row.get("due_at")?,
            lane: row.get("lane")?,
            attempts: row.get("attempts")?,
            failures: row.get("failures")?,
            holder: Holder::from(row.get::<String>("lease_owner")?),
        })
    }
}

/// Whether a claim would find something. A read: it disturbs no writer.
pub(super) async fn is_waiting(
    database: &Database,
    lane: Lane,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let system = Clock::system().now();
    let job: Option<(JobId,)> = database.optional(WAITING, params![now, system, lane]).await?;
    Ok(job.is_some())
}

/// Claims jobs of a lane that are due, at most `limit`, in the order of their due times.
pub async fn claim(
    tx: &mut Transaction<'_>,
    lane: Lane,
    now: Timestamp,
    lease: Duration,
    limit: usize,
) -> Result<Vec<Job>, StoreError> {
    let system = Clock::system().now();
    let (holder, until) = (Holder::unique(), system.plus(lease));
    let limit = u32::try_from(limit).unwrap_or(u32::MAX);
    let mut jobs: Vec<Job> =
        tx.all(CLAIM, params![now, system, holder.as_str(), until, limit, lane]).await?;
    jobs.sort_by_key(|job| (job.due_at, job.id));
    Ok(jobs)
}

/// Claims this one job now, due or not: for the request that has just enqueued it and means to do
/// it at once. `None`: someone has it, or it is finished.
pub async fn take(
    tx: &mut Transaction<'_>,
    kind: &str,
    key: &str,
    lease: Duration,
) -> Result<Option<Job>, StoreError> {
    let system = Clock::system().now();
    let (holder, until) = (Holder::unique(), system.plus(lease));
    tx.optional(TAKE, params![kind, key, system, holder.as_str(), until]).await
}

/// Prolongs the lease. False when it was lost: stop.
pub async fn renew(
    tx: &mut Transaction<'_>,
    job: &Job,
    lease: Duration,
) -> Result<bool, StoreError> {
    let until = Clock::system().now().plus(lease);
    Ok(tx.execute(RENEW, params![job.id, job.holder.as_str(), until]).await? == 1)
}

/// Ends the job well; in the transaction of its effect. A problem when the lease was lost: then
/// the effect is another's, and this transaction fails with it.
pub async fn finish(tx: &mut Transaction<'_>, job: &Job, now: Timestamp) -> Result<(), Problem> {
    held(end(tx, job, now).await?)
}

/// Ends the job for a handler that did not. False when the lease was lost.
pub(super) async fn end(
    tx: &mut Transaction<'_>,
    job: &Job,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(FINISH, params![job.id, job.holder.as_str(), now]).await? == 1)
}

/// Gives the job back on purpose, to be done again at `due_at`: that is no failure of it. A
/// problem when the lease was lost.
pub async fn give_back(
    tx: &mut Transaction<'_>,
    job: &Job,
    due_at: Timestamp,
    error: Option<&str>,
) -> Result<(), Problem> {
    held(tx.execute(GIVE_BACK, params![job.id, job.holder.as_str(), due_at, error]).await? == 1)
}

fn held(is_held: bool) -> Result<(), Problem> {
    if is_held { Ok(()) } else { Err(LEASE_LOST.problem()) }
}

/// Gives the job back after a failure, which counts.
pub(super) async fn failed(
    tx: &mut Transaction<'_>,
    job: &Job,
    due_at: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    Ok(tx.execute(FAILED, params![job.id, job.holder.as_str(), due_at, error]).await? == 1)
}

/// Gives the job up.
pub(super) async fn bury(
    tx: &mut Transaction<'_>,
    job: &Job,
    now: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    Ok(tx.execute(BURY, params![job.id, job.holder.as_str(), now, error]).await? == 1)
}

/// Gives the job back as if it had not been begun.
pub(super) async fn untried(tx: &mut Transaction<'_>, job: &Job) -> Result<bool, StoreError> {
    Ok(tx.execute(UNTRIED, params![job.id, job.holder.as_str()]).await? == 1)
}

/// Whether the job is still ours, and unfinished.
pub(super) async fn is_held(database: &Database, job: &Job) -> Result<bool, StoreError> {
    let held: Option<(JobId,)> =
        database.optional(HELD, params![job.id, job.holder.as_str()]).await?;
    Ok(held.is_some())
}

/// Ends the leases of earlier processes. Only for a database that one process holds alone.
pub(super) async fn release_others(tx: &mut Transaction<'_>) -> Result<u64, StoreError> {
    tx.execute(RELEASE_OTHERS, params![Holder::process()]).await
}
