//! Tries at connectors in storage.

use crate::services::payments::model::charge::Verdict;
use crate::services::payments::model::payment::Attempt;
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{PaymentId, Timestamp};

sql! {
    INSERT = "INSERT INTO attempts (id, payment_id, number, connector, charge_key, state)
              VALUES ($1, $2, $3, $4, $5, 'ready')";
    LAST = "SELECT id, payment_id, number, connector, charge_key, state, connector_reference,
                   failure_code, sent_at, answered_at
            FROM attempts WHERE payment_id = $1 ORDER BY number DESC LIMIT 1";
    OF_PAYMENT = "SELECT id, payment_id, number, connector, charge_key, state, connector_reference,
                         failure_code, sent_at, answered_at
                  FROM attempts WHERE payment_id = $1 ORDER BY number";
    SENT = "UPDATE attempts SET state = 'sent', sent_at = $2 WHERE id = $1 AND state = 'ready'";
    LOST = "UPDATE attempts SET state = 'unknown' WHERE id = $1 AND state = 'sent'";
    ANSWERED = "UPDATE attempts
                SET state = $2, connector_reference = $3, failure_code = $4, answered_at = $5
                WHERE id = $1 AND state IN ('sent', 'unknown')";
    REMOVE = "DELETE FROM attempts WHERE payment_id = $1 AND state = 'ready'";
}

record! { Attempt {
    id, payment_id, number, connector, charge_key, state, connector_reference, failure_code,
    sent_at, answered_at,
} }

pub(crate) async fn insert(tx: &mut Transaction<'_>, attempt: &Attempt) -> Result<(), StoreError> {
    let Attempt { id, payment_id, number, connector, charge_key, .. } = attempt;
    tx.execute(INSERT, params![id, payment_id, number, connector, charge_key]).await?;
    Ok(())
}

/// The try that counts: each payment has one.
pub(crate) async fn last(database: &Database, id: PaymentId) -> Result<Attempt, StoreError> {
    database.one(LAST, params![id]).await
}

pub(crate) async fn of_payment(
    database: &Database,
    id: PaymentId,
) -> Result<Vec<Attempt>, StoreError> {
    database.all(OF_PAYMENT, params![id]).await
}

pub(crate) async fn sent(
    tx: &mut Transaction<'_>,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(SENT, params![attempt.id, at]).await?;
    Ok(())
}

/// Whether the connector heard it is not known.
pub(crate) async fn lost(tx: &mut Transaction<'_>, attempt: &Attempt) -> Result<(), StoreError> {
    tx.execute(LOST, params![attempt.id]).await?;
    Ok(())
}

pub(crate) async fn answered(
    tx: &mut Transaction<'_>,
    attempt: &Attempt,
    verdict: &Verdict,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (state, reference, failure) = match verdict {
        Verdict::Succeeded { reference } => ("succeeded", Some(reference), None),
        Verdict::Declined { reason } => ("declined", None, Some(*reason)),
    };
    tx.execute(ANSWERED, params![attempt.id, state, reference, failure, at]).await?;
    Ok(())
}

/// Takes back a try that was not sent.
pub(crate) async fn remove(tx: &mut Transaction<'_>, id: PaymentId) -> Result<(), StoreError> {
    tx.execute(REMOVE, params![id]).await?;
    Ok(())
}
