//! A bill becomes overdue at the local midnight after its last day of grace. One durable job looks
//! for those whose time has come; what passed while nobody was there is done at the next look.

use std::time::Duration;

use busbar_http::Problem;

use crate::events::Origin;
use crate::jobs::{self, Job, NewJob};
use crate::types::{BillId, Date, ServiceName, Timestamp, Zone};

use super::events::bill as told;
use super::store::overdue::Undated;
use super::{Billing, store};

pub(super) const KIND: &str = "billing.overdue";
const KEY: &str = "all";
/// A bill that is issued meanwhile becomes overdue at most so much late.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Bills of one look; the next look comes at once where there are more.
const BILLS_MAX: u32 = 200;

/// From when on a bill is overdue. At the end of the calendar it never is.
pub(super) fn overdue_at(zone: &Zone, due_on: Date, grace_days: u32) -> Timestamp {
    let first = due_on.plus_days(i64::from(grace_days) + 1);
    first.map_or(Timestamp::from_micros(i64::MAX), |day| zone.start_of(day))
}

/// Sees to it that there is the job.
pub(super) async fn ensure(billing: &Billing) -> Result<(), Problem> {
    let now = billing.clock.now();
    let job = NewJob::new(KIND, KEY, &(), now).map_err(Problem::internal)?;
    billing
        .database
        .transaction(async |tx| {
            jobs::enqueue(tx, &job, now).await?;
            Ok(())
        })
        .await
}

/// Makes overdue what is, and comes again.
pub(super) async fn look(billing: &Billing, job: &Job) -> Result<(), Problem> {
    let now = billing.clock.now();
    let undated = store::overdue::undated(&billing.database, BILLS_MAX).await?;
    date(billing, &undated).await?;
    let due = store::overdue::due(&billing.database, now, BILLS_MAX).await?;
    let (mut changed, mut failed) = (undated.len(), None);
    for id in due {
        match become_overdue(billing, job, id, now).await {
            Ok(became) => changed += usize::from(became),
            Err(problem) => {
                // One bill that cannot be read holds up none of those behind it.
                log::error!("bill {id} did not become overdue: {problem}");
                failed = Some(problem);
            }
        }
    }
    if let Some(problem) = failed {
        return Err(problem);
    }
    let is_more = changed >= BILLS_MAX as usize;
    let next = if is_more { now } else { next_look(billing, now).await? };
    billing.database.transaction(async |tx| jobs::give_back(tx, job, next, None).await).await
}

async fn become_overdue(
    billing: &Billing,
    job: &Job,
    id: BillId,
    now: Timestamp,
) -> Result<bool, Problem> {
    let became = billing.database.transaction(async |tx| {
        if !store::overdue::become_overdue(tx, id, now).await? {
            return Ok(false);
        }
        let bill = store::bill::seen(tx, id).await?;
        let bill = bill.ok_or_else(|| Problem::internal("an overdue bill is gone"))?;
        told::became_overdue(tx, &origin(job, now), &bill).await?;
        Ok::<_, Problem>(true)
    });
    let became = became.await?;
    if became {
        billing.meters.became_overdue();
    }
    Ok(became)
}

/// Bills of an earlier release learn when they become overdue.
async fn date(billing: &Billing, undated: &[Undated]) -> Result<(), Problem> {
    if undated.is_empty() {
        return Ok(());
    }
    let dated = billing.database.transaction(async |tx| {
        for Undated { id, due_on, timezone } in undated {
            let at = overdue_at(timezone, *due_on, billing.grace_days);
            store::overdue::date(tx, *id, at).await?;
        }
        Ok::<_, Problem>(())
    });
    dated.await
}

async fn next_look(billing: &Billing, now: Timestamp) -> Result<Timestamp, Problem> {
    let usual = now.plus(LOOK_EVERY);
    let next = store::overdue::next(&billing.database, now).await?;
    Ok(next.map_or(usual, |next| next.min(usual)))
}

fn origin(job: &Job, at: Timestamp) -> Origin {
    Origin {
        source: ServiceName::Billing,
        at,
        correlation: format!("job-{}", job.id),
        causation: None,
        actor: "system".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_bill_is_overdue_when_its_last_day_of_grace_is_over_where_it_is() {
        let at = |zone: &str, due_on: &str, grace| {
            overdue_at(&zone.parse().unwrap(), due_on.parse().unwrap(), grace).to_string()
        };
        assert_eq!(at("UTC", "2026-03-10", 0), "2026-03-11T00:00:00.000Z");
        assert_eq!(at("America/Chicago", "2026-03-10", 2), "2026-03-13T05:00:00.000Z");
        assert_eq!(at("America/Chicago", "2026-03-05", 2), "2026-03-08T06:00:00.000Z");
        assert_eq!(at("Asia/Kolkata", "2026-12-31", 0), "2026-12-31T18:30:00.000Z");
        assert_eq!(at("UTC", "9999-12-31", 0), "9999-12-31T23:59:59.999Z");
    }
}
