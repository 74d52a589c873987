//! When a delivery is tried again, and when an endpoint has failed for too long. Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::header::HttpDate;

use crate::types::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The waits after the first, second … failure; the first attempt is made at once. After the last
/// wait there is one more attempt, and then none.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    MINUTE.saturating_mul(5),
    MINUTE.saturating_mul(30),
    HOUR.saturating_mul(2),
    HOUR.saturating_mul(5),
    HOUR.saturating_mul(10),
    HOUR.saturating_mul(14),
    HOUR.saturating_mul(20),
    HOUR.saturating_mul(24),
];
/// Waits are lengthened or shortened by up to this: who failed together shall not come together.
const JITTER_PERCENT: u64 = 20;
/// An endpoint that asks for more patience than this does not get it.
const RETRY_AFTER_MAX: Duration = HOUR.saturating_mul(24);
/// A second failure so long after the first shows that it was no accident …
const SECOND_FAILURE_MIN: Duration = HOUR.saturating_mul(12);
/// … and one that comes later is a first failure again.
const SECOND_FAILURE_MAX: Duration = HOUR.saturating_mul(24);

/// The wait after so many failures. `chance` is any number; `asked`: what `Retry-After` says, which
/// may lengthen the wait. `None`: it is given up.
pub(super) fn wait(failures: u32, chance: u64, asked: Option<Duration>) -> Option<Duration> {
    let place = usize::try_from(failures.checked_sub(1)?).ok()?;
    let wait = WAITS.get(place)?;
    let room = u64::try_from(wait.as_millis()).ok()? * JITTER_PERCENT / 100;
    let shortest = *wait - Duration::from_millis(room);
    let jittered = shortest + Duration::from_millis(chance % (2 * room + 1));
    Some(asked.map_or(jittered, |asked| jittered.max(asked.min(RETRY_AFTER_MAX))))
}

/// What `Retry-After` asks for: seconds, or an instant (RFC 9110 section 10.2.3).
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = SystemTime::from(value.trim().parse::<HttpDate>().ok()?);
    let at = i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    Some(Timestamp::from_seconds(at).since(now))
}

/// The failures of an endpoint since its last success.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Failing {
    pub(super) first_at: Option<Timestamp>,
    /// The same instant, once a second failure has confirmed it.
    pub(super) since: Option<Timestamp>,
}

impl Failing {
    /// After one more failure.
    pub(super) fn again(self, now: Timestamp) -> Failing {
        let Failing { first_at: Some(first), since: None } = self else {
            return Failing { first_at: self.first_at.or(Some(now)), ..self };
        };
        match now.since(first) {
            gap if gap > SECOND_FAILURE_MAX => Failing { first_at: Some(now), since: None },
            gap if gap >= SECOND_FAILURE_MIN => Failing { since: Some(first), ..self },
            _ => self,
        }
    }

    /// Whether it has gone on for this long.
    pub(super) fn is_too_long(self, now: Timestamp, limit: Duration) -> bool {
        self.since.is_some_and(|since| now.since(since) >= limit)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(hours: u64) -> Timestamp {
        Timestamp::from_seconds(1_793_000_000).plus(HOUR * u32::try_from(hours).unwrap())
    }

    #[test]
    fn waits_follow_the_schedule_within_a_fifth() {
        for (failures, wait) in (1..).zip(WAITS) {
            let waits = |chance| super::wait(failures, chance, None).unwrap();
            for chance in [0, 1, 77_777_777, u64::MAX] {
                assert!(waits(chance) >= wait * 8 / 10 && waits(chance) <= wait * 12 / 10);
            }
        }
        assert_eq!(wait(0, 0, None), None);
        assert_eq!(wait(10, 0, None), None);
        let total: Duration = WAITS.iter().sum();
        assert_eq!(total.as_secs() / 3_600, 75);
    }

    #[test]
    fn an_endpoint_may_ask_for_more_time_up_to_a_day() {
        assert_eq!(wait(1, 0, Some(Duration::from_secs(30))), Some(Duration::from_secs(30)));
        assert_eq!(wait(1, 0, Some(Duration::ZERO)), Some(Duration::from_secs(4)));
        assert_eq!(wait(1, 0, Some(HOUR * 99)), Some(RETRY_AFTER_MAX));
        assert_eq!(wait(10, 0, Some(HOUR)), None);
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        assert_eq!(retry_after(" 30 ", now), Some(Duration::from_secs(30)));
        let date = retry_after("Sun, 01 Nov 2026 00:02:00 GMT", now);
        assert_eq!(date, Some(MINUTE * 2));
        assert_eq!(retry_after("Sun, 01 Nov 2020 00:02:00 GMT", now), Some(Duration::ZERO));
        for nonsense in ["", "-1", "soon", "1.5", "99999999999999"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn the_clock_runs_from_the_first_failure_once_a_second_has_confirmed_it() {
        let first = Failing::default().again(at(0));
        assert_eq!(first, Failing { first_at: Some(at(0)), since: None });
        assert_eq!(first.again(at(11)), first);
        let confirmed = first.again(at(11)).again(at(13));
        assert_eq!(confirmed.since, Some(at(0)));
        let limit = HOUR * 120;
        assert!(!confirmed.again(at(119)).is_too_long(at(119), limit));
        assert!(confirmed.again(at(120)).is_too_long(at(120), limit));
    }

    #[test]
    fn a_failure_long_after_another_is_a_first_one() {
        let lone = Failing::default().again(at(0)).again(at(25));
        assert_eq!(lone, Failing { first_at: Some(at(25)), since: None });
        assert!(!lone.is_too_long(at(500), HOUR * 120));
    }
}
