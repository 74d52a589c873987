//! Bills. Each change repeats in its guard what it relies on; whether it found the bill so is the
//! answer, and who needs the bill afterwards reads it again.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Amount, BillId, Currency, Date, Timestamp};

use super::super::model::bill::Bill;
use super::super::model::draft::Draft;

sql! {
    BY_ID = "SELECT id, number, user_id, provider_id, provider_name, service_account_id, currency, period_start,
                 period_end, timezone, basis, exactness, status, issued_on, due_on,
                 subtotal_minor, tax_minor, total_minor, credited_minor, credit_applied_minor,
                 settled_minor, refunded_minor, reserved_minor, balance_minor, version,
                 created_at, updated_at
             FROM bills WHERE id = $1";
    INSERT = "INSERT INTO bills (id, user_id, provider_id, provider_name, service_account_id, currency,
                  period_start, period_end, timezone, basis, exactness, status, due_on,
                  subtotal_minor, tax_minor, total_minor, credited_minor, credit_applied_minor,
                  settled_minor, refunded_minor, disputed_minor, moved_to_credit_minor,
                  reserved_minor, version, created_at, updated_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'draft', $12, $13, $14, $15,
                  0, 0, 0, 0, 0, 0, 0, 1, $16, $16)";
    CHANGE = "UPDATE bills SET service_account_id = $3, period_start = $4, period_end = $5,
                  timezone = $6, exactness = $7, due_on = $8, subtotal_minor = $9,
                  tax_minor = $10, total_minor = $11, updated_at = $12, version = version + 1
              WHERE id = $1 AND version = $2 AND status = 'draft'";
    DELETE = "DELETE FROM bills WHERE id = $1 AND version = $2 AND status = 'draft'";
    ISSUE = "UPDATE bills SET status = 'issued', number = $3, issued_on = $4, due_on = $5,
                 overdue_at = $6, updated_at = $7, version = version + 1
             WHERE id = $1 AND version = $2 AND status = 'draft'";
    VOID = "UPDATE bills SET status = 'void', updated_at = $2, version = version + 1
            WHERE id = $1 AND status IN ('issued', 'partially_paid', 'overdue') AND reserved_minor = 0
              AND settled_minor <= refunded_minor";
    HOLD = "UPDATE bills SET reserved_minor = reserved_minor + $2, updated_at = $4,
                version = version + 1
            WHERE id = $1 AND currency = $3 AND status IN ('issued', 'partially_paid', 'overdue')
              AND balance_minor - reserved_minor >= $2
              AND (exactness = 'exact_down' OR balance_minor = $2)";
    RELEASE = "UPDATE bills SET reserved_minor = reserved_minor - $2, updated_at = $3,
                   version = version + 1
               WHERE id = $1 AND reserved_minor >= $2";
    SETTLE = "UPDATE bills SET settled_minor = settled_minor + $2,
                  reserved_minor = reserved_minor - $3,
                  status = CASE WHEN balance_minor = $2 THEN 'paid'
                                WHEN status = 'overdue' THEN 'overdue'
                                ELSE 'partially_paid' END,
                  updated_at = $4, version = version + 1
              WHERE id = $1 AND status IN ('issued', 'partially_paid', 'overdue')
                AND reserved_minor >= $3 AND balance_minor - reserved_minor + $3 >= $2";
}

record! {
    Bill {
        id, number, user_id, provider_id, provider_name, service_account_id, currency, period, timezone, basis,
        exactness, status, issued_on, due_on, subtotal_minor, tax_minor, total_minor,
        credited_minor, credit_applied_minor, settled_minor, refunded_minor, reserved_minor,
        balance_minor, version, created_at, updated_at,
    }
}

/// What is settled when a bill is issued.
#[derive(Debug)]
pub(crate) struct Issue {
    pub(crate) number: String,
    pub(crate) issued_on: Date,
    pub(crate) due_on: Date,
    /// From when on it is overdue.
    pub(crate) overdue_at: Timestamp,
}

pub(crate) async fn by_id(database: &Database, id: BillId) -> Result<Option<Bill>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The bill as the transaction sees it.
pub(crate) async fn seen(tx: &mut Transaction<'_>, id: BillId) -> Result<Option<Bill>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// The first version of a draft, without its lines.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    draft: &Draft,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Draft { id, user_id, provider_id, provider_name, service_account_id, .. } = draft;
    let Draft { currency, period, due_on, timezone, basis, exactness, totals, .. } = draft;
    let (start, end) = (period.start(), period.end());
    let values = params![
        id,
        user_id,
        provider_id,
        provider_name,
        service_account_id,
        currency,
        start,
        end,
        timezone,
        basis,
        exactness,
        due_on,
        totals.subtotal,
        totals.tax,
        totals.total,
        at
    ];
    tx.execute(INSERT, values).await?;
    Ok(())
}

/// False when the draft is not of this version any more.
pub(crate) async fn change(
    tx: &mut Transaction<'_>,
    draft: &Draft,
    version: i64,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Draft { id, service_account_id, period, due_on, timezone, exactness, totals, .. } = draft;
    let (start, end) = (period.start(), period.end());
    let values = params![
        id,
        version,
        service_account_id,
        start,
        end,
        timezone,
        exactness,
        due_on,
        totals.subtotal,
        totals.tax,
        totals.total,
        at
    ];
    Ok(tx.execute(CHANGE, values).await? == 1)
}

/// A draft, its lines and its history. False when it is not of this version any more.
pub(crate) async fn delete(
    tx: &mut Transaction<'_>,
    id: BillId,
    version: i64,
) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, params![id, version]).await? == 1)
}

/// False when the draft is not of this version any more.
pub(crate) async fn issue(
    tx: &mut Transaction<'_>,
    id: BillId,
    version: i64,
    issue: &Issue,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Issue { number, issued_on, due_on, overdue_at } = issue;
    let values = params![id, version, number, issued_on, due_on, overdue_at, at];
    Ok(tx.execute(ISSUE, values).await? == 1)
}

/// False when it cannot be voided, for its state or for money that is on it.
pub(crate) async fn void(
    tx: &mut Transaction<'_>,
    id: BillId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(VOID, params![id, at]).await? == 1)
}

/// Holds a part of what is owed and not held. False when that is not there.
pub(crate) async fn hold(
    tx: &mut Transaction<'_>,
    id: BillId,
    amount: Amount,
    currency: Currency,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(HOLD, params![id, amount, currency, at]).await? == 1)
}

/// Gives a part back that was held.
pub(crate) async fn release(
    tx: &mut Transaction<'_>,
    id: BillId,
    amount: Amount,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(RELEASE, params![id, amount, at]).await? == 1)
}

/// Takes a payment of `applied` and gives back `released` that was held for it. False when what
/// is owed and not held for others is less.
pub(crate) async fn settle(
    tx: &mut Transaction<'_>,
    id: BillId,
    applied: Amount,
    released: Amount,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(SETTLE, params![id, applied, released, at]).await? == 1)
}
