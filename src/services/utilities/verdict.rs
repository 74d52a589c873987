//! What becomes of readings that are delivered, between those that are there already. Pure: who
//! asks brings what stands around them.
use std::collections::VecDeque;

use super::model::batch::Item;
use super::model::count::Count;
use super::model::reading::{Known, ReadingStatus, Shown, Suspicion};
use super::model::words::Quality;
use super::rollover::{History, judge};

/// So many readings before one tell what is usual.
pub(crate) const RECENT_MAX: usize = 32;

/// What becomes of one reading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Accepted,
    Held(Suspicion),
    /// Known already.
    Duplicate,
    /// The register showed something else at this instant.
    Conflict(Known),
    /// It takes the place of another one. Somebody has looked: it is not suspected.
    Correction(Known),
}

/// What stands around the readings of one register, from the first of them to the last.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// The last ones that count before the first, oldest first.
    pub(crate) recent: VecDeque<Shown>,
    /// Those from the first to the last, oldest first.
    pub(crate) known: VecDeque<Known>,
    /// The first one that counts after the last.
    pub(crate) after: Option<Shown>,
    /// The first number that the register cannot show.
    pub(crate) beyond: Count,
}

/// Goes along the readings of one register.
pub(crate) struct Walk {
    around: Surroundings,
    /// What counts or is held at the instant that is looked at.
    here: Option<Known>,
}

impl Walk {
    pub(crate) fn new(around: Surroundings) -> Walk {
        Walk { around, here: None }
    }

    /// The verdict on the next reading, which is not earlier than those before.
    pub(crate) fn judge(&mut self, item: &Item) -> Verdict {
        let reading = &item.reading;
        self.advance(item);
        let kept =
            |status| Some(Known { id: reading.id, at: reading.at, value: reading.value, status });
        match self.here.take() {
            Some(known) if known.value == reading.value => {
                self.here = Some(known);
                Verdict::Duplicate
            }
            Some(known) if reading.quality == Quality::Corrected => {
                self.here = kept(ReadingStatus::Accepted);
                Verdict::Correction(known)
            }
            Some(known) => {
                self.here = Some(known.clone());
                Verdict::Conflict(known)
            }
            None => match self.suspicion(item) {
                Some(suspicion) => {
                    self.here = kept(ReadingStatus::Held);
                    Verdict::Held(suspicion)
                }
                None => {
                    self.here = kept(ReadingStatus::Accepted);
                    Verdict::Accepted
                }
            },
        }
    }

    /// Goes on to the instant of the reading.
    fn advance(&mut self, item: &Item) {
        let at = item.reading.at;
        if let Some(passed) = self.here.take_if(|here| here.at < at) {
            self.pass(&passed);
        }
        while let Some(passed) = self.around.known.pop_front_if(|known| known.at < at) {
            self.pass(&passed);
        }
        if let Some(known) = self.around.known.pop_front_if(|known| known.at == at) {
            self.here = Some(known);
        }
    }

    fn pass(&mut self, known: &Known) {
        if known.status == ReadingStatus::Accepted {
            self.around.recent.push_back(Shown { at: known.at, value: known.value });
            if self.around.recent.len() > RECENT_MAX {
                self.around.recent.pop_front();
            }
        }
    }

    /// What is wrong with the way to the reading, or with the way on from it.
    fn suspicion(&self, item: &Item) -> Option<Suspicion> {
        let (recent, beyond) = (&self.around.recent, self.around.beyond);
        let shown = Shown { at: item.reading.at, value: item.reading.value };
        let history = History::of(recent, beyond);
        let before = recent.back().and_then(|before| judge(*before, shown, &history, beyond));
        before.or_else(|| {
            let accepted =
                self.around.known.iter().find(|known| known.status == ReadingStatus::Accepted);
            let next = accepted.map(|known| Shown { at: known.at, value: known.value });
            next.or(self.around.after).and_then(|next| judge(shown, next, &history, beyond))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::services::utilities::model::batch::Against;
    use crate::services::utilities::model::meter::NewMeter;
    use crate::types::{MeterId, ReadingId, ServiceAccountId, Timestamp};
    use serde_json::json;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_seconds(1_767_225_600 + number * 86_400)
    }

    fn item(number: i64, value: &str, quality: &str) -> Item {
        let meter = json!({"service_account_id": ServiceAccountId::new(), "serial": "7",
            "registers": [{"unit": "kWh", "digits": 5}]});
        let meter: NewMeter = serde_json::from_value(meter).unwrap();
        let registers = meter.registers(MeterId::new()).unwrap();
        let new = json!({"at": day(number), "value": value, "quality": quality});
        let against = Against {
            registers: &registers,
            installed_at: None,
            retired_at: None,
            now: day(9_000),
        };
        Item::new(0, serde_json::from_value(new).unwrap(), against).unwrap()
    }

    fn known(number: i64, value: &str) -> Known {
        let (id, status) = (ReadingId::new(), ReadingStatus::Accepted);
        Known { id, at: day(number), value: value.parse().unwrap(), status }
    }

    fn walk(known: &[Known], after: Option<(i64, &str)>) -> Walk {
        let shown =
            |(number, value): (i64, &str)| Shown { at: day(number), value: value.parse().unwrap() };
        Walk::new(Surroundings {
            recent: VecDeque::from([shown((-30, "760")), shown((-1, "992"))]),
            known: known.iter().cloned().collect(),
            after: after.map(shown),
            beyond: Count::beyond(5),
        })
    }

    #[test]
    fn the_same_again_is_a_duplicate_and_something_else_a_conflict() {
        let there = known(0, "1000");
        let mut walk = walk(std::slice::from_ref(&there), None);
        assert_eq!(walk.judge(&item(0, "1000.0", "actual")), Verdict::Duplicate);
        assert_eq!(walk.judge(&item(0, "1001", "actual")), Verdict::Conflict(there.clone()));
        assert_eq!(walk.judge(&item(0, "1001", "corrected")), Verdict::Correction(there));
        assert_eq!(walk.judge(&item(0, "1001", "actual")), Verdict::Duplicate);
        // Two of one delivery are like one that was there before.
        assert_eq!(walk.judge(&item(1, "1008", "actual")), Verdict::Accepted);
        assert_eq!(walk.judge(&item(1, "1008", "actual")), Verdict::Duplicate);
    }

    #[test]
    fn a_reading_must_fit_to_the_one_before_and_to_the_one_after() {
        let suspect = Verdict::Held(Suspicion::LowerThanBefore);
        let mut walk = walk(&[known(2, "1016")], Some((4, "1032")));
        assert_eq!(walk.judge(&item(0, "900", "actual")), suspect);
        assert_eq!(walk.judge(&item(1, "1017", "actual")), suspect);
        assert_eq!(walk.judge(&item(3, "1024", "actual")), Verdict::Accepted);
        let high = walk.judge(&item(4, "1040", "actual"));
        assert!(matches!(high, Verdict::Accepted | Verdict::Held(_)));
    }

    /// What is held is no measure for what comes after it.
    #[test]
    fn a_held_reading_is_passed_over() {
        let mut walk = walk(&[], None);
        assert!(matches!(walk.judge(&item(0, "99000", "actual")), Verdict::Accepted));
        let mut walk = self::walk(&[], None);
        assert!(matches!(walk.judge(&item(0, "5", "actual")), Verdict::Held(_)));
        assert_eq!(walk.judge(&item(1, "1008", "actual")), Verdict::Accepted);
    }
}
