//! Looks at the whole from time to time: how many outcomes are unknown, whether the books balance.
//! A durable job of its own, so that one instance does it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Job, NewJob};
use crate::storage::Database;
use crate::types::{Clock, Timestamp};

use super::Payments;
use super::meters::Figures;
use super::store::audit::{self, Overdue};

pub(crate) const UPKEEP: &str = "look_at_payments";
const KEY: &str = "all";
const EVERY: Duration = Duration::from_secs(30);
/// An outcome that is unknown for longer is for people.
const UNKNOWN_AGE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Payments named at one look; the next look goes on.
const NAMED_MAX: u32 = 50;

/// How far unknown outcomes have been named to people: those that were lost sight of by then, in
/// microseconds. Written by looks, of which there is one at a time; a new process names all again.
#[derive(Default)]
pub(crate) struct Named(AtomicI64);

impl Named {
    fn until(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }

    /// A clock that was set back makes nobody be named twice.
    fn goes_on(&self, until: Timestamp) {
        self.0.fetch_max(until.micros(), Ordering::Relaxed);
    }
}

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
    name_overdue(payments, now).await?;
    payments
        .database
        .transaction(async |tx| jobs::give_back(tx, job, now.plus(EVERY), None).await)
        .await
}

/// Names each payment that has grown so old, once, however late the look comes.
async fn name_overdue(payments: &Payments, now: Timestamp) -> Result<(), Problem> {
    let (named, until) = (payments.named.until(), now.minus(UNKNOWN_AGE_MAX));
    let overdue = audit::overdue(&payments.database, named, until, NAMED_MAX).await?;
    for Overdue { id, .. } in &overdue {
        log::error!("payment {id}: its outcome has been unknown for more than a day");
    }
    payments.named.goes_on(reached(&overdue, until));
    Ok(())
}

/// How far a look has come: to its end, or to the last one named where there are more.
fn reached(named: &[Overdue], until: Timestamp) -> Timestamp {
    let is_full = u32::try_from(named.len()).is_ok_and(|count| count >= NAMED_MAX);
    named.last().filter(|_| is_full).map_or(until, |last| last.since)
}

async fn figures(database: &Database, now: Timestamp) -> Result<Figures, Problem> {
    let unknown = audit::unknown(database).await?;
    Ok(Figures {
        unknown: unknown.unknown,
        unknown_age_seconds: unknown.since.map_or(0.0, |since| now.since(since).as_secs_f64()),
        imbalance_minor: audit::imbalance(database).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PaymentId;

    #[test]
    fn a_look_goes_on_where_the_last_one_has_ended() {
        let at = Timestamp::from_seconds;
        let overdue = |count: i64| -> Vec<Overdue> {
            (1..=count).map(|n| Overdue { id: PaymentId::new(), since: at(n) }).collect()
        };
        assert_eq!(reached(&overdue(0), at(900)), at(900));
        assert_eq!(reached(&overdue(3), at(900)), at(900));
        let full = i64::from(NAMED_MAX);
        assert_eq!(reached(&overdue(full), at(900)), at(full));

        let named = Named::default();
        for (until, reached) in [(5, 5), (3, 5), (9, 9)] {
            named.goes_on(at(until));
            assert_eq!(named.until(), at(reached));
        }
    }
}
