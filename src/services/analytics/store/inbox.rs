//! The events that were heard, as the common part of this database keeps them; only read here.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::EventId;

sql! {
    AFTER = "SELECT id, event FROM inbox WHERE source = $1 AND id > $2 ORDER BY id LIMIT $3";
    FORGOTTEN = "SELECT id AS value FROM inbox
                 WHERE NOT EXISTS (SELECT 1 FROM sources WHERE heard_at IS NOT NULL) LIMIT 1";
}

/// An event as it was heard.
pub(crate) struct Heard {
    pub(crate) id: EventId,
    pub(crate) event: String,
}
record! { Heard { id, event } }

/// The events of a source after `id`, in the order of their ids.
pub(crate) async fn after(
    tx: &mut Transaction<'_>,
    source: &str,
    id: &str,
    limit: u32,
) -> Result<Vec<Heard>, StoreError> {
    tx.all(AFTER, params![source, id, limit]).await
}

/// Whether an earlier release heard events and made nothing of them.
pub(crate) async fn has_unused(database: &Database) -> Result<bool, StoreError> {
    let unused: Option<(EventId,)> = database.optional(FORGOTTEN, params![]).await?;
    Ok(unused.is_some())
}
