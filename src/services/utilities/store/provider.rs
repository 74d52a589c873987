//! Providers. Each change repeats in its guard what it relies on.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Cursor, Timestamp};

use super::super::model::provider::{Provider, ProviderKey, ProviderStatus};
use super::super::model::words::Commodity;

sql! {
    BY_ID = "SELECT id, name, kind, currency, timezone, exactness, status, created_by, version,
                 created_at, updated_at
             FROM providers WHERE id = $1";
    PAGE = "SELECT id, name, kind, currency, timezone, exactness, status, created_by, version,
                created_at, updated_at
            FROM providers
            WHERE ($1 OR status IN ('active', 'paused'))
              AND (CAST($2 AS TEXT) IS NULL OR status = $2)
              AND (CAST($3 AS TEXT) IS NULL OR kind = $3)
              AND (created_at < $4 OR (created_at = $4 AND id < $5))
            ORDER BY created_at DESC, id DESC LIMIT $6";
    INSERT = "INSERT INTO providers (id, name, kind, currency, timezone, exactness, status,
                  created_by, version, created_at, updated_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9)";
    // By the record of who did what; what the machine itself did is nobody's.
    WORKED_AT = "SELECT COUNT(*) AS value FROM audit
                 WHERE subject = $1 AND actor = $2 AND action IN
                     ('provider.created', 'provider.changed', 'provider.submitted')";
    // 'retired' is an end.
    CHANGE = "UPDATE providers SET name = $4, kind = $5, currency = $6, timezone = $7,
                  exactness = $8, updated_at = $9, version = version + 1
              WHERE id = $1 AND version = $2 AND status = $3 AND status <> 'retired'";
    MOVE = "UPDATE providers SET status = $3, updated_at = $4, version = version + 1
            WHERE id = $1 AND status = $2";
}

record! {
    Provider {
        id, name, kind, currency, timezone, exactness, status, created_by, version, created_at,
        updated_at,
    }
}

/// Which providers, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// Also those that are not for everybody.
    pub(crate) shows_all: bool,
    pub(crate) status: Option<ProviderStatus>,
    pub(crate) kind: Option<Commodity>,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

/// Whether somebody made a provider, changed it, or submitted it.
pub(crate) async fn has_worked_at(
    tx: &mut Transaction<'_>,
    subject: &str,
    actor: &str,
) -> Result<bool, StoreError> {
    let (times,): (i64,) = tx.one(WORKED_AT, params![subject, actor]).await?;
    Ok(times > 0)
}

pub(crate) async fn by_id(
    database: &Database,
    id: ProviderKey,
) -> Result<Option<Provider>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The provider as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: ProviderKey,
) -> Result<Option<Provider>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Newest first.
pub(crate) async fn page(
    database: &Database,
    selection: &Selection,
) -> Result<Vec<Provider>, StoreError> {
    let Selection { shows_all, status, kind, after, rows } = selection;
    let (before, id) = super::boundary(*after);
    database.all(PAGE, params![shows_all, status, kind, before, id, rows]).await
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    provider: &Provider,
) -> Result<(), StoreError> {
    let Provider { id, name, kind, currency, timezone, exactness, status, .. } = provider;
    let (by, at) = (provider.created_by, provider.created_at);
    tx.execute(INSERT, params![id, name, kind, currency, timezone, exactness, status, by, at])
        .await?;
    Ok(())
}

/// `provider` in place of what has its version and status. False when that is not there any more.
pub(crate) async fn change(
    tx: &mut Transaction<'_>,
    provider: &Provider,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Provider { id, name, kind, currency, timezone, exactness, status, version, .. } = provider;
    let values = params![id, version, status, name, kind, currency, timezone, exactness, at];
    Ok(tx.execute(CHANGE, values).await? == 1)
}

/// From one state to another. False when it is not in the first.
pub(crate) async fn transfer(
    tx: &mut Transaction<'_>,
    id: ProviderKey,
    from: ProviderStatus,
    to: ProviderStatus,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(MOVE, params![id, from, to, at]).await? == 1)
}
