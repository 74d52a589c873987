//! Bills that become overdue.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{BillId, Date, Timestamp, Zone};

sql! {
    DUE = "SELECT id AS value FROM bills
           WHERE status IN ('issued', 'partially_paid') AND overdue_at <= $1
             AND balance_minor > 0
           ORDER BY overdue_at, id LIMIT $2";
    NEXT = "SELECT MIN(overdue_at) AS value FROM bills
            WHERE status IN ('issued', 'partially_paid') AND overdue_at > $1";
    UNDATED = "SELECT id, due_on, timezone FROM bills
               WHERE status IN ('issued', 'partially_paid') AND overdue_at IS NULL
               ORDER BY id LIMIT $1";
    DATE = "UPDATE bills SET overdue_at = $2
            WHERE id = $1 AND status IN ('issued', 'partially_paid') AND overdue_at IS NULL";
    BECOME = "UPDATE bills SET status = 'overdue', updated_at = $2, version = version + 1
              WHERE id = $1 AND status IN ('issued', 'partially_paid') AND overdue_at <= $2
                AND balance_minor > 0";
}

/// A bill that an earlier release issued.
#[derive(Clone, Debug)]
pub(crate) struct Undated {
    pub(crate) id: BillId,
    pub(crate) due_on: Date,
    pub(crate) timezone: Zone,
}
record! { Undated { id, due_on, timezone } }

/// Those whose time has come, the longest overdue first.
pub(crate) async fn due(
    database: &Database,
    at: Timestamp,
    rows: u32,
) -> Result<Vec<BillId>, StoreError> {
    let due: Vec<(BillId,)> = database.all(DUE, params![at, rows]).await?;
    Ok(due.into_iter().map(|(id,)| id).collect())
}

/// When the next one becomes overdue after `at`.
pub(crate) async fn next(
    database: &Database,
    at: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let (next,): (Option<Timestamp>,) = database.one(NEXT, params![at]).await?;
    Ok(next)
}

pub(crate) async fn undated(database: &Database, rows: u32) -> Result<Vec<Undated>, StoreError> {
    database.all(UNDATED, params![rows]).await
}

pub(crate) async fn date(
    tx: &mut Transaction<'_>,
    id: BillId,
    overdue_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(DATE, params![id, overdue_at]).await?;
    Ok(())
}

/// False when it was paid or voided meanwhile.
pub(crate) async fn become_overdue(
    tx: &mut Transaction<'_>,
    id: BillId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(BECOME, params![id, at]).await? == 1)
}
