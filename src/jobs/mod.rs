//! Work that outlives requests and processes: enqueued in the transaction that makes it due,
//! worked on under a lease, finished in the transaction of its effect.
//!
//! Reading order: this file (enqueue), `lane` (what waits for whom), `lease` (claim, renew, finish, give
//! back), `handlers` (what is done for each kind), `worker` (the actor that does it).

mod handlers;
mod lane;
mod lease;
mod meters;
mod perform;
mod worker;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::storage::{Database, Script, Statement, StoreError, Transaction, params, record, sql};
use crate::types::{Clock, Holder, JobId, Timestamp};

pub use handlers::{Handlers, Patience};
pub use lane::Lane;
pub use lease::{claim, finish, give_back, renew, take};
pub use meters::Meters;
pub use perform::{Desk, Rule};
pub use worker::{Drain, Worker};

/// Jobs, requests and audit, laid into every service's database.
pub const SCRIPT: Script = Script {
    version: 2,
    name: "jobs",
    text: include_str!("../../migrations/common/0002_jobs.sql"),
};
/// The lanes of jobs, laid over them.
pub const LANES: Script = Script {
    version: 4,
    name: "lanes",
    text: include_str!("../../migrations/common/0004_lanes.sql"),
};

sql! {
    ENQUEUE = "INSERT INTO jobs (id, kind, key, payload, state, due_at, attempts, failures,
                                 lease_until, created_at, lane)
               VALUES ($1, $2, $3, $4, 'waiting', $5, 0, 0, 0, $6, $7)
               ON CONFLICT (kind, key) WHERE state = 'waiting' DO NOTHING";
    HASTEN = "UPDATE jobs SET due_at = $3
              WHERE kind = $1 AND key = $2 AND state = 'waiting' AND due_at > $3";
    NEXT_DUE = "SELECT MIN(due_at) AS value FROM jobs
                WHERE state = 'waiting' AND lane = $2 AND lease_until <= $1";
    BACKLOG = "SELECT kind,
                      CAST(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END) AS BIGINT)
                          AS waiting,
                      CAST(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END) AS BIGINT) AS dead,
                      MIN(CASE WHEN state = 'waiting' THEN due_at END) AS next_due_at
               FROM jobs WHERE state IN ('waiting', 'dead') GROUP BY kind ORDER BY kind";
    DEAD = "SELECT id, kind, key, payload, attempts, error FROM jobs
            WHERE state = 'dead' ORDER BY id LIMIT $1";
    REVIVE = "UPDATE jobs SET state = 'waiting', failures = 0, due_at = $2, finished_at = NULL
              WHERE id = $1 AND state = 'dead' AND NOT EXISTS (
                  SELECT 1 FROM jobs AS newer WHERE newer.kind = jobs.kind
                     AND newer.key = jobs.key AND newer.state = 'waiting')";
    DISCARD = "UPDATE jobs SET state = 'done', finished_at = $2 WHERE id = $1 AND state = 'dead'";
    OLD = "SELECT id AS value FROM jobs WHERE state = 'done' AND finished_at < $1 LIMIT 1";
    PRUNE = "DELETE FROM jobs WHERE id IN (
                 SELECT id FROM jobs WHERE state = 'done' AND finished_at < $1
                 ORDER BY finished_at LIMIT $2)";
}

/// All statements on jobs, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    [STATEMENTS, lease::STATEMENTS].concat()
}

/// A job to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// What is to be done: `settle_payment`.
    pub kind: &'static str,
    /// To what: there is one unfinished job of a kind and key at a time.
    pub key: String,
    pub payload: Value,
    pub due_at: Timestamp,
    pub lane: Lane,
}

/// A job under a lease of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    pub kind: String,
    pub key: String,
    pub payload: String,
    pub due_at: Timestamp,
    pub lane: Lane,
    /// How often it was begun, this time included.
    pub attempts: u32,
    /// How often in a row it was begun and came to no end on purpose, this time included.
    pub failures: u32,
    pub holder: Holder,
}

