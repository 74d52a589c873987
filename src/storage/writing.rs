//! Whether a database can be written, as far as all who have it open in this process know.
//!
//! Nobody asks as long as writes succeed. Once a transaction has failed for want of a disk that takes
//! it, the database counts as one that cannot be written until nothing has failed for a while and a
//! write of our own has succeeded: that another transaction commits proves nothing, it may only read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Database, Script, Statement, StoreError, params, sql};
use crate::types::Timestamp;

/// How long a failure counts: where one page still finds room, many may not.
const DOUBT: Duration = Duration::from_secs(30);

/// Laid into every service's database.
pub const SCRIPT: Script = Script {
    version: 5,
    name: "write_trials",
    text: include_str!("../../migrations/common/0005_write_trials.sql"),
};

sql! {
    TRY = "INSERT INTO write_trials (id, written_at) VALUES ('only', $1)
           ON CONFLICT (id) DO UPDATE SET written_at = $1";
}

/// All statements on whether it can be written, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    STATEMENTS.to_vec()
}

/// The last transaction that failed because its database could not be written, if that is in doubt.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// Written by each such transaction, and by those who look.
    failed: Mutex<Option<Failed>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Failed {
    what: String,
    /// When somebody first looked at it.
    seen_at: Option<Timestamp>,
}

impl Writing {
    /// Remembers the failure of a transaction, if that is what it was.
    pub(super) fn heed(&self, error: &StoreError) {
        if let StoreError::Refused { what } = error {
            *self.failed() = Some(Failed { what: what.clone(), seen_at: None });
        }
    }

    fn seen(&self, now: Timestamp) -> Option<Failed> {
        let mut failed = self.failed();
        if let Some(failed) = failed.as_mut() {
            // A clock that was set back does not make the doubt any longer.
            failed.seen_at = Some(failed.seen_at.map_or(now, |at| at.min(now)));
        }
        failed.clone()
    }

    /// Unless something has failed since it was seen.
    fn forget(&self, seen: &Failed) {
        let mut failed = self.failed();
        if failed.as_ref() == Some(seen) {
            *failed = None;
        }
    }

    fn failed(&self) -> MutexGuard<'_, Option<Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failed {
    fn is_recent(&self, now: Timestamp) -> bool {
        self.seen_at.is_none_or(|at| now.since(at) < DOUBT)
    }
}

impl Database {
    /// Why it cannot be written, as far as is known. Costs nothing as long as nothing has failed; after
    /// that, and a while, it writes a row within the limit.
    pub async fn write_failure(&self, now: Timestamp, limit: Duration) -> Option<String> {
        let writing = &self.shared.writing;
        let failed = writing.seen(now)?;
        if !failed.is_recent(now) {
            let trial = self.transaction(async |tx| tx.execute(TRY, params![now]).await);
            if let Ok(Ok(_)) = tokio::time::timeout(limit, trial).await {
                writing.forget(&failed);
            }
        }
        writing.seen(now).map(|failed| failed.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(what: &str) -> StoreError {
        StoreError::Refused { what: what.to_owned() }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000).plus(Duration::from_secs(seconds))
    }

    /// Whether it is in doubt at this time, and would not be tried.
    fn is_recent(writing: &Writing, now: Timestamp) -> Option<bool> {
        writing.seen(now).map(|failed| failed.is_recent(now))
    }

    #[test]
    fn each_failure_counts_for_a_while_from_when_it_is_seen() {
        let writing = Writing::default();
        assert_eq!(is_recent(&writing, at(0)), None);
        writing.heed(&refused("full"));
        assert_eq!(is_recent(&writing, at(10)), Some(true));
        assert_eq!(is_recent(&writing, at(39)), Some(true));
        assert_eq!(is_recent(&writing, at(40)), Some(false));
        writing.heed(&refused("full"));
        assert_eq!(is_recent(&writing, at(50)), Some(true));
        assert_eq!(is_recent(&writing, at(79)), Some(true));
        assert_eq!(is_recent(&writing, at(80)), Some(false));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_it_in_doubt() {
        let writing = Writing::default();
        writing.heed(&refused("full"));
        assert_eq!(is_recent(&writing, at(1_000)), Some(true));
        assert_eq!(is_recent(&writing, at(10)), Some(true));
        assert_eq!(is_recent(&writing, at(40)), Some(false));
    }

    #[test]
    fn what_failed_meanwhile_is_not_forgotten() {
        let writing = Writing::default();
        writing.heed(&refused("full"));
        let seen = writing.seen(at(0));
        writing.heed(&refused("full"));
        seen.iter().for_each(|seen| writing.forget(seen));
        assert_eq!(is_recent(&writing, at(1)), Some(true));
        writing.seen(at(1)).iter().for_each(|seen| writing.forget(seen));
        assert_eq!(is_recent(&writing, at(2)), None);
    }

    #[test]
    fn a_server_that_is_away_is_none_that_cannot_be_written() {
        let writing = Writing::default();
        writing.heed(&StoreError::unavailable("away"));
        writing.heed(&StoreError::Lost { what: "away".to_owned() });
        writing.heed(&StoreError::PoolTimeout);
        assert_eq!(writing.seen(at(0)), None);
    }
}
