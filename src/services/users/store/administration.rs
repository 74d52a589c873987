//! What administrators do to accounts, in storage.

use crate::config::EmailVerification;
use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::{Timestamp, UserId};

use super::super::model::user::{Role, User};

sql! {
    IS_FOUNDED = "SELECT founded_at AS value FROM administration WHERE id = 'house'";
    FOUND = "INSERT INTO administration (id, founded_at, changes) VALUES ('house', $1, 0)
             ON CONFLICT (id) DO NOTHING";
    LINE_UP = "UPDATE administration SET changes = changes + 1 WHERE id = 'house'";
    // Tokens that say another role are withdrawn; sessions go on. Somebody who can log in must
    // remain to name others.
    GIVE_ROLE = "UPDATE users
                 SET role = $2,
                     token_version = token_version + CASE WHEN role <> $2 THEN 1 ELSE 0 END,
                     version = version + 1, updated_at = $3
                 WHERE id = $1 AND ($2 = 'admin' OR role <> 'admin' OR EXISTS (
                     SELECT 1 FROM users AS other
                     WHERE other.role = 'admin' AND other.id <> $1
                       AND (other.status = 'active'
                            OR (other.status = 'pending_verification' AND $4))))
                 RETURNING id, email, name, phone, locale, timezone, role, status, verified_at,
                           version, created_at, updated_at";
    SUSPEND = "UPDATE users SET status = 'suspended', token_version = token_version + 1,
                                version = version + 1, updated_at = $2
               WHERE id = $1 AND status IN ('pending_verification', 'active')
                 AND (role <> 'admin' OR EXISTS (
                     SELECT 1 FROM users AS other
                     WHERE other.role = 'admin' AND other.id <> $1
                       AND (other.status = 'active'
                            OR (other.status = 'pending_verification' AND $3))))
               RETURNING id, email, name, phone, locale, timezone, role, status, verified_at,
                         version, created_at, updated_at";
    REACTIVATE = "UPDATE users
                  SET status = CASE WHEN verified_at IS NULL
                                    THEN 'pending_verification' ELSE 'active' END,
                      version = version + 1, updated_at = $2
                  WHERE id = $1 AND status = 'suspended'
                  RETURNING id, email, name, phone, locale, timezone, role, status, verified_at,
                            version, created_at, updated_at";
}

/// Whether the first administrator was made.
pub(crate) async fn is_founded(database: &Database) -> Result<bool, StoreError> {
    let founded: Option<(Timestamp,)> = database.optional(IS_FOUNDED, params![]).await?;
    Ok(founded.is_some())
}

/// True for the one that may make the first administrator.
pub(crate) async fn found(tx: &mut Transaction<'_>, at: Timestamp) -> Result<bool, StoreError> {
    Ok(tx.execute(FOUND, params![at]).await? == 1)
}

/// Changes that may take away the last administrator go one after the other: each then sees what
/// the one before it did. Comes first in the transaction.
pub(crate) async fn line_up(tx: &mut Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(LINE_UP, params![]).await.map(drop)
}

/// `None`: no such user, or the last administrator.
pub(crate) async fn give_role(
    tx: &mut Transaction<'_>,
    id: UserId,
    role: Role,
    proof: EmailVerification,
    at: Timestamp,
) -> Result<Option<User>, StoreError> {
    tx.optional(GIVE_ROLE, params![id, role, at, unproven_may_log_in(proof)]).await
}

/// `None`: no such user, suspended already, or the last administrator.
pub(crate) async fn suspend(
    tx: &mut Transaction<'_>,
    id: UserId,
    proof: EmailVerification,
    at: Timestamp,
) -> Result<Option<User>, StoreError> {
    tx.optional(SUSPEND, params![id, at, unproven_may_log_in(proof)]).await
}

fn unproven_may_log_in(proof: EmailVerification) -> bool {
    match proof {
        EmailVerification::Optional => true,
        EmailVerification::Required => false,
    }
}

/// `None`: no such user, or not suspended.
pub(crate) async fn reactivate(
    tx: &mut Transaction<'_>,
    id: UserId,
    at: Timestamp,
) -> Result<Option<User>, StoreError> {
    tx.optional(REACTIVATE, params![id, at]).await
}
