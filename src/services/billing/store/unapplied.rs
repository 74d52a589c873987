//! Money that was taken and is on no bill.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::Cursor;

use super::super::model::reservation::Unapplied;
use super::list::boundary;

sql! {
    INSERT = "INSERT INTO unapplied_payments (id, payment_id, bill_id, user_id, provider_id,
                  amount_minor, currency, reason, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
              ON CONFLICT (payment_id, bill_id) DO NOTHING";
    OPEN = "SELECT id, payment_id, bill_id, user_id, provider_id, amount_minor, currency, reason,
                created_at
            FROM unapplied_payments
            WHERE resolved_at IS NULL
              AND (created_at < $1 OR (created_at = $1 AND id < $2))
            ORDER BY created_at DESC, id DESC LIMIT $3";
}

record! {
    Unapplied {
        id, payment_id, bill_id, user_id, provider_id, amount_minor, currency, reason, created_at,
    }
}

/// Puts it on the list. False when it is there.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    unapplied: &Unapplied,
) -> Result<bool, StoreError> {
    let Unapplied { id, payment_id, bill_id, user_id, provider_id, .. } = unapplied;
    let Unapplied { amount_minor, currency, reason, created_at, .. } = unapplied;
    let values = params![
        id,
        payment_id,
        bill_id,
        user_id,
        provider_id,
        amount_minor,
        currency,
        reason,
        created_at
    ];
    Ok(tx.execute(INSERT, values).await? == 1)
}

/// What nobody has dealt with, newest first.
pub(crate) async fn open(
    database: &Database,
    after: Option<Cursor>,
    rows: i64,
) -> Result<Vec<Unapplied>, StoreError> {
    let (before, id) = boundary(after);
    database.all(OPEN, params![before, id, rows]).await
}
