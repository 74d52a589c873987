//! Endpoints. Each change repeats in its guard what it relies on.
use crate::storage::{Database, FromRow, Row, StoreError, Transaction, params, sql};
use crate::types::{Cursor, Timestamp};

use super::super::model::endpoint::{DisabledReason, Endpoint, EndpointId, EndpointStatus};
use super::super::schedule::Failing;

/// Endpoints of an installation: each event asks all of them.
pub(crate) const ENDPOINTS_MAX: u32 = 100;

sql! {
    INSERT = "INSERT INTO webhook_endpoints (id, url, description, events, status, version,
                  created_at, updated_at)
              SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT),
                  'active', 1, CAST($5 AS BIGINT), CAST($5 AS BIGINT)
              WHERE (SELECT COUNT(*) FROM webhook_endpoints) < $6";
    BY_ID = "SELECT id, url, description, events, status, disabled_reason, first_failed_at,
                 failing_since, version, created_at, updated_at
             FROM webhook_endpoints WHERE id = $1";
    PAGE = "SELECT id, url, description, events, status, disabled_reason, first_failed_at,
                failing_since, version, created_at, updated_at
            FROM webhook_endpoints
            WHERE created_at < $1 OR (created_at = $1 AND id < $2)
            ORDER BY created_at DESC, id DESC LIMIT $3";
    LISTENING = "SELECT id, url, description, events, status, disabled_reason, first_failed_at,
                     failing_since, version, created_at, updated_at
                 FROM webhook_endpoints WHERE status <> 'disabled' ORDER BY id LIMIT $1";
    CHANGE = "UPDATE webhook_endpoints SET url = $3, description = $4, events = $5,
                  updated_at = $6, version = version + 1
              WHERE id = $1 AND version = $2";
    MOVE = "UPDATE webhook_endpoints SET status = $3, disabled_reason = NULL,
                first_failed_at = NULL, failing_since = NULL, updated_at = $4,
                version = version + 1
            WHERE id = $1 AND status = $2";
    TOUCH = "UPDATE webhook_endpoints SET updated_at = $2, version = version + 1 WHERE id = $1";
    DELETE = "DELETE FROM webhook_endpoints WHERE id = $1 AND version = $2";
    MENDED = "UPDATE webhook_endpoints SET first_failed_at = NULL, failing_since = NULL
              WHERE id = $1 AND first_failed_at IS NOT NULL";
    FAILED = "UPDATE webhook_endpoints SET first_failed_at = $2, failing_since = $3
              WHERE id = $1 AND status <> 'disabled'";
    DISABLE = "UPDATE webhook_endpoints SET status = 'disabled', disabled_reason = $2,
                   updated_at = $3, version = version + 1
               WHERE id = $1 AND status <> 'disabled'";
}

impl FromRow for Endpoint {
    fn from_row(row: &Row<'_>) -> Result<Endpoint, StoreError> {
        let events: String = row.get("events")?;
        let events = serde_json::from_str(&events).map_err(|error| row.fault("events", error))?;
        let (first_at, since) = (row.get("first_failed_at")?, row.get("failing_since")?);
        Ok(Endpoint {
            id: row.get("id")?,
            url: row.get("url")?,
            description: row.get("description")?,
            events,
            status: row.get("status")?,
            disabled_reason: row.get("disabled_reason")?,
            failing: Failing { first_at, since },
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The filters as they are kept.
fn kept(endpoint: &Endpoint) -> Result<String, StoreError> {
    let json = serde_json::to_string(&endpoint.events);
    json.map_err(|error| StoreError::Other { statement: INSERT.name, what: error.to_string() })
}

/// False when there are as many as there may be.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    endpoint: &Endpoint,
) -> Result<bool, StoreError> {
    let Endpoint { id, url, description, created_at, .. } = endpoint;
    let events = kept(endpoint)?;
    let values = params![id, url, description, events, created_at, ENDPOINTS_MAX];
    Ok(tx.execute(INSERT, values).await? == 1)
}

pub(crate) async fn by_id(
    database: &Database,
    id: EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The endpoint as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: EndpointId,
) -> Result<Option<Endpoint>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Newest first.
pub(crate) async fn page(
    database: &Database,
    after: Option<Cursor>,
    rows: i64,
) -> Result<Vec<Endpoint>, StoreError> {
    let (before, id) = boundary(after);
    database.all(PAGE, params![before, id, rows]).await
}

/// The last row that was shown; without one everything comes after it.
pub(super) fn boundary(after: Option<Cursor>) -> (i64, String) {
    let first = (i64::MAX, String::new());
    after.map_or(first, |cursor| (cursor.created_at.micros(), cursor.id.to_string()))
}

/// Every endpoint that hears anything.
pub(crate) async fn listening(tx: &mut Transaction<'_>) -> Result<Vec<Endpoint>, StoreError> {
    tx.all(LISTENING, params![ENDPOINTS_MAX]).await
}

/// False when it is not of this version any more.
pub(crate) async fn change(
    tx: &mut Transaction<'_>,
    endpoint: &Endpoint,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Endpoint { id, version, url, description, .. } = endpoint;
    let events = kept(endpoint)?;
    Ok(tx.execute(CHANGE, params![id, version, url, description, events, at]).await? == 1)
}

/// From one state to another, as if it had never failed. False when it is not in the first.
pub(crate) async fn go(
    tx: &mut Transaction<'_>,
    id: EndpointId,
    from: EndpointStatus,
    to: EndpointStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(MOVE, params![id, from, to, at]).await? == 1)
}

/// A new version, for a change that is kept elsewhere. False when it is not there.
pub(crate) async fn touch(
    tx: &mut Transaction<'_>,
    id: EndpointId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(TOUCH, params![id, at]).await? == 1)
}

/// With all that was sent to it. False when it is not of this version any more.
pub(crate) async fn delete(
    tx: &mut Transaction<'_>,
    id: EndpointId,
    version: i64,
) -> Result<bool, StoreError> {
    Ok(tx.execute(DELETE, params![id, version]).await? == 1)
}

/// It works again, or still does.
pub(crate) async fn mended(tx: &mut Transaction<'_>, id: EndpointId) -> Result<(), StoreError> {
    tx.execute(MENDED, params![id]).await?;
    Ok(())
}

pub(crate) async fn failed(
    tx: &mut Transaction<'_>,
    id: EndpointId,
    failing: Failing,
) -> Result<(), StoreError> {
    tx.execute(FAILED, params![id, failing.first_at, failing.since]).await?;
    Ok(())
}

/// False when it is so already.
pub(crate) async fn disable(
    tx: &mut Transaction<'_>,
    id: EndpointId,
    reason: DisabledReason,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(DISABLE, params![id, reason, at]).await? == 1)
}
