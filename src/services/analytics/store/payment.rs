//! Facts about payments. Each says whether it was news.
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::Timestamp;

use super::super::model::fact::{Ending, PaymentFact};

sql! {
    CREATED = "INSERT INTO payments (generation, payment_id, currency, amount_minor, created_at)
               VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (generation, payment_id) DO UPDATE
               SET created_at = excluded.created_at
               WHERE payments.created_at IS NULL";
    UNKNOWN = "INSERT INTO payments (generation, payment_id, currency, amount_minor, unknown_at)
               VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (generation, payment_id) DO UPDATE
               SET unknown_at = excluded.unknown_at
               WHERE payments.unknown_at IS NULL";
    ENDED = "INSERT INTO payments (generation, payment_id, currency, amount_minor, ended_at,
                 outcome)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (generation, payment_id) DO UPDATE
             SET ended_at = excluded.ended_at, outcome = excluded.outcome
             WHERE payments.ended_at IS NULL";
}

pub(crate) async fn created(
    tx: &mut Transaction<'_>,
    generation: i64,
    payment: &PaymentFact,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let PaymentFact { payment_id, currency, amount, .. } = payment;
    let minor = amount.minor();
    let values = params![generation, payment_id, currency, minor, at];
    Ok(tx.execute(CREATED, values).await? == 1)
}

pub(crate) async fn unknown(
    tx: &mut Transaction<'_>,
    generation: i64,
    payment: &PaymentFact,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let PaymentFact { payment_id, currency, amount, .. } = payment;
    let minor = amount.minor();
    let values = params![generation, payment_id, currency, minor, at];
    Ok(tx.execute(UNKNOWN, values).await? == 1)
}

/// A payment ends once: the first word on it counts.
pub(crate) async fn ended(
    tx: &mut Transaction<'_>,
    generation: i64,
    payment: &PaymentFact,
    ending: Ending,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let PaymentFact { payment_id, currency, amount, .. } = payment;
    let minor = amount.minor();
    let values = params![generation, payment_id, currency, minor, at, ending];
    Ok(tx.execute(ENDED, values).await? == 1)
}
