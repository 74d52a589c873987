//! From quarter hours and days of UTC to the days and months of a zone. Pure.
//!
//! Sums are kept by quarter hours and by days of UTC. The days of a zone are stretches of 24 hours
//! but for those on which the clocks change; stretches of equal width that follow each other are
//! one run, which is read with one statement.

use crate::types::{Date, Period, Timestamp, Zone};

use super::model::query::Granularity;

const SECOND_US: i64 = 1_000_000;
const QUARTER_US: i64 = 900 * SECOND_US;
const DAY_US: i64 = 86_400 * SECOND_US;

/// What sums are kept by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Span {
    QuarterHour,
    Day,
}

impl Span {
    pub(crate) fn seconds(self) -> i64 {
        self.width_us() / SECOND_US
    }

    fn width_us(self) -> i64 {
        match self {
            Span::QuarterHour => QUARTER_US,
            Span::Day => DAY_US,
        }
    }

    /// The first instant of the quarter hour or day of UTC that an instant is in.
    pub(crate) fn begin(self, at: Timestamp) -> Timestamp {
        let width = self.width_us();
        Timestamp::from_micros(at.micros().div_euclid(width) * width)
    }
}

/// A day or a month within a period.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slot {
    /// `2026-11-01` or `2026-11`.
    pub(crate) label: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

/// Slots of equal width, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// The place of its first slot among all.
    pub(crate) first: usize,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) width_us: i64,
}

impl Run {
    /// Days of UTC add up to it, or only quarter hours do.
    pub(crate) fn span(&self) -> Span {
        let is_of_days = self.start.micros() % DAY_US == 0 && self.width_us % DAY_US == 0;
        if is_of_days { Span::Day } else { Span::QuarterHour }
    }
}

/// A period as whole days of UTC, and the quarter hours before and after them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cover {
    pub(crate) days: (Timestamp, Timestamp),
    pub(crate) before: (Timestamp, Timestamp),
    pub(crate) after: (Timestamp, Timestamp),
}

impl Cover {
    pub(crate) fn of(start: Timestamp, end: Timestamp) -> Cover {
        let last = Span::Day.begin(end);
        let begun = Span::Day.begin(start);
        let first =
            if begun == start { start } else { Timestamp::from_micros(begun.micros() + DAY_US) };
        if first >= last {
            let nothing = (start, start);
            return Cover { days: nothing, before: (start, end), after: nothing };
        }
        Cover { days: (first, last), before: (start, first), after: (last, end) }
    }

    /// From the beginning of time.
    pub(crate) fn until(end: Timestamp) -> Cover {
        Cover::of(Timestamp::from_micros(0), end)
    }

    /// All that there is.
    pub(crate) fn everything() -> Cover {
        Cover::until(Span::Day.begin(Timestamp::from_micros(i64::MAX)))
    }

    pub(crate) fn span(&self) -> Span {
        let is_empty = |(start, end): (Timestamp, Timestamp)| start == end;
        let is_of_days = is_empty(self.before) && is_empty(self.after);
        if is_of_days { Span::Day } else { Span::QuarterHour }
    }
}

/// The instants between which a period lies in a zone.
pub(crate) fn bounds(period: Period, zone: &Zone) -> (Timestamp, Timestamp) {
    (zone.start_of(period.start()), zone.start_of(period.end()))
}

/// The days or months of a period; the first and last month may be cut by it.
pub(crate) fn slots(period: Period, granularity: Granularity, zone: &Zone) -> Vec<Slot> {
    let (mut slots, mut start) = (Vec::new(), period.start());
    while start < period.end() {
        let next = match granularity {
            Granularity::Day => start.plus_days(1),
            Granularity::Month => month_after(start),
        };
        let end = next.unwrap_or(period.end()).min(period.end());
        slots.push(Slot {
            label: label(start, granularity),
            start: zone.start_of(start),
            end: zone.start_of(end),
        });
        start = end;
    }
    slots
}

