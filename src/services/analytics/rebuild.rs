//! Building all facts and sums anew from the events that the inbox keeps. Does I/O: a durable job
//! that goes on where it was cut off.
//!
//! A rebuild fills a new generation beside the one that is read. It goes through the inbox source
//! by source, in the order of ids, a bounded part in each transaction, and holds the rows of all
//! sources meanwhile. An event that is heard during a rebuild is entered into both generations when
//! the scan has passed its place, and is left to the scan otherwise; so each counts once. The new
//! generation comes into use in the transaction that finds nothing more to scan. The one that is
//! left behind is deleted when no report can be reading it any more.
//!
//! Nothing deletes rows of the inbox: a rebuild knows all that was ever heard by this database.
//! What limits it is the disk, at up to 8 KiB an event.

use std::sync::Arc;
use std::time::Duration;

use busbar_http::Problem;

use crate::events::Event;
use crate::jobs::{self, Handlers, Job, NewJob, Patience};
use crate::storage::Transaction;
use crate::types::Timestamp;

use super::Analytics;
use super::events::{fact, told};
use super::model::generation::{Generation, GenerationState, Scan};
use super::store::inbox::Heard;
use super::store::{clearing, generation, inbox, source};
use super::taking::enter;

pub(crate) const KIND: &str = "rebuild_analytics";
const KEY: &str = "all";
/// Events gone through in one transaction: no event is taken in meanwhile.
const EVENTS_MAX: u32 = 50;
/// Rows of each table that are deleted in one transaction.
const CLEARED_ROWS_MAX: u32 = 2_000;
/// How long a generation is kept that is left behind: longer than any report may take.
const LEFT_FOR: Duration = Duration::from_secs(120);

/// Begins a rebuild. False when one is under way.
pub(super) async fn begin(tx: &mut Transaction<'_>, now: Timestamp) -> Result<bool, Problem> {
    source::lock(tx).await?;
    if !generation::begin(tx, now).await? {
        return Ok(false);
    }
    source::begin_scan(tx).await?;
    let job = NewJob::bare(KIND, KEY, now);
    if jobs::enqueue(tx, &job, now).await?.is_none() {
        jobs::hasten(tx, KIND, KEY, now).await?;
    }
    Ok(true)
}

/// Catches up with what an earlier release heard and made nothing of.
pub(super) async fn catch_up(analytics: &Analytics) -> Result<(), Problem> {
    if !inbox::has_unused(&analytics.database).await? {
        return Ok(());
    }
    let now = analytics.clock.now();
    if analytics.database.transaction(async |tx| begin(tx, now).await).await? {
        log::info!("events were heard before reports were made of them: they are gone through");
    }
    Ok(())
}

pub(super) fn handlers(analytics: &Arc<Analytics>) -> Handlers {
    let analytics = analytics.clone();
    Handlers::new().on_with(KIND, Patience::endless(), move |job| {
        let analytics = analytics.clone();
        async move { step(&analytics, &job).await }
    })
}

/// One bounded part of what is to be done, in one transaction with the job's own row.
async fn step(analytics: &Analytics, job: &Job) -> Result<(), Problem> {
    let now = analytics.clock.now();
    let scanned = analytics
        .database
        .transaction(async |tx| {
            let known = generation::newest_seen(tx).await?;
            let find = |state| known.iter().find(|known| known.state == state);
            if let Some(building) = find(GenerationState::Building) {
                let scanned = scan(tx, building, now).await?;
                jobs::give_back(tx, job, now, None).await?;
                return Ok::<_, Problem>(scanned);
            }
            // The last one that was left behind is the last one whose time has come.
            let left = known.iter().rev().find(|one| one.state == GenerationState::Clearing);
            match left {
                Some(left) => clear(tx, job, left, now).await?,
                None => jobs::finish(tx, job, now).await?,
            }
            Ok(0)
        })
        .await?;
    analytics.meters.rebuilt(scanned);
    Ok(())
}

/// Goes through the next events of the first source that has any, or puts the new generation into
/// use. How many events it were.
async fn scan(
    tx: &mut Transaction<'_>,
    building: &Generation,
    now: Timestamp,
) -> Result<u64, Problem> {
    let mut sources = source::lock(tx).await?;
    sources.retain(|scan| !scan.is_scanned);
    sources.sort_by(|a, b| a.source.cmp(&b.source));
    for Scan { source, scanned_to, .. } in sources {
        let heard = inbox::after(tx, &source, &scanned_to, EVENTS_MAX).await?;
        let last = heard.last().map(|heard| heard.id);
        source::scanned(tx, &source, last).await?;
        if last.is_some() {
            return read(tx, building.generation, &heard).await;
        }
    }
    generation::switch(tx, building.generation, now).await?;
    log::info!("the facts were rebuilt from {} events", building.events);
    Ok(0)
}

/// Enters events; those that cannot be read are counted and left out.
async fn read(tx: &mut Transaction<'_>, building: i64, heard: &[Heard]) -> Result<u64, Problem> {
    let mut skipped = 0;
    for Heard { id, event } in heard {
        let event: Result<Event, Problem> = serde_json::from_str(event).map_err(Problem::internal);
        match event.and_then(|event| Ok((fact(&event)?, told(&event)))) {
            Ok((Some(fact), told)) => enter(tx, building, &fact, told).await?,
            Ok((None, _)) => {}
            Err(problem) => {
                log::warn!("event {id} is left out of the rebuild: {}", problem.code());
                skipped += 1;
            }
        }
    }
    let count = i64::try_from(heard.len()).map_err(Problem::internal)?;
    generation::advance(tx, building, count, skipped).await?;
    Ok(heard.len() as u64)
}

/// Deletes a part of a generation, once nobody can be reading it.
async fn clear(
    tx: &mut Transaction<'_>,
    job: &Job,
    left: &Generation,
    now: Timestamp,
) -> Result<(), Problem> {
    let due_at = left.finished_at.map_or(now, |at| at.plus(LEFT_FOR));
    if due_at > now {
        return jobs::give_back(tx, job, due_at, None).await;
    }
    if !clearing::clear(tx, left.generation, CLEARED_ROWS_MAX).await? {
        generation::cleared(tx, left.generation).await?;
    }
    jobs::give_back(tx, job, now, None).await
}
