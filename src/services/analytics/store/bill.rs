//! Facts about bills. Each says whether it was news.
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::{Amount, BillId, Currency, Date, Timestamp};

use super::super::model::fact::{BillFact, Told};

sql! {
    ISSUED = "INSERT INTO bills (generation, bill_id, currency, provider_id, due_on, issued_at,
                  paid_sequence, open_minor, last_moved_at)
              VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $6)
              ON CONFLICT (generation, bill_id, currency) DO UPDATE
              SET provider_id = excluded.provider_id, due_on = excluded.due_on,
                  issued_at = excluded.issued_at,
                  open_minor = bills.open_minor + excluded.open_minor,
                  last_moved_at = CASE WHEN bills.last_moved_at > excluded.last_moved_at
                      THEN bills.last_moved_at ELSE excluded.last_moved_at END
              WHERE bills.issued_at IS NULL";
    VOIDED = "INSERT INTO bills (generation, bill_id, currency, provider_id, voided_at,
                  paid_sequence, open_minor, last_moved_at)
              VALUES ($1, $2, $3, $4, $5, 0, $6, $5)
              ON CONFLICT (generation, bill_id, currency) DO UPDATE
              SET voided_at = excluded.voided_at,
                  open_minor = bills.open_minor + excluded.open_minor,
                  last_moved_at = CASE WHEN bills.last_moved_at > excluded.last_moved_at
                      THEN bills.last_moved_at ELSE excluded.last_moved_at END
              WHERE bills.voided_at IS NULL";
    CREDITED = "INSERT INTO bills (generation, bill_id, currency, provider_id, paid_sequence,
                    open_minor, last_moved_at)
                VALUES ($1, $2, $3, $4, 0, $5, $6)
                ON CONFLICT (generation, bill_id, currency) DO UPDATE
                SET open_minor = bills.open_minor + excluded.open_minor,
                    last_moved_at = CASE WHEN bills.last_moved_at > excluded.last_moved_at
                        THEN bills.last_moved_at ELSE excluded.last_moved_at END";
    OVERDUE = "INSERT INTO bills (generation, bill_id, currency, provider_id, overdue_at,
                   paid_sequence, open_minor, last_moved_at)
               VALUES ($1, $2, $3, $4, $5, 0, 0, 0)
               ON CONFLICT (generation, bill_id, currency) DO UPDATE
               SET overdue_at = excluded.overdue_at
               WHERE bills.overdue_at IS NULL";
    PAID = "INSERT INTO bills (generation, bill_id, currency, provider_id, paid_at,
                paid_sequence, open_minor, last_moved_at)
            VALUES ($1, $2, $3, $4, $5, $6, 0, 0)
            ON CONFLICT (generation, bill_id, currency) DO UPDATE
            SET paid_at = excluded.paid_at, paid_sequence = excluded.paid_sequence
            WHERE bills.paid_sequence < excluded.paid_sequence";
    MOVED = "INSERT INTO movements (generation, bill_id, currency, event_id, at, amount_minor)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (generation, bill_id, currency, event_id) DO UPDATE
             SET amount_minor = movements.amount_minor + excluded.amount_minor";
}

pub(crate) async fn issued(
    tx: &mut Transaction<'_>,
    generation: i64,
    bill: &BillFact,
    total: Amount,
    due_on: Option<Date>,
    told: Told,
) -> Result<bool, StoreError> {
    let BillFact { bill_id, currency, provider_id, .. } = bill;
    let minor = total.minor();
    let values = params![generation, bill_id, currency, provider_id, due_on, told.at, minor];
    Ok(tx.execute(ISSUED, values).await? == 1)
}

/// Takes away what was owed.
pub(crate) async fn voided(
    tx: &mut Transaction<'_>,
    generation: i64,
    bill: &BillFact,
    owed: Amount,
    told: Told,
) -> Result<bool, StoreError> {
    let BillFact { bill_id, currency, provider_id, .. } = bill;
    let minor = -owed.minor();
    let values = params![generation, bill_id, currency, provider_id, told.at, minor];
    Ok(tx.execute(VOIDED, values).await? == 1)
}

/// Takes away what a payment brings. The payment knows that it is news.
pub(crate) async fn credited(
    tx: &mut Transaction<'_>,
    generation: i64,
    (bill_id, currency): (BillId, Currency),
    provider_id: &str,
    amount: Amount,
    at: Timestamp,
) -> Result<(), StoreError> {
    let minor = -amount.minor();
    let values = params![generation, bill_id, currency, provider_id, minor, at];
    tx.execute(CREDITED, values).await?;
    Ok(())
}

pub(crate) async fn overdue(
    tx: &mut Transaction<'_>,
    generation: i64,
    bill: &BillFact,
    told: Told,
) -> Result<bool, StoreError> {
    let BillFact { bill_id, currency, provider_id, .. } = bill;
    let values = params![generation, bill_id, currency, provider_id, told.at];
    Ok(tx.execute(OVERDUE, values).await? == 1)
}

/// Paid in full at `paid_at`, or not any more; the newest word on it counts.
pub(crate) async fn paid(
    tx: &mut Transaction<'_>,
    generation: i64,
    bill: &BillFact,
    paid_at: Option<Timestamp>,
    told: Told,
) -> Result<(), StoreError> {
    let BillFact { bill_id, currency, provider_id, .. } = bill;
    let values = params![generation, bill_id, currency, provider_id, paid_at, told.sequence];
    tx.execute(PAID, values).await?;
    Ok(())
}

/// Adds to what is owed on a bill, or takes away. Two parts of one event add up.
pub(crate) async fn moved(
    tx: &mut Transaction<'_>,
    generation: i64,
    (bill_id, currency): (BillId, Currency),
    amount_minor: i64,
    told: Told,
) -> Result<(), StoreError> {
    let values = params![generation, bill_id, currency, told.event_id, told.at, amount_minor];
    tx.execute(MOVED, values).await?;
    Ok(())
}
