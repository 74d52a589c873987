//! Which reading stands for the beginning or the end of a period.
//!
//! The one at the very instant, a local midnight, or else the nearest one within 36 hours before
//! or after it, the earlier of two that are equally near. In short periods it is nearer than half
//! of the period, and the end is later than the start, so that none stands for both. A held reading
//! that is nearer than every one that counts makes a gap: it may be the true one.
//!
//! Where a bill begins or ends at the same day, its reading stays: a better one that comes late
//! would make the next bill begin elsewhere than the last one ended. So it does when it was
//! corrected since: what the last bill had too much, the next one has too little.
use std::time::Duration;

use crate::types::Timestamp;

use super::model::reading::ReadingStatus;
use super::model::usage::{GapReason, ReadingRole, Sighting};

/// How far from a local midnight a reading may be to stand for it.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(36 * 3_600);

/// Why there is none, and what comes nearest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Missing {
    pub(crate) reason: GapReason,
    pub(crate) near: Option<Sighting>,
}

impl Missing {
    /// There is not even one that is too far away, or waits.
    pub(crate) fn is_nothing(&self) -> bool {
        self.near.is_none()
    }
}

/// How far from its ends a reading may be in a period.
pub(crate) fn tolerance(start: Timestamp, end: Timestamp) -> Duration {
    TOLERANCE.min((end.since(start) / 2).saturating_sub(Duration::from_micros(1)))
}

/// The reading for `boundary`, out of the nearest ones before and after it, counting or held.
pub(crate) fn choose(
    role: ReadingRole,
    boundary: Timestamp,
    tolerance: Duration,
    candidates: Vec<Sighting>,
) -> Result<Sighting, Missing> {
    let by_distance = |sighting: &Sighting| (distance(boundary, sighting.at), sighting.at);
    let missing = match role {
        ReadingRole::Start => GapReason::NoReadingAtStart,
        ReadingRole::End => GapReason::NoReadingAtEnd,
    };
    match candidates.into_iter().min_by_key(by_distance) {
        None => Err(Missing { reason: missing, near: None }),
        Some(far) if distance(boundary, far.at) > tolerance => {
            Err(Missing { reason: missing, near: Some(far) })
        }
        Some(near) if near.status == ReadingStatus::Held => {
            Err(Missing { reason: GapReason::ReadingHeld, near: Some(near) })
        }
        Some(near) => Ok(near),
    }
}

fn distance(one: Timestamp, other: Timestamp) -> Duration {
    one.since(other).max(other.since(one))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::services::utilities::model::words::Quality;
    use crate::types::ReadingId;

    const MIDNIGHT: i64 = 1_772_344_800;

    /// A reading so many hours after midnight.
    fn sighting(hours: i64, status: ReadingStatus) -> Sighting {
        Sighting {
            id: ReadingId::new(),
            at: Timestamp::from_seconds(MIDNIGHT + hours * 3_600),
            value: "1000".parse().unwrap(),
            quality: Quality::Actual,
            status,
        }
    }

    fn chosen(hours: &[i64]) -> Option<i64> {
        let candidates =
            hours.iter().map(|hours| sighting(*hours, ReadingStatus::Accepted)).collect();
        let midnight = Timestamp::from_seconds(MIDNIGHT);
        let chosen = choose(ReadingRole::Start, midnight, TOLERANCE, candidates).ok()?;
        Some((chosen.at.seconds() - MIDNIGHT) / 3_600)
    }

    #[test]
    fn the_nearest_reading_stands_for_a_boundary() {
        assert_eq!(chosen(&[0, 1]), Some(0));
        assert_eq!(chosen(&[-20, 19]), Some(19));
        assert_eq!(chosen(&[-20, 20]), Some(-20));
        assert_eq!(chosen(&[-36]), Some(-36));
        assert_eq!(chosen(&[-37, 37]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn a_held_reading_that_is_nearest_makes_a_gap() {
        let midnight = Timestamp::from_seconds(MIDNIGHT);
        let at = |held: i64, accepted: i64| {
            let candidates = vec![
                sighting(accepted, ReadingStatus::Accepted),
                sighting(held, ReadingStatus::Held),
            ];
            let chosen = choose(ReadingRole::End, midnight, TOLERANCE, candidates);
            chosen.map_err(|gap| gap.reason)
        };
        assert_eq!(at(0, -24).unwrap_err(), GapReason::ReadingHeld);
        assert!(at(-24, 0).is_ok());
        assert_eq!(at(40, 50).unwrap_err(), GapReason::NoReadingAtEnd);
    }

    #[test]
    fn one_reading_never_stands_for_both_ends_of_a_short_period() {
        let start = Timestamp::from_seconds(MIDNIGHT);
        let day = Timestamp::from_seconds(MIDNIGHT + 86_400);
        let noon = Timestamp::from_seconds(MIDNIGHT + 43_200);
        assert!(
            tolerance(start, day) < noon.since(start) && tolerance(start, day) < day.since(noon)
        );
        let month = Timestamp::from_seconds(MIDNIGHT + 30 * 86_400);
        assert_eq!(tolerance(start, month), TOLERANCE);
    }
}
