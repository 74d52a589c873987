//! How long to wait after wrong passwords, too many sign-ups, or too many requests for mails. Pure:
//! the time is an argument.

use std::time::Duration;

use crate::config;
use crate::types::Timestamp;

/// Limits that count by the hour.
const HOUR: Duration = Duration::from_secs(3_600);

/// What has been counted under one key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Tally {
    pub(super) count: u32,
    /// A lockout's last failure; the start of a window.
    pub(super) since: Timestamp,
    pub(super) blocked_until: Timestamp,
}

impl Tally {
    pub(super) fn empty(now: Timestamp) -> Tally {
        Tally { count: 0, since: now, blocked_until: Timestamp::from_micros(0) }
    }

    /// The whole seconds to wait, if it has to.
    pub(super) fn wait_seconds(&self, now: Timestamp) -> Option<u64> {
        let left = self.blocked_until.since(now);
        (!left.is_zero()).then(|| left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }
}

/// Failures in a row: some are free, then each costs twice the wait of the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    pub(super) failures_free: u32,
    pub(super) wait_first: Duration,
    pub(super) wait_max: Duration,
    pub(super) forget_after: Duration,
}

impl From<&config::Lockout> for Schedule {
    fn from(lockout: &config::Lockout) -> Schedule {
        Schedule {
            failures_free: lockout.failures_free,
            wait_first: Duration::from_secs(lockout.wait_first_seconds),
            wait_max: Duration::from_secs(lockout.wait_max_seconds),
            forget_after: Duration::from_secs(lockout.forget_after_seconds),
        }
    }
}

impl Schedule {
    pub(super) fn after_failure(&self, tally: Tally, now: Timestamp) -> Tally {
        let is_forgotten = now.since(tally.since) >= self.forget_after;
        let count = if is_forgotten { 1 } else { tally.count.saturating_add(1) };
        let blocked_until = match count.checked_sub(self.failures_free) {
            None | Some(0) => Timestamp::from_micros(0),
            Some(costly) => now.plus(self.wait(costly)),
        };
        Tally { count, since: now, blocked_until }
    }

    /// The wait after the `costly`-th failure that is not free.
    fn wait(&self, costly: u32) -> Duration {
        let doublings = costly.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.wait_first.saturating_mul(factor).min(self.wait_max)
    }
}

/// At most so many in an hour, counted from the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hourly {
    max: u32,
}

impl Hourly {
    /// `None` where 0 stands for no limit.
    pub(super) fn of(max: u32) -> Option<Hourly> {
        (max > 0).then_some(Hourly { max })
    }

    pub(super) fn after_one(&self, tally: Tally, now: Timestamp) -> Tally {
        let is_over = now.since(tally.since) >= HOUR;
        let (count, since) =
            if is_over { (1, now) } else { (tally.count.saturating_add(1), tally.since) };
        let is_full = count >= self.max;
        let blocked_until = if is_full { since.plus(HOUR) } else { Timestamp::from_micros(0) };
        Tally { count, since, blocked_until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_793_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(START + seconds)
    }

    fn schedule() -> Schedule {
        Schedule {
            failures_free: 5,
            wait_first: Duration::from_secs(30),
            wait_max: Duration::from_secs(3_600),
            forget_after: Duration::from_secs(86_400),
        }
    }

    #[test]
    fn some_failures_are_free_then_each_wait_is_twice_the_one_before() {
        let mut tally = Tally::empty(at(0));
        let mut waits = Vec::new();
        for _ in 0..14 {
            tally = schedule().after_failure(tally, at(0));
            waits.push(tally.wait_seconds(at(0)).unwrap_or(0));
        }
        assert_eq!(waits[..8], [0, 0, 0, 0, 0, 30, 60, 120]);
        assert_eq!(waits[11..], [1_920, 3_600, 3_600]);
    }

    #[test]
    fn whoever_guesses_as_fast_as_allowed_has_fewer_than_a_hundred_tries_an_hour() {
        let (mut tally, mut now, mut tries) = (Tally::empty(at(0)), at(0), 0);
        while now < at(3_600) {
            tally = schedule().after_failure(tally, now);
            tries += 1;
            now = now.max(tally.blocked_until);
        }
        assert!(tries < 100, "{tries}");
    }

    #[test]
    fn a_day_without_failure_is_a_fresh_start() {
        let tally = Tally { count: 20, since: at(0), blocked_until: at(3_600) };
        let later = schedule().after_failure(tally, at(86_400));
        assert_eq!((later.count, later.wait_seconds(at(86_400))), (1, None));
        let sooner = schedule().after_failure(tally, at(86_399));
        assert_eq!((sooner.count, sooner.wait_seconds(at(86_399))), (21, Some(3_600)));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_ends() {
        let tally = Tally { count: 6, since: at(0), blocked_until: at(30) };
        assert_eq!(tally.wait_seconds(at(0)), Some(30));
        assert_eq!(tally.wait_seconds(at(29).plus(Duration::from_millis(999))), Some(1));
        assert_eq!(tally.wait_seconds(at(30)), None);
    }

    #[test]
    fn the_last_of_an_hour_blocks_until_its_end() {
        let hourly = Hourly { max: 3 };
        let mut tally = Tally::empty(at(0));
        for second in 0..2 {
            tally = hourly.after_one(tally, at(second));
            assert_eq!(tally.wait_seconds(at(second)), None);
        }
        tally = hourly.after_one(tally, at(60));
        assert_eq!(tally.wait_seconds(at(60)), Some(3_540));
        let next = hourly.after_one(tally, at(3_600));
        assert_eq!((next.count, next.wait_seconds(at(3_600))), (1, None));
        assert!(Hourly::of(0).is_none());
    }
}
