//! Every ten minutes what was left over is thrown away: contents that nobody uses, whose claims
//! are abandoned, and files of uploads that were cut off. Does I/O: a durable job.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::block;
use busbar_http::Problem;

use crate::jobs::{self, Job, NewJob};
use crate::storage::Database;
use crate::types::Clock;

use super::problem::of_disk;
use super::{Documents, keeping, store};

pub(super) const SWEEP: &str = "documents.sweep";
const KEY: &str = "all";
const INTERVAL: Duration = Duration::from_secs(600);
/// Contents that are removed in one round; more of them begin the next one at once.
const CONTENTS_MAX: u32 = 500;

/// Makes sure that the job is there.
pub(super) async fn ensure(database: &Database, clock: &Clock) -> Result<(), Problem> {
    let now = clock.now();
    let job = NewJob::bare(SWEEP, KEY, now);
    database.transaction(async |tx| jobs::enqueue(tx, &job, now).await).await?;
    Ok(())
}

pub(super) async fn sweep(documents: &Arc<Documents>, job: &Job) -> Result<(), Problem> {
    let now = documents.clock.now();
    let unused =
        store::blob::unused(&documents.database, keeping::abandoned(now), CONTENTS_MAX).await?;
    for sha256 in &unused {
        keeping::remove_unused(documents, *sha256).await?;
    }
    let vault = documents.vault.clone();
    let swept = block(move || vault.sweep_leftovers()).await.map_err(Problem::internal)?;
    swept.map_err(|error| of_disk(&error))?;
    documents.meters.kept(store::blob::bytes_stored(&documents.database).await?);

    let is_more = unused.len() >= CONTENTS_MAX as usize;
    let next = if is_more { now } else { now.plus(INTERVAL) };
    documents.database.transaction(async |tx| jobs::give_back(tx, job, next, None).await).await
}
