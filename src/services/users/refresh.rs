//! What a refresh token is worth: the successor, the same successor once more, or the end of its
//! session. Pure.

use std::time::Duration;

use crate::types::{SessionId, Timestamp, UserId};

use super::model::SessionStatus;

/// A session as far as its refresh tokens go.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    pub(super) id: SessionId,
    pub(super) user_id: UserId,
    pub(super) status: SessionStatus,
    /// The number of the current token.
    pub(super) counter: i64,
    pub(super) client: String,
    pub(super) refreshed_at: Timestamp,
    pub(super) idle_until: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// What to do with a presented token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// It is the current one: the next one takes its place.
    Rotate,
    /// It was replaced a moment ago, and the answer may have got lost: the same successor again.
    Repeat,
    /// It was replaced: somebody has a copy. The session ends.
    Reused,
    /// Its session has lasted too long, or was idle for too long.
    Expired,
    /// Its session has ended.
    Revoked,
    /// It is of a number that was never given, as after a restored backup.
    Unknown,
}

impl Family {
    /// `counter` is the number of the token, `client` who presents it.
    pub(super) fn judge(
        &self,
        counter: i64,
        client: &str,
        grace: Duration,
        now: Timestamp,
    ) -> Verdict {
        if self.status == SessionStatus::Revoked {
            return Verdict::Revoked;
        }
        if self.expires_at <= now || self.idle_until <= now {
            return Verdict::Expired;
        }
        let is_fresh = now < self.refreshed_at.plus(grace) && self.client == client;
        match self.counter.saturating_sub(counter) {
            0 => Verdict::Rotate,
            1 if is_fresh => Verdict::Repeat,
            1.. => Verdict::Reused,
            _ => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(20);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_793_000_000 + seconds)
    }

    /// The third token is current since second 0.
    fn family() -> Family {
        Family {
            id: SessionId::new(),
            user_id: UserId::new(),
            status: SessionStatus::Active,
            counter: 3,
            client: "curl".into(),
            refreshed_at: at(0),
            idle_until: at(1_000),
            expires_at: at(2_000),
        }
    }

    fn judge(counter: i64, client: &str, now: i64) -> Verdict {
        family().judge(counter, client, GRACE, at(now))
    }

    #[test]
    fn the_current_token_is_good_for_any_client_until_the_session_ends() {
        assert_eq!(judge(3, "curl", 0), Verdict::Rotate);
        assert_eq!(judge(3, "other", 999), Verdict::Rotate);
        assert_eq!(judge(3, "curl", 1_000), Verdict::Expired);
    }

    #[test]
    fn only_the_one_before_only_for_a_moment_only_for_the_same_client_repeats() {
        assert_eq!(judge(2, "curl", 19), Verdict::Repeat);
        assert_eq!(judge(2, "curl", 20), Verdict::Reused);
        assert_eq!(judge(2, "other", 1), Verdict::Reused);
        assert_eq!(judge(1, "curl", 1), Verdict::Reused);
        let strict = family().judge(2, "curl", Duration::ZERO, at(0));
        assert_eq!(strict, Verdict::Reused);
    }

    #[test]
    fn nothing_comes_of_a_session_that_is_over() {
        let revoked = Family { status: SessionStatus::Revoked, ..family() };
        for counter in 1..=4 {
            assert_eq!(revoked.judge(counter, "curl", GRACE, at(0)), Verdict::Revoked);
        }
        let lasting = Family { idle_until: at(9_000), ..family() };
        assert_eq!(lasting.judge(3, "curl", GRACE, at(2_000)), Verdict::Expired);
    }

    #[test]
    fn a_number_from_the_future_ends_nothing() {
        assert_eq!(judge(4, "curl", 0), Verdict::Unknown);
    }
}
