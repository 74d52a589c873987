//! Pages of messages, newest first, and what of the inbox was read.

use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::{Cursor, Timestamp, UserId};

use super::super::model::message::Message;
use super::super::model::{Channel, NotificationId, Status};

sql! {
    OF_USER = "SELECT id, user_id, template, category, channel, facts, correlation, occurred_at,
                      status, attempts, error_code, locale, subject, text,
                      created_at, sent_at, failed_at, suppressed_at, read_at, version
               FROM messages
               WHERE user_id = $1 AND channel = $2
                 AND (CAST($3 AS TEXT) IS NULL OR status = $3)
                 AND (read_at IS NULL OR NOT $4)
                 AND (created_at < $5 OR (created_at = $5 AND id < $6))
               ORDER BY created_at DESC, id DESC LIMIT $7";
    OF_ALL = "SELECT id, user_id, template, category, channel, facts, correlation, occurred_at,
                     status, attempts, error_code, locale, subject, text,
                     created_at, sent_at, failed_at, suppressed_at, read_at, version
              FROM messages
              WHERE channel = $1
                AND (CAST($2 AS TEXT) IS NULL OR status = $2)
                AND (read_at IS NULL OR NOT $3)
                AND (created_at < $4 OR (created_at = $4 AND id < $5))
              ORDER BY created_at DESC, id DESC LIMIT $6";
    UNREAD = "SELECT COUNT(*) AS value FROM messages
              WHERE user_id = $1 AND channel = 'inbox' AND status = 'sent' AND read_at IS NULL";
    READ = "UPDATE messages SET read_at = $3, version = version + 1
            WHERE id = $1 AND user_id = $2 AND channel = 'inbox' AND status = 'sent'
              AND read_at IS NULL";
    READ_ALL = "UPDATE messages SET read_at = $2, version = version + 1
                WHERE user_id = $1 AND channel = 'inbox' AND status = 'sent'
                  AND read_at IS NULL";
}

/// Which messages, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    /// `None`: everybody's.
    pub(crate) owner: Option<UserId>,
    pub(crate) channel: Channel,
    pub(crate) status: Option<Status>,
    pub(crate) is_unread: bool,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

pub(crate) async fn page(
    database: &Database,
    selection: &Selection,
) -> Result<Vec<Message>, StoreError> {
    let Selection { owner, channel, status, is_unread, after, rows } = selection;
    let first = (i64::MAX, String::new());
    let (before, id) =
        after.map_or(first, |cursor| (cursor.created_at.micros(), cursor.id.to_string()));
    match owner {
        Some(user) => {
            let values = params![user, channel, status, is_unread, before, id, rows];
            database.all(OF_USER, values).await
        }
        None => database.all(OF_ALL, params![channel, status, is_unread, before, id, rows]).await,
    }
}

pub(crate) async fn unread(database: &Database, user: UserId) -> Result<i64, StoreError> {
    let (unread,): (i64,) = database.one(UNREAD, params![user]).await?;
    Ok(unread)
}

/// The first time counts. False: it was read before, or is no notice in this inbox.
pub(crate) async fn read(
    tx: &mut Transaction<'_>,
    id: NotificationId,
    user: UserId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(READ, params![id, user, at]).await? == 1)
}

/// How many were unread.
pub(crate) async fn read_all(
    tx: &mut Transaction<'_>,
    user: UserId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    tx.execute(READ_ALL, params![user, at]).await
}
