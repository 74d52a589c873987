//! Generations: which one is read, which one is being built.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::Timestamp;

use super::super::model::generation::{Generation, GenerationState};

sql! {
    ACTIVE = "SELECT generation AS value FROM generations WHERE state = 'active'";
    FILLED = "SELECT generation, state FROM generations
              WHERE state IN ('active', 'building') ORDER BY generation";
    NEWEST = "SELECT generation, state, events, skipped, started_at, finished_at FROM generations
              WHERE state <> 'cleared' ORDER BY generation DESC LIMIT $1";
    BEGIN = "INSERT INTO generations (generation, state, events, skipped, started_at)
             SELECT MAX(generation) + 1, 'building', 0, 0, CAST($1 AS BIGINT) FROM generations
             WHERE NOT EXISTS (SELECT 1 FROM generations WHERE state = 'building')
             HAVING COUNT(*) > 0";
    ADVANCE = "UPDATE generations SET events = events + $2, skipped = skipped + $3
               WHERE generation = $1 AND state = 'building'";
    RETIRE = "UPDATE generations SET state = 'clearing', finished_at = $1
              WHERE state = 'active'";
    ACTIVATE = "UPDATE generations SET state = 'active', finished_at = $2
                WHERE generation = $1 AND state = 'building'";
    CLEARED = "UPDATE generations SET state = 'cleared'
               WHERE generation = $1 AND state = 'clearing'";
}

/// Generations that are shown: one in use, one being built, and what is being cleared.
const SHOWN_MAX: u32 = 10;

struct Filled {
    generation: i64,
    state: GenerationState,
}
record! { Filled { generation, state } }
record! { Generation { generation, state, events, skipped, started_at, finished_at } }

/// The generation that answers are read from.
pub(crate) async fn active(database: &Database) -> Result<i64, StoreError> {
    let (generation,): (i64,) = database.one(ACTIVE, params![]).await?;
    Ok(generation)
}

/// Those that take facts in.
pub(crate) async fn filled(
    tx: &mut Transaction<'_>,
) -> Result<Vec<(i64, GenerationState)>, StoreError> {
    let filled: Vec<Filled> = tx.all(FILLED, params![]).await?;
    Ok(filled.into_iter().map(|Filled { generation, state }| (generation, state)).collect())
}

/// Those that hold rows, the newest first.
pub(crate) async fn newest(database: &Database) -> Result<Vec<Generation>, StoreError> {
    database.all(NEWEST, params![SHOWN_MAX]).await
}

pub(crate) async fn newest_seen(tx: &mut Transaction<'_>) -> Result<Vec<Generation>, StoreError> {
    tx.all(NEWEST, params![SHOWN_MAX]).await
}

/// Begins the next one. False when one is being built already.
pub(crate) async fn begin(tx: &mut Transaction<'_>, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(BEGIN, params![now]).await? == 1)
}

pub(crate) async fn advance(
    tx: &mut Transaction<'_>,
    generation: i64,
    events: i64,
    skipped: i64,
) -> Result<(), StoreError> {
    tx.execute(ADVANCE, params![generation, events, skipped]).await?;
    Ok(())
}

/// Puts the one that was built in the place of the one in use.
pub(crate) async fn switch(
    tx: &mut Transaction<'_>,
    generation: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(RETIRE, params![now]).await?;
    tx.execute(ACTIVATE, params![generation, now]).await?;
    Ok(())
}

pub(crate) async fn cleared(tx: &mut Transaction<'_>, generation: i64) -> Result<(), StoreError> {
    tx.execute(CLEARED, params![generation]).await?;
    Ok(())
}
