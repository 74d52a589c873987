//! What follows from a listener's answer: for each event, and for the pace of the relay. Pure.

use super::inbox::{Item, Outcome};

/// What is done with one event of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    Delivered,
    /// The listener did not come to it: it is due at once, and that is no failure of it.
    Untried,
    /// Tried again later.
    Postponed {
        error: String,
        is_refusal: bool,
    },
    /// Refused too often: it waits for an operator.
    Parked {
        error: String,
    },
}

/// Judges one event by what its listener said of it, after so many refusals before.
pub(crate) fn judge(item: Option<&Item>, refusals: u32, refusals_max: u32) -> Verdict {
    let Some(item) = item else { return Verdict::Untried };
    let error = || item.code.clone().unwrap_or_else(|| "no_code".to_owned());
    match item.result {
        Outcome::Accepted | Outcome::Duplicate => Verdict::Delivered,
        Outcome::Refused if refusals + 1 >= refusals_max => Verdict::Parked { error: error() },
        Outcome::Refused => Verdict::Postponed { error: error(), is_refusal: true },
        Outcome::Failed => Verdict::Postponed { error: error(), is_refusal: false },
    }
}

/// Whether a status for the whole request speaks of what was in it. Other refusals speak of the
/// listener: wrong keys (401), no such path yet (404); its events are good and wait.
pub(crate) fn blames_content(status: u16) -> bool {
    matches!(status, 400 | 413 | 415 | 422)
}

/// How much is sent to one listener at once, and how many failures there were in a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    pub(crate) batch: u32,
    pub(crate) failures: u32,
}

impl Pace {
    pub(crate) fn new(batch_max: u32) -> Pace {
        Pace { batch: batch_max, failures: 0 }
    }

    /// A batch was answered: the next may be twice as large.
    pub(crate) fn answered(self, batch_max: u32) -> Pace {
        Pace { batch: self.batch.saturating_mul(2).min(batch_max), failures: 0 }
    }

    /// A whole request failed: the next takes one event, which finds out whether it was that one.
    pub(crate) fn failed(self) -> Pace {
        Pace { batch: 1, failures: self.failures.saturating_add(1) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::types::EventId;

    fn item(result: Outcome) -> Item {
        Item { id: EventId::new(), result, code: Some("why".into()) }
    }

    #[test]
    fn only_refusals_park_and_only_after_enough_of_them() {
        let judged = |result, refusals| judge(Some(&item(result)), refusals, 3);
        let error = "why".to_owned();
        let later = |is_refusal| Verdict::Postponed { error: "why".to_owned(), is_refusal };
        assert_eq!(judged(Outcome::Accepted, 9), Verdict::Delivered);
        assert_eq!(judged(Outcome::Duplicate, 9), Verdict::Delivered);
        assert_eq!(judged(Outcome::Failed, 9), later(false));
        assert_eq!(judged(Outcome::Refused, 1), later(true));
        assert_eq!(judged(Outcome::Refused, 2), Verdict::Parked { error });
        assert_eq!(judge(None, 9, 3), Verdict::Untried);
    }

    #[test]
    fn keys_and_paths_are_the_listeners_fault() {
        for status in [401, 403, 404, 405, 408, 429, 500, 503] {
            assert!(!blames_content(status), "{status}");
        }
        assert!(blames_content(422));
    }

    #[test]
    fn a_failed_request_is_followed_by_single_events() {
        let pace = Pace::new(100).failed().failed();
        assert_eq!(pace, Pace { batch: 1, failures: 2 });
        assert_eq!(pace.answered(100), Pace { batch: 2, failures: 0 });
        assert_eq!(Pace { batch: 64, failures: 0 }.answered(100).batch, 100);
    }
}
