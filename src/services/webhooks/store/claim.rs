//! The queue: what is due is claimed under a lease, and whoever has it ends it.
//!
//! Due times go by the service's clock, leases by the system's: a clock that was set shall not end
//! leases. Each endpoint has a row of its own, so that none waits behind another.
use std::time::Duration;

use crate::storage::{Database, FromRow, Row, StoreError, Transaction, params, record, sql};
use crate::types::{Clock, Holder, Timestamp};

use super::super::model::delivery::{Claimed, DeliveryId, Parcel};
use super::super::model::endpoint::EndpointId;
use super::endpoint::ENDPOINTS_MAX;

sql! {
    WAITING = "SELECT e.id AS value FROM webhook_endpoints AS e
               WHERE e.status = 'active' AND EXISTS (
                   SELECT 1 FROM webhook_deliveries AS d
                   WHERE d.endpoint_id = e.id AND d.status = 'pending' AND d.due_at <= $1
                     AND d.lease_until <= $2)
               ORDER BY e.id LIMIT $3";
    // The guard on the outer row is checked again when another claim held the row first. What is due is
    // looked up once, whatever PostgreSQL believes of the length of the queue.
    CLAIM = "WITH due AS MATERIALIZED (
                 SELECT id FROM webhook_deliveries
                 WHERE endpoint_id = $1 AND status = 'pending' AND due_at <= $2
                   AND lease_until <= $3
                 ORDER BY due_at, id LIMIT $6)
             UPDATE webhook_deliveries SET lease_owner = $4, lease_until = $5,
                 attempts = attempts + 1
             WHERE endpoint_id = $1 AND status = 'pending' AND lease_until <= $3
               AND id IN (SELECT id FROM due)
             RETURNING id, endpoint_id, attempts, failures, lease_owner";
    PARCEL = "SELECT d.message_id, e.url, m.payload
              FROM webhook_deliveries AS d
              JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
              JOIN webhook_messages AS m ON m.id = d.message_id
              WHERE d.id = $1 AND d.lease_owner = $2";
    DELIVERED = "UPDATE webhook_deliveries SET status = 'delivered', settled_at = $3, error = NULL,
                     lease_owner = NULL, lease_until = 0
                 WHERE id = $1 AND lease_owner = $2 AND status = 'pending'";
    LATER = "UPDATE webhook_deliveries SET failures = failures + 1, due_at = $3, error = $4,
                 lease_owner = NULL, lease_until = 0
             WHERE id = $1 AND lease_owner = $2 AND status = 'pending'";
    FAILED = "UPDATE webhook_deliveries SET status = 'failed', failures = failures + 1,
                  settled_at = $3, error = $4, lease_owner = NULL, lease_until = 0
              WHERE id = $1 AND lease_owner = $2 AND status = 'pending'";
    GIVE_BACK = "UPDATE webhook_deliveries SET lease_owner = NULL, lease_until = 0
                 WHERE id = $1 AND lease_owner = $2 AND status = 'pending'";
    RELEASE_OTHERS = "UPDATE webhook_deliveries SET lease_owner = NULL, lease_until = 0
                      WHERE lease_owner IS NOT NULL AND SUBSTR(lease_owner, 1, 36) <> $1";
}

impl FromRow for Claimed {
    fn from_row(row: &Row<'_>) -> Result<Claimed, StoreError> {
        Ok(Claimed {
            id: row.get("id")?,
            endpoint_id: row.get("endpoint_id")?,
            attempts: row.get("attempts")?,
            failures: row.get("failures")?,
            holder: Holder::from(row.get::<String>("lease_owner")?),
        })
    }
}

record! { Parcel { message_id, url, payload } }

/// The endpoints for which something is due. A read: it disturbs no writer.
pub(crate) async fn waiting(
    database: &Database,
    now: Timestamp,
) -> Result<Vec<EndpointId>, StoreError> {
    let system = Clock::system().now();
    let ids: Vec<(EndpointId,)> =
        database.all(WAITING, params![now, system, ENDPOINTS_MAX]).await?;
    Ok(ids.into_iter().map(|(id,)| id).collect())
}

/// Claims what is due for one endpoint, at most `room`, what is due longest first.
pub(crate) async fn claim(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    room: u32,
    now: Timestamp,
    holder: &Holder,
    lease: Duration,
) -> Result<Vec<Claimed>, StoreError> {
    let system = Clock::system().now();
    let until = system.plus(lease);
    tx.all(CLAIM, params![endpoint, now, system, holder.as_str(), until, room]).await
}

/// `None`: it is ours no more, or its endpoint is gone.
pub(crate) async fn parcel(
    database: &Database,
    claimed: &Claimed,
) -> Result<Option<Parcel>, StoreError> {
    database.optional(PARCEL, params![claimed.id, claimed.holder.as_str()]).await
}

/// False when it is ours no more.
pub(crate) async fn delivered(
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Claimed { id, holder, .. } = claimed;
    Ok(tx.execute(DELIVERED, params![id, holder.as_str(), at]).await? == 1)
}

/// False when it is ours no more.
pub(crate) async fn later(
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    due_at: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    let Claimed { id, holder, .. } = claimed;
    Ok(tx.execute(LATER, params![id, holder.as_str(), due_at, error]).await? == 1)
}

/// False when it is ours no more.
pub(crate) async fn failed(
    tx: &mut Transaction<'_>,
    claimed: &Claimed,
    at: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    let Claimed { id, holder, .. } = claimed;
    Ok(tx.execute(FAILED, params![id, holder.as_str(), at, error]).await? == 1)
}

/// As it was: due, and nobody's.
pub(crate) async fn give_back(
    tx: &mut Transaction<'_>,
    id: DeliveryId,
    holder: &Holder,
) -> Result<(), StoreError> {
    tx.execute(GIVE_BACK, params![id, holder.as_str()]).await?;
    Ok(())
}

/// Ends the leases of earlier processes. Only for a database that one process holds alone.
pub(crate) async fn release_others(tx: &mut Transaction<'_>) -> Result<u64, StoreError> {
    tx.execute(RELEASE_OTHERS, params![Holder::process()]).await
}
