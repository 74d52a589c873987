//! Rates and averages as decimal texts, each rounded once, half to even. Pure.

use crate::types::round_half_even;

const DAY_US: i128 = 86_400_000_000;

/// `numerator / denominator` with so many decimal places; `None` where there is nothing to divide
/// by.
fn ratio(numerator: i128, denominator: i128, places: u32) -> Option<String> {
    if denominator <= 0 {
        return None;
    }
    let unit = 10_i128.pow(places);
    let scaled = round_half_even(numerator.checked_mul(unit)?, denominator);
    let (sign, size) = (if scaled < 0 { "-" } else { "" }, scaled.unsigned_abs());
    let unit = unit.unsigned_abs();
    let width = places as usize;
    Some(format!("{sign}{}.{:0width$}", size / unit, size % unit))
}

/// A part of a whole: `0.9312`.
pub(crate) fn share(part: i64, whole: i64) -> Option<String> {
    ratio(part.into(), whole.into(), 4)
}

/// Days sales outstanding: how many days of billing the receivables are.
pub(crate) fn outstanding_days(receivable: i64, billed: i64, days: i64) -> Option<String> {
    ratio(i128::from(receivable).checked_mul(days.into())?, billed.into(), 2)
}

/// The average of a duration, in days.
pub(crate) fn average_days(taken_us: i64, count: i64) -> Option<String> {
    ratio(taken_us.into(), i128::from(count).checked_mul(DAY_US)?, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_half_to_even() {
        assert_eq!(share(1, 3).as_deref(), Some("0.3333"));
        assert_eq!(share(2, 3).as_deref(), Some("0.6667"));
        assert_eq!(share(1, 20_000).as_deref(), Some("0.0000"));
        assert_eq!(share(3, 20_000).as_deref(), Some("0.0002"));
        assert_eq!(share(-1, 3).as_deref(), Some("-0.3333"));
        assert_eq!(share(5, 5).as_deref(), Some("1.0000"));
        assert_eq!(share(1, 0), None);
    }

    #[test]
    fn days_are_outstanding_as_long_as_bills_would_take() {
        assert_eq!(outstanding_days(5_000, 10_000, 30).as_deref(), Some("15.00"));
        assert_eq!(outstanding_days(i64::MAX, 1, 1_830).map(|text| text.len()), Some(26));
        assert_eq!(outstanding_days(1, -1, 30), None);
        assert_eq!(average_days(129_600_000_000, 1).as_deref(), Some("1.50"));
        assert_eq!(average_days(0, 0), None);
    }
}