/// A job that failed too often.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadJob {
    pub id: JobId,
    pub kind: String,
    pub key: String,
    pub payload: String,
    pub attempts: u32,
    pub error: Option<String>,
}
record! { DeadJob { id, kind, key, payload, attempts, error } }

/// The unfinished jobs of a kind, and the dead ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Backlog {
    pub kind: String,
    pub waiting: i64,
    pub dead: i64,
    pub next_due_at: Option<Timestamp>,
}
record! { Backlog { kind, waiting, dead, next_due_at } }

impl NewJob {
    /// A job with a payload of its own type.
    pub fn new(
        kind: &'static str,
        key: impl ToString,
        payload: &impl Serialize,
        due_at: Timestamp,
    ) -> Result<NewJob, serde_json::Error> {
        let (key, payload) = (key.to_string(), serde_json::to_value(payload)?);
        Ok(NewJob { payload, ..NewJob::bare(kind, &key, due_at) })
    }

    /// A job that its kind and key say all of.
    pub fn bare(kind: &'static str, key: &str, due_at: Timestamp) -> NewJob {
        NewJob { kind, key: key.to_owned(), payload: Value::Null, due_at, lane: Lane::COMMON }
    }

    /// The same in another lane.
    pub fn in_lane(self, lane: Lane) -> NewJob {
        NewJob { lane, ..self }
    }
}

impl Job {
    /// The payload as the type it was made from.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }
}

/// Enqueues a job as part of the caller's transaction. `None`: one of its kind and key is
/// unfinished, and stays as it is.
pub async fn enqueue(
    tx: &mut Transaction<'_>,
    job: &NewJob,
    now: Timestamp,
) -> Result<Option<JobId>, StoreError> {
    let id = JobId::new();
    let payload = job.payload.to_string();
    let NewJob { kind, key, due_at, lane, .. } = job;
    let values = params![id, kind, key, payload, due_at, now, lane];
    let added = tx.execute(ENQUEUE, values).await?;
    Ok((added == 1).then_some(id))
}

/// Makes an unfinished job due earlier. False when there is none that is due later.
pub async fn hasten(
    tx: &mut Transaction<'_>,
    kind: &str,
    key: &str,
    due_at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(HASTEN, params![kind, key, due_at]).await? == 1)
}

/// When the next job of a lane is due that nobody works on.
async fn next_due(database: &Database, lane: Lane) -> Result<Option<Timestamp>, StoreError> {
    let system = Clock::system().now();
    let (due_at,): (Option<Timestamp>,) = database.one(NEXT_DUE, params![system, lane]).await?;
    Ok(due_at)
}

pub async fn backlog(database: &Database) -> Result<Vec<Backlog>, StoreError> {
    database.all(BACKLOG, params![]).await
}

/// Jobs that failed too often, oldest first.
pub async fn dead(database: &Database, limit: u32) -> Result<Vec<DeadJob>, StoreError> {
    database.all(DEAD, params![limit]).await
}

/// Gives a dead job another row of tries. False when it is not dead, or has a successor.
pub async fn revive(
    tx: &mut Transaction<'_>,
    id: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(REVIVE, params![id, now]).await? == 1)
}

/// Lets a dead job go undone. False when it is not dead.
pub async fn discard(
    tx: &mut Transaction<'_>,
    id: JobId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(DISCARD, params![id, now]).await? == 1)
}

/// Whether there is something to forget. A read: it disturbs no writer.
pub async fn is_old(database: &Database, before: Timestamp) -> Result<bool, StoreError> {
    let old: Option<(JobId,)> = database.optional(OLD, params![before]).await?;
    Ok(old.is_some())
}

/// Forgets jobs done before `before`, at most `limit`. Dead ones stay. How many it were.
pub async fn prune(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(PRUNE, params![before, limit]).await
}
