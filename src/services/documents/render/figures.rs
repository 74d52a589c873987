//! How amounts, quantities and days are written on paper. Pure.
use crate::types::{Amount, Currency, Date, Period};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Longer than a hyphen. The fonts have no minus sign of their own.
const MINUS: char = '\u{2013}';

/// `1,234.56`: decimals as the currency has them.
pub(super) fn amount(amount: Amount, currency: Currency) -> String {
    let places = currency.exponent() as usize;
    let digits = format!("{:0width$}", amount.minor().unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let sign = if amount < Amount::ZERO { MINUS.to_string() } else { String::new() };
    let point = if places > 0 { "." } else { "" };
    format!("{sign}{}{point}{part}", grouped(whole))
}

/// `USD 1,234.56`.
pub(super) fn money(value: Amount, currency: Currency) -> String {
    format!("{currency} {}", amount(value, currency))
}

/// A decimal number as it came, with its thousands apart.
pub(super) fn decimal(text: &str) -> String {
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (MINUS.to_string(), number),
        None => (String::new(), text),
    };
    let (whole, part) = number.split_once('.').map_or((number, None), |(a, b)| (a, Some(b)));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.to_owned();
    }
    let part = part.map(|part| format!(".{part}")).unwrap_or_default();
    format!("{sign}{}{part}", grouped(whole))
}

fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `21 November 2026`.
pub(super) fn day(date: Date) -> String {
    format!("{} {} {}", date.day(), month(date), date.year())
}

/// `21 Nov 2026`.
pub(super) fn short_day(date: Date) -> String {
    let month: String = month(date).chars().take(3).collect();
    format!("{} {month} {}", date.day(), date.year())
}

fn month(date: Date) -> &'static str {
    MONTHS.get(usize::from(date.month()).saturating_sub(1)).copied().unwrap_or_default()
}

/// The first day and the last: people do not count half-open.
pub(super) fn period(period: Period) -> String {
    let last = period.end().plus_days(-1).unwrap_or(period.end());
    if period.start() == last {
        return short_day(last);
    }
    format!("{} \u{2013} {}", short_day(period.start()), short_day(last))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_places_of_their_currency() {
        for (minor, currency, expected) in [
            (4_496, "USD", "44.96"),
            (5, "USD", "0.05"),
            (-5, "USD", "\u{2013}0.05"),
            (123_456_789, "EUR", "1,234,567.89"),
            (1_234, "JPY", "1,234"),
            (0, "JPY", "0"),
            (1_234_567, "KWD", "1,234.567"),
        ] {
            let written = amount(Amount::new(minor).unwrap(), currency.parse().unwrap());
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn quantities_keep_their_places_and_days_are_written_out() {
        for (text, expected) in
            [("1355", "1,355"), ("0.123400", "0.123400"), ("-12.5", "\u{2013}12.5"), ("x", "x")]
        {
            assert_eq!(decimal(text), expected);
        }
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(day(date("2026-03-01")), "1 March 2026");
        let march = Period::new(date("2026-03-01"), date("2026-04-01")).unwrap();
        assert_eq!(period(march), "1 Mar 2026 \u{2013} 31 Mar 2026");
    }
}
