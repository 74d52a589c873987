//! Sessions in storage. Whoever gives a token and whoever ends a session changes the same row, so
//! one comes after the other.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Name, SessionId, Timestamp, UserId};

use super::super::model::session::{Session, SessionEnd, SessionQuery};
use super::super::model::user::Role;
use super::super::refresh::Family;

sql! {
    INSERT = "INSERT INTO sessions
                  (id, user_id, status, device_name, client, counter,
                   refreshed_at, idle_until, expires_at, created_at)
              VALUES ($1, $2, 'active', $3, $4, 1, $5, $6, $7, $5)";
    FAMILY = "SELECT id, user_id, status, counter, client, refreshed_at, idle_until, expires_at
              FROM sessions WHERE id = $1";
    ROTATE = "UPDATE sessions SET counter = counter + 1, client = $3, refreshed_at = $4,
                                  idle_until = $5
              WHERE id = $1 AND counter = $2 AND status = 'active'
                AND idle_until > $4 AND expires_at > $4";
    ROLE = "SELECT users.role AS value
               FROM sessions JOIN users ON users.id = sessions.user_id
               WHERE sessions.id = $1 AND sessions.user_id = $2 AND sessions.status = 'active'
                 AND sessions.expires_at > $3
                 AND users.status <> 'suspended' AND users.token_version <= $4";
    PAGE = "SELECT id, device_name, created_at, refreshed_at, idle_until, expires_at
            FROM sessions
            WHERE user_id = $1 AND status = 'active' AND idle_until > $2 AND expires_at > $2
              AND (CAST($3 AS BIGINT) IS NULL OR created_at < $3
                   OR (created_at = $3 AND id < $4))
            ORDER BY created_at DESC, id DESC LIMIT $5";
    REVOKE = "UPDATE sessions SET status = 'revoked', reason = $3, revoked_at = $4
              WHERE id = $1 AND user_id = $2 AND status = 'active'";
    REVOKE_ALL = "UPDATE sessions SET status = 'revoked', reason = $3, revoked_at = $4
                  WHERE user_id = $1 AND status = 'active'
                    AND (CAST($2 AS TEXT) IS NULL OR id <> $2)
                  RETURNING id AS value";
    FORGET = "DELETE FROM sessions WHERE id IN (
                  SELECT id FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)";
}

record! { Session { id, device_name, created_at, refreshed_at, idle_until, expires_at } }
record! { Family {
    id, user_id, status, counter, client, refreshed_at, idle_until, expires_at,
} }

/// A session that begins.
#[derive(Clone, Debug)]
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) user_id: UserId,
    pub(crate) device_name: Option<Name>,
    pub(crate) client: String,
    pub(crate) at: Timestamp,
    pub(crate) idle_until: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What the successor of a refresh token writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation<'a> {
    /// The number of the token that was presented.
    pub(crate) counter: i64,
    pub(crate) client: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) idle_until: Timestamp,
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    session: &NewSession,
) -> Result<(), StoreError> {
    let NewSession { id, user_id, device_name, client, at, idle_until, expires_at } = session;
    let values = params![id, user_id, device_name, client, at, idle_until, expires_at];
    tx.execute(INSERT, values).await.map(drop)
}

pub(crate) async fn family(
    tx: &mut Transaction<'_>,
    id: SessionId,
) -> Result<Option<Family>, StoreError> {
    tx.optional(FAMILY, params![id]).await
}

/// False: the token is not the current one any more, or the session is over.
pub(crate) async fn rotate(
    tx: &mut Transaction<'_>,
    id: SessionId,
    rotation: Rotation<'_>,
) -> Result<bool, StoreError> {
    let Rotation { counter, client, at, idle_until } = rotation;
    Ok(tx.execute(ROTATE, params![id, counter, client, at, idle_until]).await? == 1)
}

/// What the user of this session may do now. `None`: an access token of it is no longer good.
pub(crate) async fn role(
    database: &Database,
    id: SessionId,
    user: UserId,
    token_version: i64,
    now: Timestamp,
) -> Result<Option<Role>, StoreError> {
    let values = params![id, user, now, token_version];
    let live: Option<(Role,)> = database.optional(ROLE, values).await?;
    Ok(live.map(|(role,)| role))
}

/// The sessions that go on, the newest first; one more than the page has.
pub(crate) async fn page(
    database: &Database,
    user: UserId,
    query: &SessionQuery,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let (at, id) = (query.cursor.map(|it| it.created_at), query.cursor.map(|it| it.id));
    let rows = query.limit.rows_and_one();
    database.all(PAGE, params![user, now, at, id, rows]).await
}

/// False: there is no such session of the user, or it has ended before.
pub(crate) async fn revoke(
    tx: &mut Transaction<'_>,
    id: SessionId,
    user: UserId,
    reason: SessionEnd,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(REVOKE, params![id, user, reason, at]).await? == 1)
}

/// The sessions that this ended.
pub(crate) async fn revoke_all(
    tx: &mut Transaction<'_>,
    user: UserId,
    except: Option<SessionId>,
    reason: SessionEnd,
    at: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let ended: Vec<(SessionId,)> = tx.all(REVOKE_ALL, params![user, except, reason, at]).await?;
    Ok(ended.into_iter().map(|(id,)| id).collect())
}

/// Forgets sessions that were over before `before`, at most `limit`.
pub(crate) async fn forget(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(FORGET, params![before, limit]).await
}
