//! Attempts: written before the call, completed after it.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Holder, Timestamp};

use super::super::model::attempt::{AttemptView, Ended, Outcome};
use super::super::model::delivery::{Claimed, DeliveryId};

/// Attempts of one delivery that are shown: the last ones.
const SHOWN_MAX: u32 = 100;

sql! {
    // What an earlier holder began and never ended was cut off.
    CUT_OFF = "UPDATE webhook_attempts SET ended_at = $2, outcome = $3
               WHERE ended_at IS NULL AND delivery_id IN (
                   SELECT id FROM webhook_deliveries WHERE lease_owner = $1)";
    BEGIN = "INSERT INTO webhook_attempts (delivery_id, number, started_at)
             SELECT id, attempts, CAST($2 AS BIGINT) FROM webhook_deliveries
             WHERE lease_owner = $1";
    END = "UPDATE webhook_attempts SET ended_at = $3, duration_ms = $4, status = $5, outcome = $6,
               address = $7, response = $8
           WHERE delivery_id = $1 AND number = $2";
    OF_DELIVERY = "SELECT number, started_at, ended_at, duration_ms, outcome, status,
                       address, response
                   FROM webhook_attempts WHERE delivery_id = $1 ORDER BY number DESC LIMIT $2";
}

record! {
    AttemptView {
        number, started_at, ended_at, duration_ms, outcome, status, address, response,
    }
}

/// For everything that this holder has just claimed.
pub(crate) async fn begin(
    tx: &mut Transaction<'_>,
    holder: &Holder,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(CUT_OFF, params![holder.as_str(), at, Outcome::Interrupted]).await?;
    tx.execute(BEGIN, params![holder.as_str(), at]).await?;
    Ok(())
}

pub(crate) async fn end(
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    ended: &Ended,
    at: Timestamp,
    duration_ms: i64,
) -> Result<(), StoreError> {
    let Claimed { id, attempts, .. } = claimed;
    let Ended { outcome, status, address, response, .. } = ended;
    let values = params![id, attempts, at, duration_ms, status, outcome, address, response];
    tx.execute(END, values).await?;
    Ok(())
}

/// In their order.
pub(crate) async fn of_delivery(
    database: &Database,
    id: DeliveryId,
) -> Result<Vec<AttemptView>, StoreError> {
    let mut attempts: Vec<AttemptView> = database.all(OF_DELIVERY, params![id, SHOWN_MAX]).await?;
    attempts.reverse();
    Ok(attempts)
}
