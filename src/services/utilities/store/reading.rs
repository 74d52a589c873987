//! Readings. They are added, approved, superseded and made void, never changed in value.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
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
}

record! {
    Reading {
        id, meter_id, register_id, at, value, quality, status, suspicion, source, external_id,
        supersedes, version, created_at, updated_at,
    }
}
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
    reading: &Reading,
    by: &str,
) -> Result<(), StoreError> {
    let Reading { id, meter_id, register_id, at, value, quality, status, .. } = reading;
    let Reading { suspicion, source, external_id, supersedes, created_at, .. } = reading;
    let values = params![
        id,
        meter_id,
        register_id,
        at,
        value,
        quality,
        status,
        suspicion,
        source,
        external_id,
        supersedes,
        by,
        created_at
    ];
    tx.execute(INSERT, values).await?;
    Ok(())
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
