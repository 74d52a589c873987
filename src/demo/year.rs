//! What is used in a year, and what becomes of the bills. Pure.

use crate::types::Date;

/// Months that are billed.
pub(super) const MONTHS: usize = 12;

/// Electricity of a small household, in kWh: January to December.
const USED_KWH: [u64; 12] = [412, 388, 355, 301, 262, 240, 255, 263, 248, 290, 342, 401];

/// What the counter shows when the year begins.
pub(super) const COUNTER_AT_START: u64 = 41_870;

/// What becomes of the bill of a month.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    /// Paid at once.
    Paid,
    /// The first card is declined, the second one is not.
    PaidAtSecondTry,
    /// Paid in two parts.
    PaidInParts,
    /// A mistake of the biller's, taken back.
    Voided,
    /// A part is paid, then the due date passes.
    Overdue,
    /// A part is paid, the rest is not due yet.
    PartlyPaid,
    /// Not due yet.
    Open,
    /// Not issued yet.
    Draft,
}

/// The month after month `index` of the year that begins with `first`.
pub(super) fn fate(index: usize) -> Fate {
    match index {
        2 => Fate::PaidAtSecondTry,
        4 => Fate::PaidInParts,
        7 => Fate::Voided,
        8 => Fate::Overdue,
        9 => Fate::PartlyPaid,
        10 => Fate::Open,
        11 => Fate::Draft,
        _ => Fate::Paid,
    }
}

/// The first day of each month from the one twelve months before `today` to the one of `today`.
pub(super) fn months(today: Date) -> Vec<Date> {
    let count = today.year() * 12 + i32::from(today.month()) - 1;
    let back = i32::try_from(MONTHS).unwrap_or(0);
    let first_of = |month: i32| {
        let number = u8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
        Date::new(month.div_euclid(12), number, 1).ok()
    };
    (count - back..=count).filter_map(first_of).collect()
}

/// What is used in a month.
pub(super) fn used_kwh(month: Date) -> u64 {
    USED_KWH[usize::from(month.month().saturating_sub(1)) % USED_KWH.len()]
}

/// The days within a month on which the counter is read, and what was used until then: weekly.
pub(super) fn readings(month: Date, days: i64) -> Vec<(Date, u64)> {
    let used = used_kwh(month);
    let part = |day: i64| used * u64::try_from(day).unwrap_or(0) / u64::try_from(days).unwrap_or(1);
    (7..days).step_by(7).filter_map(|day| Some((month.plus_days(day)?, part(day)))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_twelve_months_and_the_one_that_goes_on() {
        let months = months("2026-02-25".parse().unwrap());
        let texts: Vec<String> = months.iter().map(ToString::to_string).collect();
        assert_eq!((texts.len(), texts[0].as_str()), (13, "2025-02-01"));
        assert_eq!((texts[11].as_str(), texts[12].as_str()), ("2026-01-01", "2026-02-01"));
    }

    #[test]
    fn readings_grow_and_stay_within_their_month() {
        let month: Date = "2026-03-01".parse().unwrap();
        let read = readings(month, 31);
        assert_eq!(read.len(), 4);
        assert!(read.is_sorted_by_key(|(date, used)| (*date, *used)));
        assert!(read.iter().all(|(date, used)| date.month() == 3 && *used < used_kwh(month)));
    }

    #[test]
    fn every_fate_is_met() {
        let fates: Vec<Fate> = (0..MONTHS).map(fate).collect();
        for wanted in [Fate::Paid, Fate::Voided, Fate::Overdue, Fate::PartlyPaid, Fate::Draft] {
            assert!(fates.contains(&wanted), "{wanted:?}");
        }
    }
}
