//! Counting what waits, and forgetting what was settled long since.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Clock, Timestamp};

use super::super::model::endpoint::EndpointStatus;

sql! {
    BACKLOG = "SELECT COUNT(*) AS pending, MIN(d.created_at) AS oldest_at
               FROM webhook_deliveries AS d JOIN webhook_endpoints AS e ON e.id = d.endpoint_id
               WHERE d.status = 'pending' AND e.status = 'active'";
    ENDPOINTS = "SELECT status, COUNT(*) AS count FROM webhook_endpoints
                 GROUP BY status ORDER BY status";
    // Of a process that was killed while it was sending.
    GIVE_UP = "UPDATE webhook_deliveries SET status = 'failed', error = $1, settled_at = $2,
                   lease_owner = NULL, lease_until = 0
               WHERE status = 'pending' AND lease_until <= $3 AND endpoint_id IN (
                   SELECT id FROM webhook_endpoints WHERE status = 'disabled')";
    FORGET = "DELETE FROM webhook_deliveries WHERE id IN (
                  SELECT id FROM webhook_deliveries WHERE settled_at < $1
                  ORDER BY settled_at LIMIT $2)";
    FORGET_MESSAGES = "DELETE FROM webhook_messages WHERE id IN (
                           SELECT m.id FROM webhook_messages AS m
                           WHERE m.created_at < $1 AND NOT EXISTS (
                               SELECT 1 FROM webhook_deliveries AS d WHERE d.message_id = m.id)
                           ORDER BY m.created_at LIMIT $2)";
}

/// What waits for endpoints that are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    pub(crate) pending: i64,
    pub(crate) oldest_at: Option<Timestamp>,
}
record! { Backlog { pending, oldest_at } }

/// Endpoints in one state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) status: EndpointStatus,
    pub(crate) count: i64,
}
record! { Counted { status, count } }

pub(crate) async fn backlog(database: &Database) -> Result<Backlog, StoreError> {
    database.one(BACKLOG, params![]).await
}

pub(crate) async fn endpoints(database: &Database) -> Result<Vec<Counted>, StoreError> {
    database.all(ENDPOINTS, params![]).await
}

/// What waits for endpoints that are called no more.
pub(crate) async fn give_up(
    tx: &mut Transaction<'_>,
    error: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(GIVE_UP, params![error, at, Clock::system().now()]).await?;
    Ok(())
}

/// Deliveries with their attempts, and messages that nobody is sent any more. How many of each.
pub(crate) async fn forget(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    rows: u32,
) -> Result<[u64; 2], StoreError> {
    let deliveries = tx.execute(FORGET, params![before, rows]).await?;
    let messages = tx.execute(FORGET_MESSAGES, params![before, rows]).await?;
    Ok([deliveries, messages])
}
