//! Payments and their changes in storage.

use crate::services::payments::model::payment::{Payment, Reserved, Transition};
use crate::services::payments::model::stage::{PaymentFailureCode, Stage};
use crate::services::payments::model::view::PaymentFilter;
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{PaymentId, Timestamp};

sql! {
    INSERT = "INSERT INTO payments
                  (id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                   currency, connector, token, metadata, failure_code, polls, principal, is_staff,
                   request_key, fingerprint, correlation, created_at, updated_at)
              VALUES ($1, 'reserving', 0, $2, NULL, $3, NULL, $4, $5, $6, $7, $8, NULL, 0,
                      $9, $10, $11, $12, $13, $14, $14)
              ON CONFLICT (principal, request_key) DO NOTHING";
    BY_ID = "SELECT id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                    currency, connector, token, metadata, failure_code, polls, principal, is_staff,
                    request_key, fingerprint, correlation, created_at, updated_at
             FROM payments WHERE id = $1";
    BY_KEY = "SELECT id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                     currency, connector, token, metadata, failure_code, polls, principal, is_staff,
                     request_key, fingerprint, correlation, created_at, updated_at
              FROM payments WHERE principal = $1 AND request_key = $2";
    LIST = "SELECT id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                   currency, connector, token, metadata, failure_code, polls, principal, is_staff,
                   request_key, fingerprint, correlation, created_at, updated_at
            FROM payments
            WHERE stage <> 'reserving'
              AND (CAST($1 AS TEXT) IS NULL OR user_id = $1)
              AND (CAST($2 AS TEXT) IS NULL OR bill_id = $2)
              AND (CAST($3 AS TEXT) IS NULL OR stage = $3 OR stage = $4)
              AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5)
              AND (CAST($6 AS BIGINT) IS NULL OR created_at < $6 OR (created_at = $6 AND id < $7))
            ORDER BY created_at DESC, id DESC LIMIT $8";
    OF_USER = "SELECT id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                      currency, connector, token, metadata, failure_code, polls, principal,
                      is_staff, request_key, fingerprint, correlation, created_at, updated_at
               FROM payments
               WHERE user_id = $1 AND stage <> 'reserving'
                 AND (CAST($2 AS TEXT) IS NULL OR bill_id = $2)
                 AND (CAST($3 AS TEXT) IS NULL OR stage = $3 OR stage = $4)
                 AND (CAST($5 AS BIGINT) IS NULL OR created_at >= $5)
                 AND (CAST($6 AS BIGINT) IS NULL OR created_at < $6
                      OR (created_at = $6 AND id < $7))
               ORDER BY created_at DESC, id DESC LIMIT $8";
    SEND = "UPDATE payments
            SET stage = 'sent', version = version + 1, user_id = $2, provider_id = $3,
                bill_number = $4, updated_at = $5
            WHERE id = $1 AND stage = 'reserving'
            RETURNING id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                      currency, connector, token, metadata, failure_code, polls, principal,
                      is_staff, request_key, fingerprint, correlation, created_at, updated_at";
    MOVE = "UPDATE payments
            SET stage = $4, version = version + 1, failure_code = $5, updated_at = $6,
                unknown_since = CASE WHEN $4 = 'unknown' THEN $6 ELSE unknown_since END
            WHERE id = $1 AND version = $2 AND stage = $3
            RETURNING id, stage, version, bill_id, bill_number, user_id, provider_id, amount_minor,
                      currency, connector, token, metadata, failure_code, polls, principal,
                      is_staff, request_key, fingerprint, correlation, created_at, updated_at";
    POLLED = "UPDATE payments SET polls = polls + 1 WHERE id = $1 AND stage = 'unknown'";
    RECORD = "INSERT INTO transitions (payment_id, version, stage, at, actor, note)
              VALUES ($1, $2, $3, $4, $5, $6)";
    TRANSITIONS = "SELECT version, stage, at, actor, note FROM transitions
                   WHERE payment_id = $1 ORDER BY version";
    REMOVE = "DELETE FROM payments WHERE id = $1 AND stage = 'reserving'";
}

record! { Payment {
    id, stage, version, bill_id, bill_number, user_id, provider_id, money, connector, token,
    metadata, failure_code, polls, principal, is_staff, request_key, fingerprint, correlation,
    created_at, updated_at,
} }
record! { Transition { version, stage, at, actor, note } }

