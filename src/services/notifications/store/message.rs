//! Messages in storage, from the queue to their end. Only what is queued comes to an end, so
//! whoever is second changes nothing.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Locale, Timestamp};

use super::super::model::message::{Message, News, Queue};
use super::super::model::{Channel, NotificationId};

sql! {
    INSERT = "INSERT INTO messages
                  (id, user_id, source, template, category, channel, facts, correlation,
                   occurred_at, status, attempts, created_at, version)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'queued', 0, $10, 1)
              ON CONFLICT (source, template, channel) DO NOTHING";
    BY_ID = "SELECT id, user_id, template, category, channel, facts, correlation, occurred_at,
                    status, attempts, error_code, locale, subject, text,
                    created_at, sent_at, failed_at, suppressed_at, read_at, version
             FROM messages WHERE id = $1";
    BEFORE = "SELECT id AS value FROM messages
              WHERE user_id = $1 AND channel = $2 AND template = $3 AND created_at > $4
                AND id < $5 AND status IN ('queued', 'sent') LIMIT 1";
    SENT = "UPDATE messages
            SET status = 'sent', sent_at = $2, attempts = attempts + 1, error_code = NULL,
                locale = $3, subject = $4, text = $5, version = version + 1
            WHERE id = $1 AND status = 'queued'";
    FAILED = "UPDATE messages
              SET status = 'failed', failed_at = $2, attempts = attempts + $4, error_code = $3,
                  version = version + 1
              WHERE id = $1 AND status = 'queued'";
    SUPPRESSED = "UPDATE messages
                  SET status = 'suppressed', suppressed_at = $2, error_code = $3,
                      version = version + 1
                  WHERE id = $1 AND status = 'queued'";
    PUT_OFF = "UPDATE messages
               SET attempts = attempts + $3, error_code = $2, version = version + 1
               WHERE id = $1 AND status = 'queued'";
    REQUEUE = "UPDATE messages
               SET status = 'queued', failed_at = NULL, suppressed_at = NULL, attempts = 0,
                   version = version + 1
               WHERE id = $1 AND (status = 'failed'
                   OR (status = 'suppressed' AND error_code = 'address_suppressed'))";
    QUEUES = "SELECT channel, COUNT(*) AS queued, MIN(created_at) AS oldest_at
              FROM messages WHERE status = 'queued' GROUP BY channel ORDER BY channel";
    FORGET = "DELETE FROM messages WHERE id IN (
                  SELECT id FROM messages WHERE created_at < $1 AND status <> 'queued'
                  ORDER BY created_at LIMIT $2)";
}

record! { Message {
    id, user_id, template, category, channel, facts, correlation, occurred_at,
    status, attempts, error_code, locale, subject, text,
    created_at, sent_at, failed_at, suppressed_at, read_at, version,
} }
record! { Queue { channel, queued, oldest_at } }

/// What a message that was sent leaves behind. The words of a mail are not among it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Left {
    pub(crate) locale: Locale,
    pub(crate) subject: Option<String>,
    pub(crate) text: Option<String>,
}

/// The new message; `None`: its source has been told on this channel before.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    news: &News,
    channel: Channel,
    facts: &str,
    at: Timestamp,
) -> Result<Option<NotificationId>, StoreError> {
    let id = NotificationId::new();
    let News { source, user_id, template, category, correlation, occurred_at, .. } = news;
    let values = params![
        id,
        user_id,
        source,
        template,
        category,
        channel,
        facts,
        correlation,
        occurred_at,
        at
    ];
    Ok((tx.execute(INSERT, values).await? == 1).then_some(id))
}

pub(crate) async fn by_id(
    database: &Database,
    id: NotificationId,
) -> Result<Option<Message>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// As `by_id`, within a change.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: NotificationId,
) -> Result<Option<Message>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Whether the same was told the same person by the same way since then, before this message.
pub(crate) async fn is_repeated(
    database: &Database,
    message: &Message,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let Message { id, user_id, channel, template, .. } = message;
    let values = params![user_id, channel, template, since, id];
    let before: Option<(NotificationId,)> = database.optional(BEFORE, values).await?;
    Ok(before.is_some())
}

pub(crate) async fn sent(
    tx: &mut Transaction<'_>,
    id: NotificationId,
    left: &Left,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Left { locale, subject, text } = left;
    Ok(tx.execute(SENT, params![id, at, locale, subject, text]).await? == 1)
}

/// `tries`: 1 if a try to send it has failed, 0 if it did not come to one.
pub(crate) async fn failed(
    tx: &mut Transaction<'_>,
    id: NotificationId,
    code: &str,
    tries: u32,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(FAILED, params![id, at, code, tries]).await? == 1)
}

pub(crate) async fn suppressed(
    tx: &mut Transaction<'_>,
    id: NotificationId,
    code: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(SUPPRESSED, params![id, at, code]).await? == 1)
}

/// It stays in the queue; `tries` as in `failed`.
pub(crate) async fn put_off(
    tx: &mut Transaction<'_>,
    id: NotificationId,
    code: &str,
    tries: u32,
) -> Result<bool, StoreError> {
    Ok(tx.execute(PUT_OFF, params![id, code, tries]).await? == 1)
}

/// False: it has not failed, nor was it kept back because of its address.
pub(crate) async fn requeue(
    tx: &mut Transaction<'_>,
    id: NotificationId,
) -> Result<bool, StoreError> {
    Ok(tx.execute(REQUEUE, params![id]).await? == 1)
}

/// What waits, by channel; a channel without is not named.
pub(crate) async fn queues(database: &Database) -> Result<Vec<Queue>, StoreError> {
    database.all(QUEUES, params![]).await
}

/// Forgets what came to its end and is from before `before`, at most `limit`.
pub(crate) async fn forget(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(FORGET, params![before, limit]).await
}
