//! Readings. They are added, approved, superseded and made void, never changed in value.
use crate::storage::{Database, StoreError, ToValue, Transaction, Value, params, record, sql};
use crate::types::{Cursor, MeterId, ReadingId, RegisterId, Timestamp};

use super::super::model::reading::{Known, Reading, ReadingStatus, Shown};

sql! {
    BY_ID = "SELECT id, meter_id, register_id, at, value, quality, status, suspicion, source,
                 external_id, supersedes, version, created_at, updated_at
             FROM readings WHERE id = $1";
    PAGE = "SELECT id, meter_id, register_id, at, value, quality, status, suspicion, source,
                external_id, supersedes, version, created_at, updated_at
            FROM readings
            WHERE meter_id = $1
              AND (CAST($2 AS TEXT) IS NULL OR register_id = $2)
              AND (CAST($3 AS TEXT) IS NULL OR status = $3)
              AND (CAST($4 AS BIGINT) IS NULL OR at >= $4)
              AND (CAST($5 AS BIGINT) IS NULL OR at < $5)
              AND (at < $6 OR (at = $6 AND id < $7))
            ORDER BY at DESC, id DESC LIMIT $8";
    HELD = "SELECT id, meter_id, register_id, at, value, quality, status, suspicion, source,
                external_id, supersedes, version, created_at, updated_at
            FROM readings
            WHERE status = 'held' AND (at < $1 OR (at = $1 AND id < $2))
            ORDER BY at DESC, id DESC LIMIT $3";
    SUCCESSOR = "SELECT id, meter_id, register_id, at, value, quality, status, suspicion, source,
                     external_id, supersedes, version, created_at, updated_at
                 FROM readings WHERE supersedes = $1";
    HELD_COUNT = "SELECT COUNT(*) AS value FROM readings WHERE status = 'held'";
    INSERT = "INSERT INTO readings (id, meter_id, register_id, at, value, quality, status,
                  suspicion, source, external_id, supersedes, created_by, version, created_at,
                  updated_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $13, $13)";
    // Ten rows in one statement: there is no portable one for as many as there are.
    INSERT_TEN = "INSERT INTO readings (id, meter_id, register_id, at, value, quality, status,
                      suspicion, source, external_id, supersedes, created_by, version,
                      created_at, updated_at)
                  VALUES
                  ($1, $2, $3, $4, $5, $6, $7, $8,
                      $9, $10, $11, $12, 1, $13, $13),
                  ($14, $15, $16, $17, $18, $19, $20, $21,
                      $22, $23, $24, $25, 1, $26, $26),
                  ($27, $28, $29, $30, $31, $32, $33, $34,
                      $35, $36, $37, $38, 1, $39, $39),
                  ($40, $41, $42, $43, $44, $45, $46, $47,
                      $48, $49, $50, $51, 1, $52, $52),
                  ($53, $54, $55, $56, $57, $58, $59, $60,
                      $61, $62, $63, $64, 1, $65, $65),
                  ($66, $67, $68, $69, $70, $71, $72, $73,
                      $74, $75, $76, $77, 1, $78, $78),
                  ($79, $80, $81, $82, $83, $84, $85, $86,
                      $87, $88, $89, $90, 1, $91, $91),
                  ($92, $93, $94, $95, $96, $97, $98, $99,
                      $100, $101, $102, $103, 1, $104, $104),
                  ($105, $106, $107, $108, $109, $110, $111, $112,
                      $113, $114, $115, $116, 1, $117, $117),
                  ($118, $119, $120, $121, $122, $123, $124, $125,
                      $126, $127, $128, $129, 1, $130, $130)";
    END = "UPDATE readings SET status = $2, updated_at = $3, version = version + 1
           WHERE id = $1 AND status IN ('accepted', 'held')";
    APPROVE = "UPDATE readings SET status = 'accepted', updated_at = $2, version = version + 1
               WHERE id = $1 AND status = 'held'";
    BETWEEN = "SELECT id, at, value, status FROM readings
               WHERE register_id = $1 AND status IN ('accepted', 'held')
                 AND at >= $2 AND at <= $3
               ORDER BY at LIMIT $4";
    BEFORE = "SELECT at, value FROM readings
              WHERE register_id = $1 AND status IN ('accepted', 'held') AND status = 'accepted'
                AND at < $2
              ORDER BY at DESC LIMIT $3";
    AFTER = "SELECT at, value FROM readings
             WHERE register_id = $1 AND status IN ('accepted', 'held') AND status = 'accepted'
               AND at > $2
             ORDER BY at LIMIT 1";
    LATER = "SELECT id AS value FROM readings
             WHERE meter_id = $1 AND at > $2
               AND (status IN ('accepted', 'held') OR EXISTS (
                   SELECT 1 FROM usage_pins AS p WHERE p.reading_id = readings.id))
             ORDER BY at LIMIT 1";
}

