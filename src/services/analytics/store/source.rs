//! How far each source was heard, and how far its events were scanned for the next generation.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{EventId, Timestamp};

use super::super::model::generation::Scan;

sql! {
    HEARD = "UPDATE sources
             SET heard_at = $2, lag_us = $3,
                 newest_at = CASE WHEN newest_at > $4 THEN newest_at ELSE $4 END
             WHERE source = $1
             RETURNING source, scanned_to, is_scanned";
    // The change is none; the rows are locked until the transaction ends.
    LOCK = "UPDATE sources SET is_scanned = is_scanned
            RETURNING source, scanned_to, is_scanned";
    BEGIN_SCAN = "UPDATE sources SET scanned_to = '', is_scanned = FALSE";
    SCANNED = "UPDATE sources SET scanned_to = $2, is_scanned = $3 WHERE source = $1";
    FRESHNESS = "SELECT heard_at, lag_us, (SELECT MAX(newest_at) FROM sources) AS newest_at
                 FROM sources WHERE heard_at IS NOT NULL
                 ORDER BY heard_at DESC, source LIMIT 1";
}

record! { Scan { source, scanned_to, is_scanned } }

/// How new the figures are: when the last event was heard, how long after it happened, and when
/// the newest one happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Freshness {
    pub(crate) heard_at: Timestamp,
    pub(crate) lag_us: i64,
    pub(crate) newest_at: Timestamp,
}
record! { Freshness { heard_at, lag_us, newest_at } }

/// Notes that an event was heard, and holds the row of its source until the transaction ends.
/// `None`: there is no such source.
pub(crate) async fn heard(
    tx: &mut Transaction<'_>,
    source: &str,
    happened_at: Timestamp,
    now: Timestamp,
) -> Result<Option<Scan>, StoreError> {
    let lag_us = (now.micros() - happened_at.micros()).max(0);
    tx.optional(HEARD, params![source, now, lag_us, happened_at]).await
}

/// Holds the rows of all sources: no event is taken in meanwhile.
pub(crate) async fn lock(tx: &mut Transaction<'_>) -> Result<Vec<Scan>, StoreError> {
    tx.all(LOCK, params![]).await
}

pub(crate) async fn begin_scan(tx: &mut Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(BEGIN_SCAN, params![]).await?;
    Ok(())
}

/// `to` is the last event that was gone through; `None` after the last one of all.
pub(crate) async fn scanned(
    tx: &mut Transaction<'_>,
    source: &str,
    to: Option<EventId>,
) -> Result<(), StoreError> {
    let (id, is_scanned) = (to.map(|id| id.to_string()).unwrap_or_default(), to.is_none());
    tx.execute(SCANNED, params![source, id, is_scanned]).await?;
    Ok(())
}

/// `None`: no event was heard yet.
pub(crate) async fn freshness(database: &Database) -> Result<Option<Freshness>, StoreError> {
    database.optional(FRESHNESS, params![]).await
}
