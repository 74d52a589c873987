//! Preferences in storage.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Timestamp, UserId};

use super::super::model::preference::{Preferences, Stored};

sql! {
    OF_USER = "SELECT email, sms, push, categories, version, updated_at
               FROM preferences WHERE user_id = $1";
    // The version is checked where the row is written: of two who change it at once, one is told.
    PUT = "INSERT INTO preferences (user_id, email, sms, push, categories, version, updated_at)
           VALUES ($1, $2, $3, $4, $5, 1, $6)
           ON CONFLICT (user_id) DO UPDATE
           SET email = $2, sms = $3, push = $4, categories = $5, updated_at = $6,
               version = preferences.version + 1
           WHERE preferences.version = $7
           RETURNING email, sms, push, categories, version, updated_at";
}

record! { Stored { email, sms, push, categories, version, updated_at } }

pub(crate) async fn of_user(
    database: &Database,
    user: UserId,
) -> Result<Option<Stored>, StoreError> {
    database.optional(OF_USER, params![user]).await
}

/// As `of_user`, within a change.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    user: UserId,
) -> Result<Option<Stored>, StoreError> {
    tx.optional(OF_USER, params![user]).await
}

/// What is stored now. `None`: it is no longer of this version.
pub(crate) async fn put(
    tx: &mut Transaction<'_>,
    user: UserId,
    preferences: &Preferences,
    categories: &str,
    version: i64,
    at: Timestamp,
) -> Result<Option<Stored>, StoreError> {
    let Preferences { email, sms, push, .. } = preferences;
    tx.optional(PUT, params![user, email, sms, push, categories, at, version]).await
}
