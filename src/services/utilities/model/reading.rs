//! A reading: what a register showed at an instant, and whether it counts.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{MeterId, ReadingId, RegisterId, Timestamp, words};

use super::count::Count;
use super::words::{Label, Quality};

words! {
    /// Whether a reading counts.
    pub(crate) enum ReadingStatus: "status_unknown" {
        Accepted = "accepted",
        /// Suspect: it counts for nothing until staff approve or correct it.
        Held = "held",
        /// Another one has come in its place.
        Superseded = "superseded",
        Void = "void",
    }
}

words! {
    /// Why a reading is held.
    pub(crate) enum Suspicion: "suspicion_unknown" {
        /// Lower than before, and no plausible rollover.
        LowerThanBefore = "lower_than_before",
        HigherThanUsual = "higher_than_usual",
    }
}

impl ReadingStatus {
    /// Whether it may still come to count, or does.
    pub(crate) fn is_live(self) -> bool {
        matches!(self, ReadingStatus::Accepted | ReadingStatus::Held)
    }
}

/// A reading as it is kept and shown.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Reading {
    pub(crate) id: ReadingId,
    pub(crate) meter_id: MeterId,
    pub(crate) register_id: RegisterId,
    pub(crate) at: Timestamp,
    pub(crate) value: Count,
    pub(crate) quality: Quality,
    pub(crate) status: ReadingStatus,
    /// Why it was held, if it ever was.
    pub(crate) suspicion: Option<Suspicion>,
    pub(crate) source: Option<Label>,
    pub(crate) external_id: Option<Label>,
    /// The reading in whose place it came.
    pub(crate) supersedes: Option<ReadingId>,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// What a register showed, as it is delivered.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReading {
    /// May be left out where the meter has one register.
    #[serde(default)]
    pub(crate) register_id: Option<RegisterId>,
    pub(crate) at: Timestamp,
    /// What it showed, as a decimal text.
    pub(crate) value: Count,
    /// `actual` if not said.
    #[serde(default)]
    pub(crate) quality: Option<Quality>,
    #[serde(default)]
    pub(crate) source: Option<Label>,
    #[serde(default)]
    pub(crate) external_id: Option<Label>,
}

/// What the register really showed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReadingCorrection)]
pub(crate) struct Correction {
    pub(crate) value: Count,
    /// Where that is known from.
    #[serde(default)]
    pub(crate) source: Option<Label>,
}

/// What a register showed at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) at: Timestamp,
    pub(crate) value: Count,
}

/// A reading that is there already, and counts or is held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) id: ReadingId,
    pub(crate) at: Timestamp,
    pub(crate) value: Count,
    pub(crate) status: ReadingStatus,
}
