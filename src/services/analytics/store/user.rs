//! Facts about users: their ids and three instants, nothing personal.
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::{Timestamp, UserId};

sql! {
    REGISTERED = "INSERT INTO users (generation, user_id, registered_at) VALUES ($1, $2, $3)
                  ON CONFLICT (generation, user_id) DO UPDATE
                  SET registered_at = excluded.registered_at
                  WHERE users.registered_at IS NULL";
    VERIFIED = "INSERT INTO users (generation, user_id, verified_at) VALUES ($1, $2, $3)
                ON CONFLICT (generation, user_id) DO UPDATE
                SET verified_at = excluded.verified_at
                WHERE users.verified_at IS NULL";
    SUSPENDED = "INSERT INTO users (generation, user_id, suspended_at) VALUES ($1, $2, $3)
                 ON CONFLICT (generation, user_id) DO UPDATE
                 SET suspended_at = excluded.suspended_at
                 WHERE users.suspended_at IS NULL";
}

pub(crate) async fn registered(
    tx: &mut Transaction<'_>,
    generation: i64,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(REGISTERED, params![generation, user, at]).await?;
    Ok(())
}

pub(crate) async fn verified(
    tx: &mut Transaction<'_>,
    generation: i64,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(VERIFIED, params![generation, user, at]).await?;
    Ok(())
}

pub(crate) async fn suspended(
    tx: &mut Transaction<'_>,
    generation: i64,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(SUSPENDED, params![generation, user, at]).await?;
    Ok(())
}
