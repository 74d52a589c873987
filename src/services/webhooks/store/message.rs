//! Messages, and the deliveries that are made of them.
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::Timestamp;

use super::super::model::delivery::{DeliveryId, DeliveryStatus, MessageId};
use super::super::model::endpoint::EndpointId;

/// What waits for a paused endpoint; further messages fail at once, to be replayed later.
pub(crate) const PAUSED_MAX: u32 = 100_000;

sql! {
    INSERT = "INSERT INTO webhook_messages (id, event, payload, created_at)
              VALUES ($1, $2, $3, $4)";
    DELIVER = "INSERT INTO webhook_deliveries (id, endpoint_id, message_id, status, attempts,
                   failures, due_at, lease_until, error, created_at, settled_at)
               VALUES ($1, $2, $3, $4, 0, 0, $5, 0, $6, $5, $7)";
    IS_FULL = "SELECT id AS value FROM webhook_deliveries
               WHERE endpoint_id = $1 AND status = 'pending'
               ORDER BY due_at, id LIMIT 1 OFFSET $2";
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    id: MessageId,
    event: &str,
    payload: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(INSERT, params![id, event, payload, at]).await?;
    Ok(())
}

/// Due at once.
pub(crate) async fn deliver(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    message: MessageId,
    at: Timestamp,
) -> Result<DeliveryId, StoreError> {
    let (id, none) = (DeliveryId::new(), None::<Timestamp>);
    let status = DeliveryStatus::Pending;
    let values = params![id, endpoint, message, status, at, None::<&str>, none];
    tx.execute(DELIVER, values).await?;
    Ok(id)
}

/// Failed before it was tried: too many wait already.
pub(crate) async fn turn_away(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    message: MessageId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (id, status) = (DeliveryId::new(), DeliveryStatus::Failed);
    tx.execute(DELIVER, params![id, endpoint, message, status, at, "queue_full", Some(at)]).await?;
    Ok(())
}

/// Whether as much waits for an endpoint as may wait for a paused one.
pub(crate) async fn is_full(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
) -> Result<bool, StoreError> {
    let last: Option<(DeliveryId,)> =
        tx.optional(IS_FULL, params![endpoint, PAUSED_MAX - 1]).await?;
    Ok(last.is_some())
}
