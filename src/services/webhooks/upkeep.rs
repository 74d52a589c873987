//! Once an hour the service forgets deliveries that were settled long since, and gives up what a process
//! that was killed has left for endpoints that are called no more. Does I/O: a durable job.

use std::sync::Arc;
use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Handlers, Job, NewJob, Patience};

use super::dispatch::ENDPOINT_DISABLED;
use super::{Webhooks, store};

const KIND: &str = "webhooks.forget";
const KEY: &str = "all";
const INTERVAL: Duration = Duration::from_secs(3_600);
/// Rows of a kind in one transaction: others wait for it.
const ROWS_MAX: u32 = 1_000;

/// Makes sure that the job is there.
pub(super) async fn begin(webhooks: &Webhooks) -> Result<(), Problem> {
    let now = webhooks.clock.now();
    let due_at = now.plus(INTERVAL);
    let job = NewJob::bare(KIND, KEY, due_at);
    let enqueued =
        webhooks.database.transaction(async |tx| jobs::enqueue(tx, &job, now).await).await?;
    log::debug!("{KIND}: {}", if enqueued.is_some() { "enqueued" } else { "there" });
    Ok(())
}

pub(super) fn handlers(webhooks: &Arc<Webhooks>) -> Handlers {
    let webhooks = webhooks.clone();
    Handlers::new().on_with(KIND, Patience::endless(), move |job| {
        let webhooks = webhooks.clone();
        async move { forget(&webhooks, &job).await }
    })
}

/// Forgets a bounded part; what is left over waits for the next round, which then comes at once.
async fn forget(webhooks: &Webhooks, job: &Job) -> Result<(), Problem> {
    let now = webhooks.clock.now();
    let before = now.minus(webhooks.retention);
    let round = webhooks.database.transaction(async |tx| {
        store::upkeep::give_up(tx, ENDPOINT_DISABLED, now).await?;
        let forgotten = store::upkeep::forget(tx, before, ROWS_MAX).await?;
        let is_more = forgotten.iter().any(|rows| *rows >= u64::from(ROWS_MAX));
        let next = if is_more { now } else { now.plus(INTERVAL) };
        jobs::give_back(tx, job, next, None).await
    });
    round.await
}
