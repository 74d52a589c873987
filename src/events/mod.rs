//! What services tell each other: CloudEvents 1.0, written in the transaction of the change,
//! delivered at least once and in order for each subject, taken in once by the inbox.
//!
//! Reading order: `kinds` (who says what to whom), this file (the envelope), `outbox` (say it),
//! `debts` (who has not heard it yet), `relay` and `round` (carry it over, by `carry`), `judge`
//! (what the answer means), `inbox` (hear it). `changed` tells the gateway what it must not keep.

pub mod carry;
pub mod changed;
pub mod debts;
pub mod inbox;
mod judge;
pub mod kinds;
pub mod meters;
pub mod outbox;
pub mod relay;
pub mod round;
mod upkeep;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::storage::{Script, Statement};
use crate::types::{EventId, ServiceName, Timestamp};

pub use kinds::Kind;

/// Outbox, deliveries and inbox, laid into every service's database.
pub const SCRIPT: Script = Script {
    version: 1,
    name: "events",
    text: include_str!("../../migrations/common/0001_events.sql"),
};

/// All statements on events, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    [outbox::STATEMENTS, debts::STATEMENTS, inbox::STATEMENTS, changed::STATEMENTS].concat()
}

/// The largest envelope in bytes. A hundred of them fit into one request body.
pub const EVENT_BYTES_MAX: usize = 8 * 1024;
/// The most events that travel in one request.
pub const BATCH_EVENTS_MAX: usize = 100;

/// Something a service publishes. Its data are the fields of the type: ids, amounts, status,
/// version; enough to act without asking back, and nothing personal beyond a `user_id`.
pub trait Published: Serialize {
    const KIND: Kind;
    /// What it is about, `bill/0190…`. Events of one subject keep their order.
    fn subject(&self) -> String;
}

/// Why something is published: who acts, when, and as part of what.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub source: ServiceName,
    pub at: Timestamp,
    /// The id of the request that everything began with.
    pub correlation: String,
    /// The event that this one answers, if it answers one.
    pub causation: Option<EventId>,
    /// `user/0190…`, `service/billing`, `system`.
    pub actor: String,
}

impl Origin {
    /// The origin of what `source` says in answer to `event`: the chain goes on.
    pub fn answering(event: &Event, source: ServiceName, at: Timestamp) -> Origin {
        Origin {
            source,
            at,
            correlation: event.correlationid.clone(),
            causation: Some(event.id),
            actor: event.actor.clone(),
        }
    }
}

/// An event on the wire. Attributes that are not known here are let pass.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub specversion: String,
    pub id: EventId,
    /// `/busbar/billing`.
    pub source: String,
    /// `busbar.bill.issued.v1`; see [`Event::name`].
    #[serde(rename = "type")]
    pub kind: String,
    pub subject: String,
    pub time: Timestamp,
    pub datacontenttype: String,
    pub dataschema: String,
    /// The place among all events of the subject, with zeros in front. See [`Event::number`].
    pub sequence: String,
    pub partitionkey: String,
    pub correlationid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causationid: Option<EventId>,
    pub actor: String,
    pub data: Value,
}

impl Event {
    /// The envelope around `data`, the `number`-th event of its subject.
    pub(crate) fn new(
        origin: &Origin,
        kind: Kind,
        subject: String,
        number: i64,
        data: Value,
    ) -> Event {
        Event {
            specversion: "1.0".to_owned(),
            id: EventId::new(),
            source: source_of(origin.source),
            kind: format!("busbar.{}.v{}", kind.name, kind.version),
            partitionkey: subject.clone(),
            subject,
            time: origin.at,
            datacontenttype: "application/json".to_owned(),
            dataschema: format!("/schemas/{}/v{}", kind.name, kind.version),
            sequence: format!("{number:020}"),
            correlationid: origin.correlation.clone(),
            causationid: origin.causation,
            actor: origin.actor.clone(),
            data,
        }
    }

    /// `bill.issued`: what to match on. The whole type when it is none of ours.
    pub fn name(&self) -> &str {
        let inner = self.kind.strip_prefix("busbar.").unwrap_or(&self.kind);
        inner.rsplit_once(".v").map_or(inner, |(name, _)| name)
    }

    /// The place among all events of the subject.
    pub fn number(&self) -> Option<i64> {
        self.sequence.parse().ok()
    }

    /// The data as the type that was published, or as the part of it that the listener needs.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.data)
    }
}

/// The `source` of what a service says.
pub(crate) fn source_of(service: ServiceName) -> String {
    format!("/busbar/{}", service.as_str())
}
