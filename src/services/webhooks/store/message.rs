//! Messages, and the deliveries that are made of them.
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::Timestamp;

use super::super::model::delivery::{DeliveryId, DeliveryStatus, MessageId};
use super::super::model::endpoint::EndpointId;

sql! {
    INSERT = "INSERT INTO webhook_messages (id, event, payload, created_at)
              VALUES ($1, $2, $3, $4)";
    DELIVER = "INSERT INTO webhook_deliveries (id, endpoint_id, message_id, status, attempts,
                   failures, due_at, lease_until, error, created_at, settled_at)
               VALUES ($1, $2, $3, $4, 0, 0, $5, 0, $6, $5, $7)";
    PENDING = "SELECT COUNT(*) AS value FROM (
                   SELECT id FROM webhook_deliveries
                   WHERE endpoint_id = $1 AND status = 'pending' LIMIT $2) AS waiting";
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

/// How many more may wait for an endpoint.
pub(crate) async fn room(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    pending_max: u32,
) -> Result<u32, StoreError> {
    let (pending,): (u32,) = tx.one(PENDING, params![endpoint, pending_max]).await?;
    Ok(pending_max.saturating_sub(pending))
}
