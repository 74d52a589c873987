//! A line of a chronicle.

use busbar_actors::{Exit, PastExit, Reason};
use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// What happened to an incarnation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Line {
    /// It came up.
    Up { up: u64, at: Timestamp },
    /// It ended.
    Ended {
        generation: u64,
        reason: String,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        location: Option<String>,
        at: Timestamp,
    },
}

impl Line {
    pub(super) fn of(end: &PastExit) -> Line {
        let PastExit { generation, exit, at } = end.clone();
        Line::Ended {
            generation,
            reason: exit.reason.as_str().to_owned(),
            message: exit.message,
            location: exit.location,
            at: at.into(),
        }
    }

    /// The end that it tells of; `None` for a reason that a newer release knows.
    pub(super) fn exit(&self) -> Option<PastExit> {
        let Line::Ended { generation, reason, message, location, at } = self else { return None };
        let reason = Reason::ALL.into_iter().find(|known| known.as_str() == reason)?;
        let exit = Exit { location: location.clone(), ..Exit::new(reason, message.clone()) };
        Some(PastExit { generation: *generation, exit, at: (*at).into() })
    }

    /// The end of one that nobody saw end; it is found `at` this time.
    pub(super) fn lost(generation: u64, at: Timestamp) -> Line {
        Line::Ended {
            generation,
            reason: Reason::Lost.as_str().to_owned(),
            message:
                "its process ended without a word: killed, out of memory, or the machine stopped"
                    .to_owned(),
            location: None,
            at,
        }
    }
}
