//! The road of a content from the file beside to its document, and back when nobody uses it any
//! more. Does I/O.
//!
//! ```text
//! claim   the row says that somebody is putting the content in place
//! place   the file is renamed; the same bytes may stand there already
//! publish the document, the use of the content and the event are one transaction
//! ```
//!
//! A content goes, file and row in one transaction, only while it is neither used nor claimed. Where
//! the process dies between claim and publish, the claim is found abandoned after a time.

use std::time::Duration;

use actix_web::web::block;
use busbar_http::Problem;

use crate::storage::Transaction;
use crate::types::Timestamp;

use super::Documents;
use super::content::Received;
use super::model::digest::Sha256;
use super::problem::{self, of_disk};
use super::store;

/// How long putting a content in place may take, up to its publication.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(60);
/// A claim that is older is abandoned. Much longer than the wait above: nobody is still at it.
pub(super) const CLAIM_LIFE: Duration = Duration::from_secs(3_600);

/// Whether a transaction that could use a content did.
pub(super) enum Published<T> {
    Used(T),
    /// It came to the same without it.
    Unused(T),
}

/// A content that this task has claimed.
struct Claim {
    sha256: Sha256,
    generation: String,
}

/// Puts a content in place and publishes what it is for.
///
/// `publish` is the rest of the transaction in which the content is used.
pub(super) async fn keep<T>(
    documents: &Documents,
    received: Received,
    publish: impl AsyncFn(&mut Transaction<'_>) -> Result<Published<T>, Problem>,
) -> Result<T, Problem> {
    let claim = claim(documents, &received).await?;
    let placed = tokio::time::timeout(PLACE_WAIT_MAX, async {
        place(documents, received).await?;
        documents.failpoints.reach("documents.after_place").await;
        publish_with(documents, &claim, publish).await
    });
    // Too late: a thread may still be at work on the file, so that the claim is not given up here
    // but found abandoned when that is surely over.
    let published = placed.await.map_err(|_| problem::busy())?;
    match published {
        Ok(Published::Used(value)) => Ok(value),
        Ok(Published::Unused(value)) => {
            give_up(documents, &claim).await;
            Ok(value)
        }
        Err(problem) => {
            give_up(documents, &claim).await;
            Err(problem)
        }
    }
}

async fn claim(documents: &Documents, received: &Received) -> Result<Claim, Problem> {
    let (sha256, at) = (received.sha256(), documents.clock.now());
    let size = i64::try_from(received.size()).map_err(Problem::internal)?;
    let claim = documents
        .database
        .transaction(async |tx| Ok::<_, Problem>(store::blob::claim(tx, sha256, size, at).await?));
    Ok(Claim { sha256, generation: claim.await? })
}

async fn place(documents: &Documents, received: Received) -> Result<(), Problem> {
    let vault = documents.vault.clone();
    let placed = block(move || vault.keep(received)).await.map_err(Problem::internal)?;
    placed.map_err(|error| of_disk(&error))
}

async fn publish_with<T>(
    documents: &Documents,
    claim: &Claim,
    publish: impl AsyncFn(&mut Transaction<'_>) -> Result<Published<T>, Problem>,
) -> Result<Published<T>, Problem> {
    let done = documents.database.transaction(async |tx| {
        let published = publish(tx).await?;
        if matches!(published, Published::Used(_))
            && !store::blob::take(tx, claim.sha256, &claim.generation).await?
        {
            return Err(problem::busy());
        }
        Ok(published)
    });
    done.await
}

/// What is left undone here, the upkeep does.
async fn give_up(documents: &Documents, claim: &Claim) {
    let released = documents
        .database
        .transaction(async |tx| store::blob::release(tx, claim.sha256, &claim.generation).await);
    let done = match released.await {
        Ok(()) => remove_unused(documents, claim.sha256).await.map(|_| ()),
        Err(error) => Err(error.into()),
    };
    if let Err(problem) = done {
        log::warn!("content {} is left to the upkeep: {problem}", claim.sha256);
    }
}

/// Removes a content that nobody uses or claims. False: somebody does.
///
/// The file goes while the row is locked: a claim that comes now waits, finds no row, and puts the
/// file in place anew. Where the commit fails, the row stays and says that nobody uses it.
pub(super) async fn remove_unused(documents: &Documents, sha256: Sha256) -> Result<bool, Problem> {
    let abandoned = abandoned(documents.clock.now());
    let removed = documents.database.transaction(async |tx| {
        if !store::blob::remove(tx, sha256, abandoned).await? {
            return Ok(false);
        }
        let vault = documents.vault.clone();
        let gone = block(move || vault.remove(sha256)).await.map_err(Problem::internal)?;
        gone.map(|()| true).map_err(|error| of_disk(&error))
    });
    let is_removed = removed.await?;
    if is_removed {
        documents.meters.removed();
    }
    Ok(is_removed)
}

/// Claims from before this count for nothing.
pub(super) fn abandoned(now: Timestamp) -> Timestamp {
    now.minus(CLAIM_LIFE)
}
