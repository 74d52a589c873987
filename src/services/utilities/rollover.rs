//! Whether a reading can be true: registers begin again after their last number, and are misread.
//!
//! A lower number than before is a rollover where what was counted on the way round is plausible:
//! at most three times the usual per day, or a thousandth of what the register can show. It is
//! suspect otherwise, as is much more than usual where enough is known of what is usual.
use crate::types::Timestamp;

use super::model::count::Count;
use super::model::reading::{Shown, Suspicion};

/// So many times the usual is still plausible.
const USUAL_FACTOR: i128 = 3;
/// What is always plausible: this share of what the register can show.
const FLOOR_SHARE: i128 = 1_000;
const DAY_MICROS: i128 = 86_400_000_000;
/// What is usual is known from so many intervals...
const INTERVALS_ENOUGH: usize = 3;
/// ...over so long a time.
const SPAN_ENOUGH_MICROS: i128 = 7 * DAY_MICROS;

/// What was counted in the time before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct History {
    counted: Count,
    span_micros: i128,
    intervals: usize,
}

/// What was counted between two readings, over the last number if it must be. `beyond` is the
/// first number that the register cannot show.
pub(crate) fn counted(start: Count, end: Count, beyond: Count) -> Count {
    if end >= start { end.minus(start) } else { beyond.minus(start).plus(end) }
}

impl History {
    /// Of readings that count, oldest first.
    pub(crate) fn of<'a>(readings: impl IntoIterator<Item = &'a Shown>, beyond: Count) -> History {
        let mut history = History { counted: Count::ZERO, span_micros: 0, intervals: 0 };
        let mut before: Option<&Shown> = None;
        for shown in readings {
            if let Some(before) = before {
                let more = counted(before.value, shown.value, beyond);
                history.counted = history.counted.plus(more);
                history.span_micros += micros_between(before.at, shown.at);
                history.intervals += 1;
            }
            before = Some(shown);
        }
        history
    }

    fn is_enough(&self) -> bool {
        self.intervals >= INTERVALS_ENOUGH && self.span_micros >= SPAN_ENOUGH_MICROS
    }

    /// Whether so much is plausible in so long a time. Days are not divided: the use of one
    /// quarter of an hour is no measure for the next.
    fn allows(&self, counted: Count, span_micros: i128, beyond: Count) -> bool {
        let (counted, usual) = (counted.millionths(), self.counted.millionths());
        let is_small = counted.saturating_mul(FLOOR_SHARE) <= beyond.millionths();
        let span = span_micros.max(DAY_MICROS);
        let most = usual.saturating_mul(USUAL_FACTOR).saturating_mul(span);
        is_small || self.span_micros > 0 && counted.saturating_mul(self.span_micros) <= most
    }
}

/// What is wrong with the way from one reading to the next, if anything is.
pub(crate) fn judge(
    before: Shown,
    after: Shown,
    history: &History,
    beyond: Count,
) -> Option<Suspicion> {
    let counted = counted(before.value, after.value, beyond);
    let is_plausible = history.allows(counted, micros_between(before.at, after.at), beyond);
    match (after.value < before.value, is_plausible) {
        (_, true) => None,
        (true, false) => Some(Suspicion::LowerThanBefore),
        (false, false) => history.is_enough().then_some(Suspicion::HigherThanUsual),
    }
}

fn micros_between(start: Timestamp, end: Timestamp) -> i128 {
    i128::from(end.micros()) - i128::from(start.micros())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DIGITS: u32 = 5;

    /// A reading at the start of a 30-day period.
    fn shown(period: i64, value: &str) -> Shown {
        let at = Timestamp::from_seconds(1_767_225_600 + period * 30 * 86_400);
        Shown { at, value: value.parse().unwrap() }
    }

    /// The verdict on the last of some readings, one a period.
    fn verdict(values: &[&str]) -> Option<Suspicion> {
        let readings: Vec<Shown> =
            (0..).zip(values).map(|(period, value)| shown(period, value)).collect();
        let (last, known) = readings.split_last().unwrap();
        let beyond = Count::beyond(DIGITS);
        judge(*known.last().unwrap(), *last, &History::of(known, beyond), beyond)
    }

    #[test]
    fn a_plausible_rollover_is_counted_over_the_last_number() {
        let value = |text: &str| text.parse::<Count>().unwrap();
        let beyond = Count::beyond(DIGITS);
        assert_eq!(counted(value("99870"), value("00120"), beyond), value("250"));
        assert_eq!(counted(value("1000"), value("1355"), beyond), value("355"));
        assert_eq!(verdict(&["99150", "99390", "99630", "99870", "00120"]), None);
        assert_eq!(verdict(&["99630", "99870", "00120"]), None);
    }

    #[test]
    fn a_number_that_fell_far_is_suspect() {
        let suspect = Some(Suspicion::LowerThanBefore);
        assert_eq!(verdict(&["49280", "49520", "49760", "50000", "00120"]), suspect);
        assert_eq!(verdict(&["50000", "00120"]), suspect);
        // A misread digit, one unit less: nearly the whole way round.
        assert_eq!(verdict(&["1000", "1240", "1239"]), suspect);
        // Nothing is known of what is usual, and more than the floor.
        assert_eq!(verdict(&["99870", "00120"]), suspect);
        assert_eq!(verdict(&["99990", "00040"]), None);
    }

    #[test]
    fn much_more_than_usual_is_suspect_once_it_is_known_what_is_usual() {
        let suspect = Some(Suspicion::HigherThanUsual);
        assert_eq!(verdict(&["1000", "1240", "1480", "1720", "2441"]), suspect);
        assert_eq!(verdict(&["1000", "1240", "1480", "1720", "2440"]), None);
        assert_eq!(verdict(&["1000", "1240", "1480", "9000"]), None);
        // An empty house may use a little again.
        assert_eq!(verdict(&["1000", "1000", "1000", "1000", "1100"]), None);
        assert_eq!(verdict(&["1000", "1000", "1000", "1000", "1101"]), suspect);
    }

    /// Quarters of an hour are compared with a whole day, and never make a history by themselves.
    #[test]
    fn short_intervals_are_not_held_for_their_peaks() {
        let quarter = |number: i64, value: &str| {
            let at = Timestamp::from_seconds(1_767_225_600 + number * 900);
            Shown { at, value: value.parse().unwrap() }
        };
        let known = [quarter(0, "0"), quarter(1, "0.1"), quarter(2, "0.2"), quarter(3, "0.3")];
        let beyond = Count::beyond(DIGITS);
        let history = History::of(&known, beyond);
        assert_eq!(judge(known[3], quarter(4, "500"), &history, beyond), None);
    }
}
