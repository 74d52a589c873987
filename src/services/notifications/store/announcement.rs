//! Announcements in storage.

use crate::storage::{Database, StoreError, Transaction, params, record, sql};

use super::super::model::AnnouncementId;
use super::super::model::announcement::{Address, Announcement};

sql! {
    INSERT = "INSERT INTO announcements
                  (id, category, subject, text, recipients, recipients_count, reached,
                   correlation, created_by, created_at)
              VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9)";
    BY_ID = "SELECT id, category, subject, text, recipients_count, reached, created_at
             FROM announcements WHERE id = $1";
    ADDRESS = "SELECT recipients, reached, category, correlation, created_at
               FROM announcements WHERE id = $1";
    REACH = "UPDATE announcements SET reached = $3 WHERE id = $1 AND reached = $2";
}

record! { Announcement { id, category, subject, text, recipients_count, reached, created_at } }
record! { Address { recipients, reached, category, correlation, created_at } }

/// `recipients`: a JSON list.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    announcement: &Announcement,
    recipients: &str,
    correlation: &str,
    created_by: &str,
) -> Result<(), StoreError> {
    let Announcement { id, category, subject, text, recipients_count, created_at, .. } =
        announcement;
    let values = params![
        id,
        category,
        subject,
        text,
        recipients,
        recipients_count,
        correlation,
        created_by,
        created_at
    ];
    tx.execute(INSERT, values).await.map(drop)
}

pub(crate) async fn by_id(
    database: &Database,
    id: AnnouncementId,
) -> Result<Option<Announcement>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// To whom it goes.
pub(crate) async fn address(
    tx: &mut Transaction<'_>,
    id: AnnouncementId,
) -> Result<Option<Address>, StoreError> {
    tx.optional(ADDRESS, params![id]).await
}

/// False: somebody else has reached them.
pub(crate) async fn reach(
    tx: &mut Transaction<'_>,
    id: AnnouncementId,
    from: i64,
    to: i64,
) -> Result<bool, StoreError> {
    Ok(tx.execute(REACH, params![id, from, to]).await? == 1)
}
