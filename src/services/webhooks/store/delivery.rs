//! Deliveries as people see them, and put them into the queue again.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Clock, Cursor, Timestamp};

use super::super::model::delivery::{Delivery, DeliveryId, DeliveryStatus};
use super::super::model::endpoint::EndpointId;
use super::endpoint::boundary;

/// Deliveries that one replay puts into the queue: others wait for its transaction.
const REPLAYED_MAX: u32 = 10_000;

sql! {
    BY_ID = "SELECT d.id, d.endpoint_id, d.message_id, m.event, d.status, d.attempts, d.due_at,
                 d.error, d.created_at, d.settled_at
             FROM webhook_deliveries AS d JOIN webhook_messages AS m ON m.id = d.message_id
             WHERE d.id = $1";
    OF_ENDPOINT = "SELECT d.id, d.endpoint_id, d.message_id, m.event, d.status, d.attempts,
                       d.due_at, d.error, d.created_at, d.settled_at
                   FROM webhook_deliveries AS d JOIN webhook_messages AS m ON m.id = d.message_id
                   WHERE d.endpoint_id = $1 AND (CAST($2 AS TEXT) IS NULL OR d.status = $2)
                     AND (d.created_at < $3 OR (d.created_at = $3 AND d.id < $4))
                   ORDER BY d.created_at DESC, d.id DESC LIMIT $5";
    PAYLOAD = "SELECT m.payload AS value
               FROM webhook_deliveries AS d JOIN webhook_messages AS m ON m.id = d.message_id
               WHERE d.id = $1";
    AGAIN = "UPDATE webhook_deliveries SET status = 'pending', failures = 0, due_at = $2,
                 error = NULL, settled_at = NULL
             WHERE id = $1 AND lease_until <= $3";
    // A delivery that is pending is in the queue: asking again changes nothing.
    REPLAY = "UPDATE webhook_deliveries SET status = 'pending', failures = 0, due_at = $4,
                  error = NULL, settled_at = NULL
              WHERE status <> 'pending' AND id IN (
                  SELECT id FROM webhook_deliveries
                  WHERE endpoint_id = $1 AND created_at >= $2 AND created_at < $3
                    AND status <> 'pending' AND (status = 'failed' OR $5)
                  ORDER BY created_at, id LIMIT $6)";
    GIVE_UP = "UPDATE webhook_deliveries SET status = 'failed', error = $2, settled_at = $3,
                   lease_owner = NULL, lease_until = 0
               WHERE endpoint_id = $1 AND status = 'pending' AND lease_until <= $4";
}

record! {
    Delivery {
        id, endpoint_id, message_id, event, status, attempts, due_at, error, created_at, settled_at,
    }
}

pub(crate) async fn by_id(
    database: &Database,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The delivery as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: DeliveryId,
) -> Result<Option<Delivery>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Newest first.
pub(crate) async fn of_endpoint(
    database: &Database,
    endpoint: EndpointId,
    status: Option<DeliveryStatus>,
    after: Option<Cursor>,
    rows: i64,
) -> Result<Vec<Delivery>, StoreError> {
    let (before, id) = boundary(after);
    database.all(OF_ENDPOINT, params![endpoint, status, before, id, rows]).await
}

/// What is sent.
pub(crate) async fn payload(
    database: &Database,
    id: DeliveryId,
) -> Result<Option<String>, StoreError> {
    let payload: Option<(String,)> = database.optional(PAYLOAD, params![id]).await?;
    Ok(payload.map(|(payload,)| payload))
}

/// Into the queue, whatever became of it before. One that is being sent at the moment stays so.
pub(crate) async fn again(
    tx: &mut Transaction<'_>,
    id: DeliveryId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(AGAIN, params![id, at, Clock::system().now()]).await?;
    Ok(())
}

/// Which deliveries are sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) endpoint: EndpointId,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    /// Those too that were delivered.
    pub(crate) takes_delivered: bool,
}

/// At most `room`. How many it were, and whether there may be more.
pub(crate) async fn replay(
    tx: &mut Transaction<'_>,
    span: Span,
    room: u32,
    at: Timestamp,
) -> Result<(u64, bool), StoreError> {
    let Span { endpoint, since, until, takes_delivered } = span;
    let rows_max = room.min(REPLAYED_MAX);
    let values = params![endpoint, since, until, at, takes_delivered, rows_max];
    let queued = tx.execute(REPLAY, values).await?;
    Ok((queued, queued == u64::from(rows_max)))
}

/// Everything that waits for an endpoint that is called no more. What is being sent at the moment ends
/// by what it is answered.
pub(crate) async fn give_up(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    error: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(GIVE_UP, params![endpoint, error, at, Clock::system().now()]).await?;
    Ok(())
}
