//! What is counted against guessing and flooding, in storage: it survives a restart.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::Timestamp;

use super::super::lockout::Tally;

sql! {
    READ = "SELECT count, since, blocked_until FROM throttles WHERE key = $1";
    // Changes nothing of a row that is there, but locks it until the transaction ends.
    TAKE = "INSERT INTO throttles (key, count, since, blocked_until) VALUES ($1, 0, $2, 0)
            ON CONFLICT (key) DO UPDATE SET count = throttles.count
            RETURNING count, since, blocked_until";
    PUT = "UPDATE throttles SET count = $2, since = $3, blocked_until = $4 WHERE key = $1";
    CLEAR = "DELETE FROM throttles WHERE key = $1 AND blocked_until <= $2";
    REMOVE = "DELETE FROM throttles WHERE key = $1";
    FORGET = "DELETE FROM throttles WHERE key IN (
                  SELECT key FROM throttles WHERE since < $1 AND blocked_until < $2
                  ORDER BY since LIMIT $3)
              AND since < $1 AND blocked_until < $2";
}

record! { Tally { count, since, blocked_until } }

pub(crate) async fn read(database: &Database, key: &str) -> Result<Option<Tally>, StoreError> {
    database.optional(READ, params![key]).await
}

/// As `read`, within a change.
pub(crate) async fn current(
    tx: &mut Transaction<'_>,
    key: &str,
) -> Result<Option<Tally>, StoreError> {
    tx.optional(READ, params![key]).await
}

/// What was counted so far; others who count under this key wait until the transaction ends.
pub(crate) async fn take(
    tx: &mut Transaction<'_>,
    key: &str,
    now: Timestamp,
) -> Result<Tally, StoreError> {
    tx.one(TAKE, params![key, now]).await
}

pub(crate) async fn put(
    tx: &mut Transaction<'_>,
    key: &str,
    tally: Tally,
) -> Result<(), StoreError> {
    let Tally { count, since, blocked_until } = tally;
    tx.execute(PUT, params![key, count, since, blocked_until]).await.map(drop)
}

/// Forgets failures, unless they have led to a wait that goes on.
pub(crate) async fn clear(
    tx: &mut Transaction<'_>,
    key: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(CLEAR, params![key, now]).await.map(drop)
}

/// Forgets failures and the wait that they have led to. False: there were none.
pub(crate) async fn remove(tx: &mut Transaction<'_>, key: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, params![key]).await? == 1)
}

/// Forgets what means nothing any more, at most `limit`.
pub(crate) async fn forget(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(FORGET, params![before, now, limit]).await
}
