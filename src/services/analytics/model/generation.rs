//! Generations of facts: the one that is read, and the one that is being built from the inbox.

use serde::Serialize;
use utoipa::ToSchema;

use crate::storage::stored_as_text;
use crate::types::{EventId, Timestamp, words};

words! {
    /// What a generation is there for.
    pub(crate) enum GenerationState: "generation_state_invalid" {
        /// Filled from the inbox; not read yet.
        Building = "building",
        /// What every answer is read from.
        Active = "active",
        /// Left behind; its rows are being deleted.
        Clearing = "clearing",
        Cleared = "cleared",
    }
}
stored_as_text!(GenerationState);

/// A generation as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Generation {
    pub(crate) generation: i64,
    pub(crate) state: GenerationState,
    pub(crate) events: i64,
    pub(crate) skipped: i64,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Option<Timestamp>,
}

/// How far the scan of one source's events has come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scan {
    pub(crate) source: String,
    /// The last id, empty at the beginning.
    pub(crate) scanned_to: String,
    pub(crate) is_scanned: bool,
}

impl Scan {
    /// Whether the scan has gone past this event already: then it must be entered as it is heard.
    /// Otherwise the scan will come to it.
    pub(crate) fn has_passed(&self, id: EventId) -> bool {
        self.is_scanned || id.to_string() <= self.scanned_to
    }
}

/// The facts that are in use, and those that are being built.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RebuildView {
    /// The generation that answers are read from.
    generation: i64,
    /// Since when it is in use; `null` for the first one.
    active_since: Option<Timestamp>,
    is_rebuilding: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    building: Option<BuildingView>,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BuildingView {
    generation: i64,
    started_at: Timestamp,
    /// Events of the inbox that were gone through.
    events: i64,
    /// Those among them that could not be read.
    skipped: i64,
}

impl RebuildView {
    /// From the newest generations; there is always one in use.
    pub(crate) fn of(generations: &[Generation]) -> Option<RebuildView> {
        let find = |state| generations.iter().find(|known| known.state == state);
        let active = find(GenerationState::Active)?;
        let building = find(GenerationState::Building).map(|known| BuildingView {
            generation: known.generation,
            started_at: known.started_at,
            events: known.events,
            skipped: known.skipped,
        });
        Some(RebuildView {
            generation: active.generation,
            active_since: active.finished_at.filter(|at| at.micros() > 0),
            is_rebuilding: building.is_some(),
            building,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_entered_by_the_scan_or_as_it_is_heard_never_by_both() {
        let (early, late) = (EventId::new(), EventId::new());
        let at = |id: &str, is_scanned| Scan {
            source: "/busbar/billing".into(),
            scanned_to: id.into(),
            is_scanned,
        };
        assert!(!at("", false).has_passed(early));
        assert!(at(&early.to_string(), false).has_passed(early));
        assert!(!at(&early.to_string(), false).has_passed(late));
        assert!(at(&early.to_string(), true).has_passed(late));
    }
}
