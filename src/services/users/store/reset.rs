//! Codes for a new password, in storage.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Timestamp, UserId};

use super::super::model::ResetId;
use super::super::model::reset::Reset;

sql! {
    SUPERSEDE = "UPDATE password_resets SET expires_at = $2
                 WHERE user_id = $1 AND used_at IS NULL AND expires_at > $2";
    INSERT = "INSERT INTO password_resets (id, user_id, created_at, expires_at)
              VALUES ($1, $2, $3, $4)";
    WAITING = "SELECT id, user_id, created_at, expires_at FROM password_resets
               WHERE user_id = $1 AND used_at IS NULL AND expires_at > $2
               ORDER BY created_at DESC, id DESC LIMIT 1";
    GOOD = "SELECT user_id AS value FROM password_resets
            WHERE id = $1 AND used_at IS NULL AND expires_at > $2";
    USE_UP = "UPDATE password_resets SET used_at = $2
              WHERE id = $1 AND used_at IS NULL AND expires_at > $2";
    FORGET = "DELETE FROM password_resets WHERE id IN (
                  SELECT id FROM password_resets WHERE expires_at < $1
                  ORDER BY expires_at LIMIT $2)";
}

record! { Reset { id, user_id, created_at, expires_at } }

/// Earlier codes stay good until one is used: whoever asks for another mail, who may be anybody,
/// takes nothing from the person who holds one.
pub(crate) async fn insert(tx: &mut Transaction<'_>, reset: &Reset) -> Result<(), StoreError> {
    let Reset { id, user_id, created_at, expires_at } = reset;
    tx.execute(INSERT, params![id, user_id, created_at, expires_at]).await.map(drop)
}

/// Codes that were asked for so far are good for nothing any more.
pub(crate) async fn supersede(
    tx: &mut Transaction<'_>,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(SUPERSEDE, params![user, at]).await.map(drop)
}

/// The code that is waited for, if one is.
pub(crate) async fn waiting(
    database: &Database,
    user: UserId,
    now: Timestamp,
) -> Result<Option<Reset>, StoreError> {
    database.optional(WAITING, params![user, now]).await
}

/// Whose password this may change; `None`: it is over, or was used before.
pub(crate) async fn good(
    database: &Database,
    id: ResetId,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    let found: Option<(UserId,)> = database.optional(GOOD, params![id, now]).await?;
    Ok(found.map(|(user,)| user))
}

/// False: it is over, or was used before.
pub(crate) async fn use_up(
    tx: &mut Transaction<'_>,
    id: ResetId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(USE_UP, params![id, at]).await? == 1)
}

/// Forgets codes that were over before `before`, at most `limit`.
pub(crate) async fn forget(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(FORGET, params![before, limit]).await
}
