//! Whether mail goes at all. While the mail server is away, or refuses us as a whole, one mail at a
//! time asks whether it goes again, and the others wait: none of them is to blame. Pure.

use std::time::Duration;

use crate::types::{Backoff, Timestamp};

/// Between two that ask.
const REFUSED: Backoff = Backoff { floor_ms: 10_000, ceiling_ms: 300_000 };
/// How long one that asks is waited for: longer than a job may take.
const ASKS_MAX: Duration = Duration::from_secs(150);
/// What others wait while one asks.
const WHILE_ASKED: Duration = Duration::from_secs(10);
/// Those who wait are tried later by up to a tenth of their wait: not all at once.
const SPREAD: u32 = 10;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outage {
    /// As far as is known mail goes.
    None,
    /// Nobody tries before `until`.
    Waiting { refusals: u32, until: Timestamp, cause: Cause },
    /// One tries whether it goes again. If nothing is heard of it, another one does at `until`.
    Asking { refusals: u32, until: Timestamp, cause: Cause },
}

/// Why mail does not go, and since when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cause {
    pub(super) code: String,
    pub(super) since: Timestamp,
}

impl Outage {
    /// Whether a mail may be tried now; then it is the one that asks.
    pub(super) fn admits(&self, now: Timestamp) -> bool {
        match self {
            Outage::None => true,
            Outage::Waiting { until, .. } | Outage::Asking { until, .. } => now >= *until,
        }
    }

    /// A mail is being tried.
    pub(super) fn tried(self, now: Timestamp) -> Outage {
        match self {
            Outage::None => Outage::None,
            Outage::Waiting { refusals, cause, .. } | Outage::Asking { refusals, cause, .. } => {
                Outage::Asking { refusals, until: now.plus(ASKS_MAX), cause }
            }
        }
    }

    /// A mail did not come so far as to be spoken of.
    pub(super) fn refused(self, code: &str, now: Timestamp, chance: u64) -> Outage {
        let cause = |since| Cause { code: code.to_owned(), since };
        match self {
            Outage::None => {
                let until = now.plus(REFUSED.wait(1, chance));
                Outage::Waiting { refusals: 1, until, cause: cause(now) }
            }
            // It was tried before the others began to wait: nothing new.
            Outage::Waiting { .. } => self,
            Outage::Asking { refusals, cause: Cause { since, .. }, .. } => {
                let refusals = refusals.saturating_add(1);
                let until = now.plus(REFUSED.wait(refusals, chance));
                Outage::Waiting { refusals, until, cause: cause(since) }
            }
        }
    }

    /// When a mail that has to wait is tried again.
    pub(super) fn again_at(&self, now: Timestamp, chance: u64) -> Timestamp {
        let wait = match self {
            Outage::None => Duration::from_millis(REFUSED.floor_ms),
            Outage::Waiting { until, .. } => until.since(now),
            Outage::Asking { .. } => WHILE_ASKED,
        };
        let spread_us = u64::try_from((wait / SPREAD).as_micros()).unwrap_or(u64::MAX);
        now.plus(wait).plus(Duration::from_micros(chance % spread_us.max(1)))
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        match self {
            Outage::None => None,
            Outage::Waiting { cause, .. } | Outage::Asking { cause, .. } => Some(cause),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn one_asks_while_the_others_wait() {
        let away = Outage::None.refused("smtp_421", at(0), 0);
        assert_eq!(away.cause().unwrap().code, "smtp_421");
        assert!(!away.admits(at(9)) && away.admits(at(10)));
        let asking = away.tried(at(10));
        assert!(!asking.admits(at(11)), "another one asks");
        assert!(asking.admits(at(200)), "which was lost");
        let waits = asking.again_at(at(11), u64::MAX);
        assert!(waits >= at(21) && waits <= at(22));
    }

    #[test]
    fn refusals_of_those_that_ask_make_the_wait_longer_and_no_others() {
        let mut outage = Outage::None.refused("smtp_421", at(0), u64::MAX);
        let first = outage.clone();
        outage = outage.refused("smtp_timeout", at(5), u64::MAX);
        assert_eq!(outage, first, "it was under way when the server went");
        let mut now = at(0);
        for _ in 0..20 {
            let again = outage.again_at(now, u64::MAX);
            let waited = again.since(now);
            assert!(waited >= Duration::from_secs(10) && waited <= Duration::from_secs(330));
            now = again;
            assert!(outage.admits(now));
            outage = outage.tried(now).refused("smtp_timeout", now, u64::MAX);
        }
        let cause = outage.cause().unwrap();
        assert_eq!((cause.code.as_str(), cause.since), ("smtp_timeout", at(0)));
    }
}
