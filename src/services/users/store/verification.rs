//! Proofs of an address in storage.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Timestamp, UserId};

use super::super::model::VerificationId;
use super::super::model::verification::Verification;

sql! {
    // An earlier mail is worth nothing once a later one was asked for.
    SUPERSEDE = "UPDATE email_verifications SET expires_at = $2
                 WHERE user_id = $1 AND used_at IS NULL AND expires_at > $2";
    INSERT = "INSERT INTO email_verifications (id, user_id, created_at, expires_at)
              VALUES ($1, $2, $3, $4)";
    WAITING = "SELECT id, user_id, created_at, expires_at FROM email_verifications
               WHERE user_id = $1 AND used_at IS NULL AND expires_at > $2
               ORDER BY created_at DESC, id DESC LIMIT 1";
    USE_UP = "UPDATE email_verifications SET used_at = $2
              WHERE id = $1 AND used_at IS NULL AND expires_at > $2
              RETURNING user_id AS value";
    USED_BY = "SELECT user_id AS value FROM email_verifications
               WHERE id = $1 AND used_at IS NOT NULL AND expires_at > $2";
    FORGET = "DELETE FROM email_verifications WHERE id IN (
                  SELECT id FROM email_verifications WHERE expires_at < $1
                  ORDER BY expires_at LIMIT $2)";
}

record! { Verification { id, user_id, created_at, expires_at } }

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    verification: &Verification,
) -> Result<(), StoreError> {
    let Verification { id, user_id, created_at, expires_at } = verification;
    tx.execute(SUPERSEDE, params![user_id, created_at]).await?;
    tx.execute(INSERT, params![id, user_id, created_at, expires_at]).await.map(drop)
}

/// The proof that is waited for, if one is.
pub(crate) async fn waiting(
    database: &Database,
    user: UserId,
    now: Timestamp,
) -> Result<Option<Verification>, StoreError> {
    database.optional(WAITING, params![user, now]).await
}

/// Whose address is proven by this; `None`: it is over, or was used before.
pub(crate) async fn use_up(
    tx: &mut Transaction<'_>,
    id: VerificationId,
    at: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    let used: Option<(UserId,)> = tx.optional(USE_UP, params![id, at]).await?;
    Ok(used.map(|(user,)| user))
}

/// Whose address was proven by this before; `None` also once it would have been over anyway.
pub(crate) async fn used_by(
    tx: &mut Transaction<'_>,
    id: VerificationId,
    now: Timestamp,
) -> Result<Option<UserId>, StoreError> {
    let used: Option<(UserId,)> = tx.optional(USED_BY, params![id, now]).await?;
    Ok(used.map(|(user,)| user))
}

/// Forgets proofs that were over before `before`, at most `limit`.
pub(crate) async fn forget(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(FORGET, params![before, limit]).await
}
