//! Looks at the whole from time to time: how many outcomes are unknown, whether the books balance.
//! A durable job of its own, so that one instance does it.

use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Job, NewJob};
use crate::storage::Database;
use crate::types::{Clock, Timestamp};

use super::Payments;
use super::meters::Figures;
use super::store::audit;

pub(crate) const UPKEEP: &str = "look_at_payments";
const KEY: &str = "all";
const EVERY: Duration = Duration::from_secs(30);
/// An outcome that is unknown for longer is for people.
const UNKNOWN_AGE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Sees to it that there is the job.
pub(crate) async fn ensure(database: &Database, clock: &Clock) -> Result<(), Problem> {
    let now = clock.now();
    let job = NewJob::new(UPKEEP, KEY, &(), now).map_err(Problem::internal)?;
    database
        .transaction(async |tx| {
            jobs::enqueue(tx, &job, now).await?;
            Ok(())
        })
        .await
}

/// Looks, and comes again.
pub(crate) async fn look(payments: &Payments, job: &Job) -> Result<(), Problem> {
    let now = payments.clock.now();
    let figures = figures(&payments.database, now).await?;
    payments.meters.observe(&figures);
    if figures.imbalance_minor != 0 {
        log::error!("the ledger is out of balance by {} minor units", figures.imbalance_minor);
    }
    // Said once for each that grows so old, not at every look.
    let older = figures.unknown_age_seconds - UNKNOWN_AGE_MAX.as_secs_f64();
    if (0.0..EVERY.as_secs_f64()).contains(&older) {
        let count = figures.unknown;
        log::error!("{count} payments of unknown outcome, the oldest for more than a day");
    }
    payments
        .database
        .transaction(async |tx| jobs::give_back(tx, job, now.plus(EVERY), None).await)
        .await
}

async fn figures(database: &Database, now: Timestamp) -> Result<Figures, Problem> {
    let unknown = audit::unknown(database).await?;
    Ok(Figures {
        unknown: unknown.unknown,
        unknown_age_seconds: unknown.since.map_or(0.0, |since| now.since(since).as_secs_f64()),
        imbalance_minor: audit::imbalance(database).await?,
    })
}