record! {
    Reading {
        id, meter_id, register_id, at, value, quality, status, suspicion, source, external_id,
        supersedes, version, created_at, updated_at,
    }
}
/// The rows of `INSERT_TEN`.
const ROWS_AT_ONCE: usize = 10;

record! { Shown { at, value } }

record! { Known { id, at, value, status } }

/// Which readings of a meter, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) meter_id: MeterId,
    pub(crate) register_id: Option<RegisterId>,
    pub(crate) status: Option<ReadingStatus>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

pub(crate) async fn by_id(
    database: &Database,
    id: ReadingId,
) -> Result<Option<Reading>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The reading as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: ReadingId,
) -> Result<Option<Reading>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// The reading that came in its place.
pub(crate) async fn successor(
    tx: &mut Transaction<'_>,
    id: ReadingId,
) -> Result<Option<Reading>, StoreError> {
    tx.optional(SUCCESSOR, params![id]).await
}

/// Newest first.
pub(crate) async fn page(
    database: &Database,
    selection: &Selection,
) -> Result<Vec<Reading>, StoreError> {
    let Selection { meter_id, register_id, status, from, to, after, rows } = selection;
    let (before, id) = super::boundary(*after);
    let values = params![meter_id, register_id, status, from, to, before, id, rows];
    database.all(PAGE, values).await
}

/// Those that wait for somebody's word, newest first.
pub(crate) async fn held(
    database: &Database,
    after: Option<Cursor>,
    rows: i64,
) -> Result<Vec<Reading>, StoreError> {
    let (before, id) = super::boundary(after);
    database.all(HELD, params![before, id, rows]).await
}

pub(crate) async fn held_count(database: &Database) -> Result<i64, StoreError> {
    let (count,): (i64,) = database.one(HELD_COUNT, params![]).await?;
    Ok(count)
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    readings: &[Reading],
    by: &str,
) -> Result<(), StoreError> {
    for some in readings.chunks(ROWS_AT_ONCE) {
        if some.len() == ROWS_AT_ONCE {
            let rows: Vec<_> = some.iter().flat_map(|reading| row(reading, by)).collect();
            tx.execute(INSERT_TEN, &rows).await?;
            continue;
        }
        for reading in some {
            tx.execute(INSERT, &row(reading, by)).await?;
        }
    }
    Ok(())
}

/// What fills the places of one row.
fn row<'a>(reading: &'a Reading, by: &'a str) -> [Value<'a>; 13] {
    [
        reading.id.to_value(),
        reading.meter_id.to_value(),
        reading.register_id.to_value(),
        reading.at.to_value(),
        reading.value.to_value(),
        reading.quality.to_value(),
        reading.status.to_value(),
        reading.suspicion.to_value(),
        reading.source.to_value(),
        reading.external_id.to_value(),
        reading.supersedes.to_value(),
        by.to_value(),
        reading.created_at.to_value(),
    ]
}

/// It counts for nothing any more. False when that is so already.
pub(crate) async fn end(
    tx: &mut Transaction<'_>,
    id: ReadingId,
    status: ReadingStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(END, params![id, status, at]).await? == 1)
}

/// False when it is not held.
pub(crate) async fn approve(
    tx: &mut Transaction<'_>,
    id: ReadingId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(APPROVE, params![id, at]).await? == 1)
}

/// Those of a register that count or are held, from `start` to `end`, both included.
pub(crate) async fn between(
    tx: &mut Transaction<'_>,
    register: RegisterId,
    start: Timestamp,
    end: Timestamp,
    rows: i64,
) -> Result<Vec<Known>, StoreError> {
    tx.all(BETWEEN, params![register, start, end, rows]).await
}

/// The last ones that count before `at`, oldest first.
pub(crate) async fn before(
    tx: &mut Transaction<'_>,
    register: RegisterId,
    at: Timestamp,
    rows: i64,
) -> Result<Vec<Shown>, StoreError> {
    let mut shown = tx.all(BEFORE, params![register, at, rows]).await?;
    shown.reverse();
    Ok(shown)
}

/// The first one that counts after `at`.
pub(crate) async fn after(
    tx: &mut Transaction<'_>,
    register: RegisterId,
    at: Timestamp,
) -> Result<Option<Shown>, StoreError> {
    tx.optional(AFTER, params![register, at]).await
}

/// A reading of the meter, whichever register it is of, that is later than `at` and counts, waits, or
/// stands in a bill.
pub(crate) async fn later(
    tx: &mut Transaction<'_>,
    meter: MeterId,
    at: Timestamp,
) -> Result<Option<ReadingId>, StoreError> {
    let found: Option<(ReadingId,)> = tx.optional(LATER, params![meter, at]).await?;
    Ok(found.map(|(id,)| id))
}
