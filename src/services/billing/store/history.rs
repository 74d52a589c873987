//! What happened to a bill, one row for each version.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::BillId;

use super::super::model::history::Entry;

sql! {
    APPEND = "INSERT INTO bill_history (id, bill_id, version, name, at, actor, data)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    OF_BILL = "SELECT id, bill_id, version, name, at, actor, data FROM bill_history
               WHERE bill_id = $1 AND version > $2
                 AND ($3 OR name NOT IN ('bill.drafted', 'bill.changed'))
               ORDER BY version LIMIT $4";
}

record! { Entry { id, bill_id, version, name, at, actor, data } }

pub(crate) async fn append(tx: &mut Transaction<'_>, entry: &Entry) -> Result<(), StoreError> {
    let Entry { id, bill_id, version, name, at, actor, data } = entry;
    tx.execute(APPEND, params![id, bill_id, version, name, at, actor, data]).await?;
    Ok(())
}

/// What happened after a version, oldest first; with or without its time as a draft.
pub(crate) async fn of_bill(
    database: &Database,
    bill: BillId,
    after: i64,
    with_draft: bool,
    rows: i64,
) -> Result<Vec<Entry>, StoreError> {
    database.all(OF_BILL, params![bill, after, with_draft, rows]).await
}
