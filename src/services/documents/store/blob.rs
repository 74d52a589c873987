//! Which contents are on the disk, and how many use them.
//!
//! A content is claimed before its file is put in place and taken in the transaction of the
//! document. It is removed, file and row in one transaction, only while nobody uses or claims it:
//! the row's lock keeps a new claim out meanwhile. All that decides is in the one row, so that a
//! statement that waited for the row sees what it has become.
use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::{EventId, Timestamp};

use super::super::model::digest::Sha256;

sql! {
    CLAIM = "INSERT INTO blobs (sha256, generation, size, refs, claims, claimed_at)
             VALUES ($1, $2, $3, 0, 1, $4)
             ON CONFLICT (sha256) DO UPDATE SET claims = blobs.claims + 1, claimed_at = $4
             RETURNING generation AS value";
    TAKE = "UPDATE blobs SET refs = refs + 1,
                claims = CASE WHEN claims > 0 THEN claims - 1 ELSE 0 END
            WHERE sha256 = $1 AND generation = $2";
    RELEASE = "UPDATE blobs SET claims = claims - 1
               WHERE sha256 = $1 AND generation = $2 AND claims > 0";
    LEAVE = "UPDATE blobs SET refs = refs - 1 WHERE sha256 = $1 AND refs > 0";
    REMOVE = "DELETE FROM blobs WHERE sha256 = $1 AND refs = 0
                  AND (claims = 0 OR claimed_at < $2)";
    UNUSED = "SELECT sha256 AS value FROM blobs
              WHERE refs = 0 AND (claims = 0 OR claimed_at < $1) LIMIT $2";
    STORED = "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS value FROM blobs WHERE refs > 0";
}

/// Says that the content is about to be put in place. What is answered proves, when it is taken,
/// that it was not removed in between.
pub(crate) async fn claim(
    tx: &mut Transaction<'_>,
    sha256: Sha256,
    size: i64,
    at: Timestamp,
) -> Result<String, StoreError> {
    let generation = EventId::new().to_string();
    let (generation,) = tx.one(CLAIM, params![sha256, generation, size, at]).await?;
    Ok(generation)
}

/// Turns a claim into a use. False: the content was removed after the claim.
pub(crate) async fn take(
    tx: &mut Transaction<'_>,
    sha256: Sha256,
    generation: &str,
) -> Result<bool, StoreError> {
    Ok(tx.execute(TAKE, params![sha256, generation]).await? == 1)
}

/// Gives a claim up.
pub(crate) async fn release(
    tx: &mut Transaction<'_>,
    sha256: Sha256,
    generation: &str,
) -> Result<(), StoreError> {
    tx.execute(RELEASE, params![sha256, generation]).await?;
    Ok(())
}

/// One document less uses it.
pub(crate) async fn leave(tx: &mut Transaction<'_>, sha256: Sha256) -> Result<(), StoreError> {
    tx.execute(LEAVE, params![sha256]).await?;
    Ok(())
}

/// True: nobody uses it, and nobody can claim it until this transaction ends. Claims from before
/// `abandoned` count for nothing: whoever made them is gone.
pub(crate) async fn remove(
    tx: &mut Transaction<'_>,
    sha256: Sha256,
    abandoned: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, params![sha256, abandoned]).await? == 1)
}

/// What could be removed, at most so many.
pub(crate) async fn unused(
    database: &Database,
    abandoned: Timestamp,
    rows_max: u32,
) -> Result<Vec<Sha256>, StoreError> {
    let rows: Vec<(Sha256,)> = database.all(UNUSED, params![abandoned, rows_max]).await?;
    Ok(rows.into_iter().map(|(sha256,)| sha256).collect())
}

/// The bytes of all contents that are used.
pub(crate) async fn bytes_stored(database: &Database) -> Result<i64, StoreError> {
    let (bytes,) = database.one(STORED, params![]).await?;
    Ok(bytes)
}