/// What changes with a move.
pub(crate) struct Moved<'a> {
    pub(crate) to: Stage,
    pub(crate) failure: Option<PaymentFailureCode>,
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a str,
    pub(crate) note: Option<&'a str>,
}

/// False when this principal has a payment with this key already.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    payment: &Payment,
) -> Result<bool, StoreError> {
    let Payment { id, bill_id, user_id, money, connector, token, metadata, .. } = payment;
    let Payment { principal, is_staff, request_key, fingerprint, correlation, .. } = payment;
    let (amount, currency) = (money.amount(), money.currency());
    let values = params![
        id,
        bill_id,
        user_id,
        amount,
        currency,
        connector,
        token,
        metadata,
        principal,
        is_staff,
        request_key,
        fingerprint,
        correlation,
        payment.created_at
    ];
    Ok(tx.execute(INSERT, values).await? == 1)
}

pub(crate) async fn by_id(
    database: &Database,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// As it is within this transaction.
pub(crate) async fn reread(
    tx: &mut Transaction<'_>,
    id: PaymentId,
) -> Result<Option<Payment>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

pub(crate) async fn by_key(
    tx: &mut Transaction<'_>,
    payment: &Payment,
) -> Result<Option<Payment>, StoreError> {
    tx.optional(BY_KEY, params![payment.principal, payment.request_key]).await
}

/// Newest first, one more than the page shows.
pub(crate) async fn list(
    database: &Database,
    filter: &PaymentFilter,
) -> Result<Vec<Payment>, StoreError> {
    let stages = filter.status.map(|status| status.stages());
    let (one, other) = (stages.map(|(one, _)| one), stages.map(|(_, other)| other));
    let before = filter.cursor.map(|cursor| cursor.created_at);
    let before_id = filter.cursor.map(|cursor| cursor.id);
    // With a user its index leads; without one the statement must not be planned for it.
    let statement = if filter.user_id.is_some() { OF_USER } else { LIST };
    let PaymentFilter { user_id, bill_id, created_from, limit, .. } = filter;
    let limit = limit.rows_and_one();
    let values = params![user_id, bill_id, one, other, created_from, before, before_id, limit];
    database.all(statement, values).await
}

/// The bill's amount is held: the payment is shown from now on. `None` when it was sent before.
pub(crate) async fn send(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    reserved: &Reserved,
    at: Timestamp,
) -> Result<Option<Payment>, StoreError> {
    let Reserved { bill_number, user_id, provider_id } = reserved;
    let values = params![payment.id, user_id, provider_id, bill_number, at];
    let sent: Option<Payment> = tx.optional(SEND, values).await?;
    if let Some(sent) = &sent {
        record(tx, sent, at, &payment.principal, None).await?;
    }
    Ok(sent)
}

/// Makes a move from the stage and version that the decision was made on. `None` when it is
/// elsewhere by now.
pub(crate) async fn make_move(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    moved: &Moved<'_>,
) -> Result<Option<Payment>, StoreError> {
    let Payment { id, version, stage, .. } = payment;
    let values = params![id, version, stage, moved.to, moved.failure, moved.at];
    let there: Option<Payment> = tx.optional(MOVE, values).await?;
    if let Some(there) = &there {
        record(tx, there, moved.at, moved.actor, moved.note).await?;
    }
    Ok(there)
}

/// Adds the change to the stage that the payment is in now.
async fn record(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    at: Timestamp,
    actor: &str,
    note: Option<&str>,
) -> Result<(), StoreError> {
    let Payment { id, version, stage, .. } = payment;
    tx.execute(RECORD, params![id, version, stage, at, actor, note]).await?;
    Ok(())
}

/// Counts that the connector was asked once more in vain. False when the outcome is known by now.
pub(crate) async fn polled(
    tx: &mut Transaction<'_>,
    payment: &Payment,
) -> Result<bool, StoreError> {
    Ok(tx.execute(POLLED, params![payment.id]).await? == 1)
}

pub(crate) async fn transitions(
    database: &Database,
    id: PaymentId,
) -> Result<Vec<Transition>, StoreError> {
    database.all(TRANSITIONS, params![id]).await
}

/// Takes back a payment that nothing was held for; its try must be gone. False when it has gone on.
pub(crate) async fn remove(tx: &mut Transaction<'_>, id: PaymentId) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, params![id]).await? == 1)
}
