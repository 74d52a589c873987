//! Utilities knows which readings stand in bills: it is told after the draft is kept, and again
//! when there is no such bill any more. Durable jobs, in whatever order they come to run.

use std::sync::Arc;
use std::time::Duration;

use busbar_http::Problem;
use serde::{Deserialize, Serialize};

use crate::jobs::{self, Handlers, Job, NewJob, Patience};
use crate::storage::{StoreError, Transaction};
use crate::types::{BillId, Date, ReadingId, ServiceAccountId, Text, Timestamp};

use super::model::bill::{Bill, BillStatus};
use super::model::words::Basis;
use super::{Billing, store, utilities};

const PIN: &str = "billing.pin_readings";
const UNPIN: &str = "billing.unpin_readings";
/// Some days of tries: utilities may be away for long, but not for ever.
const FAILURES_MAX: u32 = 1_000;
/// Before a pin that came too late is taken back once more.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize, Serialize)]
struct Pins {
    #[serde(default)]
    readings: Vec<Pinned>,
    /// What a job of an earlier release says.
    #[serde(default, skip_serializing)]
    reading_ids: Vec<ReadingId>,
}

impl Pins {
    fn all(self) -> Vec<Pinned> {
        let earlier = self.reading_ids.into_iter().map(|id| Pinned { id, boundary: None });
        self.readings.into_iter().chain(earlier).collect()
    }
}

/// A reading that a bill begins or ends with, and the day at whose start it does.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Pinned {
    pub(super) id: ReadingId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) boundary: Option<Date>,
}

/// Has utilities told which readings the bill was made from.
pub(super) async fn pin_later(
    tx: &mut Transaction<'_>,
    bill: BillId,
    readings: Vec<Pinned>,
    at: Timestamp,
) -> Result<(), Problem> {
    if readings.is_empty() {
        return Ok(());
    }
    let job = NewJob::new(PIN, bill, &Pins { readings, reading_ids: Vec::new() }, at)
        .map_err(Problem::internal)?;
    jobs::enqueue(tx, &job, at).await?;
    Ok(())
}

/// Has utilities told that the bill is gone, or void. Stated bills have no readings.
pub(super) async fn unpin_later(
    tx: &mut Transaction<'_>,
    bill: &Bill,
    at: Timestamp,
) -> Result<(), Problem> {
    if bill.basis != Basis::Manual {
        enqueue_unpin(tx, bill.id, at).await?;
    }
    Ok(())
}

/// False when one is unfinished.
async fn enqueue_unpin(
    tx: &mut Transaction<'_>,
    bill: BillId,
    at: Timestamp,
) -> Result<bool, Problem> {
    let job = NewJob::new(UNPIN, bill, &(), at).map_err(Problem::internal)?;
    Ok(jobs::enqueue(tx, &job, at).await?.is_some())
}

pub(super) fn handlers(billing: &Arc<Billing>) -> Handlers {
    let patience = Patience { failures_max: Some(FAILURES_MAX), ..Patience::default() };
    let (pinning, unpinning) = (billing.clone(), billing.clone());
    Handlers::new()
        .on_with(PIN, patience, move |job| {
            let billing = pinning.clone();
            async move { pin(&billing, &job).await }
        })
        .on_with(UNPIN, patience, move |job| {
            let billing = unpinning.clone();
            async move { utilities::unpin(billing.utilities()?, bill_of(&job)?).await }
        })
}

/// Has utilities told now of what is waiting to be told of an account: what is rated next goes on from
/// the readings in its bills, and not from those of a draft that was thrown away. The jobs themselves
/// stay; telling twice does no harm.
pub(super) async fn tell_now(billing: &Billing, account: ServiceAccountId) -> Result<(), Problem> {
    for untold in store::pins::untold(&billing.database, (PIN, UNPIN), account).await? {
        let id = BillId::parse(&untold.key).map_err(Problem::internal)?;
        let is_there = is_live(store::bill::by_id(&billing.database, id).await?.as_ref());
        match (untold.kind == PIN, is_there) {
            (true, true) => {
                let pins: Pins =
                    serde_json::from_str(&untold.payload).map_err(Problem::internal)?;
                utilities::pin(billing.utilities()?, id, &pins.all()).await?;
            }
            (false, false) => utilities::unpin(billing.utilities()?, id).await?,
            // Of a bill that is gone another job follows.
            _ => {}
        }
    }
    Ok(())
}

fn bill_of(job: &Job) -> Result<BillId, Problem> {
    BillId::parse(&job.key).map_err(Problem::internal)
}

/// Tells of the readings, unless the bill is gone; and when it went meanwhile, has that told after
/// all. An unpin that is unfinished may have been carried out before our pin: then it is waited
/// for, so that another one follows.
async fn pin(billing: &Billing, job: &Job) -> Result<(), Problem> {
    let id = bill_of(job)?;
    let pins: Pins = job.read().map_err(Problem::internal)?;
    let is_there = is_live(store::bill::by_id(&billing.database, id).await?.as_ref());
    if is_there {
        utilities::pin(billing.utilities()?, id, &pins.all()).await?;
    }
    let now = billing.clock.now();
    let ended = billing.database.transaction(async |tx| {
        if live_seen(tx, id).await? || enqueue_unpin(tx, id, now).await? {
            return jobs::finish(tx, job, now).await;
        }
        jobs::give_back(tx, job, now.plus(AGAIN_AFTER), None).await
    });
    ended.await
}

async fn live_seen(tx: &mut Transaction<'_>, id: BillId) -> Result<bool, StoreError> {
    Ok(is_live(store::bill::seen(tx, id).await?.as_ref()))
}

fn is_live(bill: Option<&Bill>) -> bool {
    bill.is_some_and(|bill| bill.status != BillStatus::Void)
}
