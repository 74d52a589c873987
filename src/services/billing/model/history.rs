//! What happened to a bill: one entry for each version of it.
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::types::{BillId, EventId, Timestamp};

/// An entry as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The id of the event that told others, where one did.
    pub(crate) id: EventId,
    pub(crate) bill_id: BillId,
    /// The bill's version after the change.
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    /// JSON.
    pub(crate) data: String,
}

/// An entry as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EntryView {
    id: EventId,
    /// `bill.issued`.
    name: String,
    at: Timestamp,
    pub(crate) version: i64,
    /// Staff see who it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[schema(value_type = Object)]
    data: Value,
}

impl EntryView {
    pub(crate) fn new(entry: Entry, shows_actor: bool) -> Result<EntryView, serde_json::Error> {
        let Entry { id, name, at, version, .. } = entry;
        let actor = shows_actor.then_some(entry.actor);
        Ok(EntryView { id, name, at, version, actor, data: serde_json::from_str(&entry.data)? })
    }
}
