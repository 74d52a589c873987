//! The durable jobs of the service. Once an hour it forgets what means nothing any more. Does I/O.

use std::sync::Arc;
use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Handlers, Job, NewJob};
use crate::types::Timestamp;

use super::Users;
use super::handlers::reset::{self as forgotten, ASKED};
use super::store::{reset, session, throttle, verification};

const KIND: &str = "users.forget";
const KEY: &str = "all";
const INTERVAL: Duration = Duration::from_secs(3_600);
/// Sessions and proofs that are over are kept for questions.
const KEPT_FOR: Duration = Duration::from_secs(30 * 86_400);
/// Rows of a kind in one transaction: others wait for it.
const ROWS_MAX: u32 = 1_000;

/// Makes sure that the job is there.
pub(super) async fn begin(users: &Users) -> Result<(), Problem> {
    let now = users.clock.now();
    let due_at = now.plus(INTERVAL);
    let job = NewJob::bare(KIND, KEY, due_at);
    let enqueued =
        users.database.transaction(async |tx| jobs::enqueue(tx, &job, now).await).await?;
    log::debug!("users.forget: {}", if enqueued.is_some() { "enqueued" } else { "there" });
    Ok(())
}

pub(super) fn handlers(users: &Arc<Users>) -> Handlers {
    let (users, askers) = (users.clone(), users.clone());
    let forgets = move |job| {
        let users = users.clone();
        async move { forget(&users, &job).await }
    };
    let asks = move |job| {
        let users = askers.clone();
        async move { forgotten::ask(&users, &job).await }
    };
    Handlers::new().on(KIND, forgets).on(ASKED, asks)
}

/// Forgets a bounded part; what is left over waits for the next round, which then comes at once.
async fn forget(users: &Users, job: &Job) -> Result<(), Problem> {
    let now = users.clock.now();
    let (old, failures) = (now.minus(KEPT_FOR), now.minus(users.schedule.forget_after));
    let round = users.database.transaction(async |tx| {
        let forgotten = [
            session::forget(tx, old, ROWS_MAX).await?,
            verification::forget(tx, old, ROWS_MAX).await?,
            reset::forget(tx, old, ROWS_MAX).await?,
            throttle::forget(tx, failures, now, ROWS_MAX).await?,
        ];
        jobs::give_back(tx, job, next(&forgotten, now), None).await
    });
    round.await
}

fn next(forgotten: &[u64], now: Timestamp) -> Timestamp {
    let is_more = forgotten.iter().any(|rows| *rows >= u64::from(ROWS_MAX));
    if is_more { now } else { now.plus(INTERVAL) }
}
