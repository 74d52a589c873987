//! The secrets of endpoints, as they are kept: encrypted.
use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::Timestamp;

use super::super::model::endpoint::{EndpointId, SecretId};

/// The current secret, and the one before it.
const LIVE_MAX: u32 = 2;

sql! {
    INSERT = "INSERT INTO webhook_secrets (id, endpoint_id, sealed, created_at, expires_at)
              VALUES ($1, $2, $3, $4, NULL)";
    DROP_OLD = "DELETE FROM webhook_secrets WHERE endpoint_id = $1 AND expires_at IS NOT NULL";
    RETIRE = "UPDATE webhook_secrets SET expires_at = $2
              WHERE endpoint_id = $1 AND expires_at IS NULL";
    LIVE = "SELECT sealed AS value FROM webhook_secrets
            WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2)
            ORDER BY created_at DESC, id DESC LIMIT $3";
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    sealed: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(INSERT, params![SecretId::new(), endpoint, sealed, at]).await?;
    Ok(())
}

/// The current secret lives until then, and what was before it no longer.
pub(crate) async fn retire(
    tx: &mut Transaction<'_>,
    endpoint: EndpointId,
    until: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(DROP_OLD, params![endpoint]).await?;
    tx.execute(RETIRE, params![endpoint, until]).await?;
    Ok(())
}

/// Newest first.
pub(crate) async fn live(
    database: &Database,
    endpoint: EndpointId,
    now: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let sealed: Vec<(String,)> = database.all(LIVE, params![endpoint, now, LIVE_MAX]).await?;
    Ok(sealed.into_iter().map(|(sealed,)| sealed).collect())
}
