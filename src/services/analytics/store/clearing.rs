//! Deleting the rows of a generation that is left behind, a bounded part at a time.
use crate::storage::{Statement, StoreError, Transaction, params, sql};

sql! {
    SUMS = "DELETE FROM sums
            WHERE (generation, span, kind, at, currency, provider_id, method, reason) IN (
                SELECT generation, span, kind, at, currency, provider_id, method, reason
                FROM sums WHERE generation = $1 LIMIT $2)";
    MOVEMENTS = "DELETE FROM movements
                 WHERE (generation, bill_id, currency, event_id) IN (
                     SELECT generation, bill_id, currency, event_id
                     FROM movements WHERE generation = $1 LIMIT $2)";
    BILLS = "DELETE FROM bills WHERE (generation, bill_id, currency) IN (
                 SELECT generation, bill_id, currency FROM bills WHERE generation = $1 LIMIT $2)";
    PAYMENTS = "DELETE FROM payments WHERE (generation, payment_id) IN (
                    SELECT generation, payment_id FROM payments WHERE generation = $1 LIMIT $2)";
    USERS = "DELETE FROM users WHERE (generation, user_id) IN (
                 SELECT generation, user_id FROM users WHERE generation = $1 LIMIT $2)";
}

const TABLES: [Statement; 5] = [SUMS, MOVEMENTS, BILLS, PAYMENTS, USERS];

/// Deletes up to `limit` rows of each table. False when nothing was left.
pub(crate) async fn clear(
    tx: &mut Transaction<'_>,
    generation: i64,
    limit: u32,
) -> Result<bool, StoreError> {
    let mut deleted = 0;
    for table in TABLES {
        deleted += tx.execute(table, params![generation, limit]).await?;
    }
    Ok(deleted > 0)
}