/// Slots as runs.
pub(crate) fn runs(slots: &[Slot]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (place, slot) in slots.iter().enumerate() {
        let width_us = slot.end.micros() - slot.start.micros();
        match runs.last_mut() {
            Some(run) if run.width_us == width_us && run.end == slot.start => run.end = slot.end,
            _ => runs.push(Run { first: place, start: slot.start, end: slot.end, width_us }),
        }
    }
    runs
}

fn month_after(date: Date) -> Option<Date> {
    let (year, month) = (date.year(), date.month());
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    Date::new(year, month, 1).ok()
}

fn label(date: Date, granularity: Granularity) -> String {
    match granularity {
        Granularity::Day => date.to_string(),
        Granularity::Month => format!("{:04}-{:02}", date.year(), date.month()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn period(start: &str, end: &str) -> Period {
        Period::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_one_run_but_for_a_change_of_the_clocks() {
        let chicago: Zone = "America/Chicago".parse().unwrap();
        // The clocks go on in the night to the 8th: that day has 23 hours.
        let days = slots(period("2026-03-06", "2026-03-11"), Granularity::Day, &chicago);
        assert_eq!(days.len(), 5);
        let found = runs(&days);
        let widths: Vec<(usize, i64)> =
            found.iter().map(|run| (run.first, run.width_us / QUARTER_US)).collect();
        assert_eq!(widths, [(0, 96), (2, 92), (3, 96)]);
        assert_eq!(found[0].start, at("2026-03-06T06:00:00Z"));
        assert_eq!(found[2].end, at("2026-03-11T05:00:00Z"));
        assert!(found.iter().all(|run| run.span() == Span::QuarterHour));
    }

    #[test]
    fn days_of_utc_are_read_as_days() {
        let days = slots(period("2026-03-01", "2026-06-01"), Granularity::Day, &Zone::default());
        let found = runs(&days);
        assert_eq!((days.len(), found.len(), found[0].span()), (92, 1, Span::Day));
    }

    #[test]
    fn months_may_be_cut_by_the_period() {
        let months =
            slots(period("2026-01-15", "2026-03-02"), Granularity::Month, &Zone::default());
        let labels: Vec<&str> = months.iter().map(|slot| slot.label.as_str()).collect();
        assert_eq!(labels, ["2026-01", "2026-02", "2026-03"]);
        assert_eq!(months[0].start, at("2026-01-15T00:00:00Z"));
        assert_eq!(months[2].end, at("2026-03-02T00:00:00Z"));
    }

    #[test]
    fn every_zone_is_whole_quarter_hours_from_utc() {
        for name in ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham"] {
            let zone: Zone = name.parse().unwrap();
            for slot in slots(period("2026-01-01", "2027-01-01"), Granularity::Day, &zone) {
                assert_eq!(slot.start.micros() % QUARTER_US, 0, "{name} {}", slot.label);
            }
        }
    }

    #[test]
    fn a_period_is_whole_days_and_its_edges() {
        let (start, end) = (at("2026-03-01T05:30:00Z"), at("2026-03-04T05:30:00Z"));
        let cover = Cover::of(start, end);
        assert_eq!(cover.before, (start, at("2026-03-02T00:00:00Z")));
        assert_eq!(cover.days, (at("2026-03-02T00:00:00Z"), at("2026-03-04T00:00:00Z")));
        assert_eq!(cover.after, (at("2026-03-04T00:00:00Z"), end));
        assert_eq!(cover.span(), Span::QuarterHour);

        let short = Cover::of(start, at("2026-03-02T05:30:00Z"));
        assert_eq!(short.before, (start, at("2026-03-02T05:30:00Z")));
        assert_eq!(short.days.0, short.days.1);
        let whole = Cover::of(at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z"));
        assert_eq!(whole.span(), Span::Day);
        assert_eq!(Cover::everything().span(), Span::Day);
    }
}
