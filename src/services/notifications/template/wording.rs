//! How amounts, days and instants are written in each language. Pure.

use crate::types::{Date, Money, Timestamp, Zone};

const MONTHS_EN: [&str; 12] = [
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
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];
/// Currencies whose sign means them alone to most readers; others are named by their code.
const SIGNS: [(&str, &str); 6] =
    [("USD", "$"), ("EUR", "€"), ("GBP", "£"), ("JPY", "¥"), ("INR", "₹"), ("NGN", "₦")];
/// A narrow gap would be finer; not every mail program has it.
const GAP: char = '\u{a0}';

/// A language that can be written, with the habits of a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Manner {
    /// `November 1, 2026`, `$1,234.56`.
    American,
    /// `1 November 2026`, `$1,234.56`.
    English,
    /// `1. November 2026`, `1.234,56 €`.
    German,
    /// `1 de noviembre de 2026`, `1234,56 €`.
    Spanish,
}

impl Manner {
    /// By a language tag; one that is not known is written as English.
    pub(super) fn of(tag: &str) -> Manner {
        let mut parts = tag.split('-');
        let language = parts.next().unwrap_or_default().to_ascii_lowercase();
        let region = parts.find(|part| part.len() == 2).map(str::to_ascii_uppercase);
        match (language.as_str(), region.as_deref()) {
            ("de", _) => Manner::German,
            ("es", _) => Manner::Spanish,
            ("en", None | Some("US")) => Manner::American,
            _ => Manner::English,
        }
    }

    fn is_english(self) -> bool {
        matches!(self, Manner::American | Manner::English)
    }

    pub(super) fn money(self, money: Money) -> String {
        let sign = if money.is_negative() { "-" } else { "" };
        let (number, code) = (self.number(money), money.currency().as_str());
        let known = SIGNS.iter().find(|(known, _)| *known == code).map(|(_, sign)| *sign);
        match (known, self.is_english()) {
            (Some(symbol), true) => format!("{sign}{symbol}{number}"),
            (None, true) => format!("{sign}{code}{GAP}{number}"),
            (known, false) => format!("{sign}{number}{GAP}{}", known.unwrap_or(code)),
        }
    }

    /// The amount without its sign and currency.
    fn number(self, money: Money) -> String {
        let places = money.currency().exponent();
        let unit = 10_u64.pow(places);
        let minor = money.minor().unsigned_abs();
        let (group, point) = if self.is_english() { (',', '.') } else { ('.', ',') };
        let mut text = self.grouped(minor / unit, group);
        if places > 0 {
            text.push(point);
            text.push_str(&format!("{:0width$}", minor % unit, width = places as usize));
        }
        text
    }

    /// In Spanish a number of four digits is not grouped.
    fn grouped(self, number: u64, separator: char) -> String {
        let digits = number.to_string();
        if self == Manner::Spanish && digits.len() <= 4 {
            return digits;
        }
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(separator);
            }
            text.push(digit);
        }
        text
    }

    pub(super) fn date(self, date: Date) -> String {
        let (year, day) = (date.year(), date.day());
        let month = usize::from(date.month().saturating_sub(1));
        match self {
            Manner::American => format!("{} {day}, {year}", MONTHS_EN[month % 12]),
            Manner::English => format!("{day} {} {year}", MONTHS_EN[month % 12]),
            Manner::German => format!("{day}. {} {year}", MONTHS_DE[month % 12]),
            Manner::Spanish => format!("{day} de {} de {year}", MONTHS_ES[month % 12]),
        }
    }

    /// The day and the time that the clocks show in the zone, which is named.
    pub(super) fn instant(self, at: Timestamp, zone: &Zone) -> String {
        let (date, hour, minute) =
            (self.date(zone.date_of(at)), zone.hour_of(at), minute(at, zone));
        let place = zone.to_string().replace('_', " ");
        match self {
            Manner::American | Manner::English | Manner::Spanish => {
                format!("{date}, {hour:02}:{minute:02} ({place})")
            }
            Manner::German => format!("{date}, {hour:02}:{minute:02} Uhr ({place})"),
        }
    }
}

/// The minute of the hour there. Clocks differ from UTC by whole minutes, in some places not by
/// whole hours: so many minutes ago the hour there began.
fn minute(at: Timestamp, zone: &Zone) -> i64 {
    const MINUTES: i64 = 60;
    let utc = at.seconds().div_euclid(60).rem_euclid(MINUTES);
    let hour = zone.hour_of(at);
    let into_hour = (0..MINUTES).find(|minutes| {
        let earlier = at.minus(std::time::Duration::from_secs((*minutes as u64 + 1) * 60));
        zone.hour_of(earlier) != hour
    });
    into_hour.unwrap_or(utc)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn money(tag: &str, minor: i64, currency: &str) -> String {
        let money = Money::new(minor, currency.parse().unwrap()).unwrap();
        Manner::of(tag).money(money).replace(GAP, " ")
    }

    #[test]
    fn money_is_written_as_the_language_does() {
        for (tag, minor, currency, written) in [
            ("en", 4496, "USD", "$44.96"),
            ("en-GB", 123_456_789, "GBP", "£1,234,567.89"),
            ("en", -500, "USD", "-$5.00"),
            ("en", 5, "KWD", "KWD 0.005"),
            ("en", 1234, "JPY", "¥1,234"),
            ("de-AT", 123_456, "EUR", "1.234,56 €"),
            ("de", 4496, "USD", "44,96 $"),
            ("de", 4496, "CHF", "44,96 CHF"),
            ("es", 123_456, "EUR", "1234,56 €"),
            ("es-MX", 1_234_567, "MXN", "12.345,67 MXN"),
            ("fr", 4496, "EUR", "€44.96"),
        ] {
            assert_eq!(money(tag, minor, currency), written, "{tag}");
        }
    }

    #[test]
    fn days_are_written_as_the_language_does() {
        let day: Date = "2026-03-01".parse().unwrap();
        for (tag, written) in [
            ("en", "March 1, 2026"),
            ("en-US", "March 1, 2026"),
            ("en-GB", "1 March 2026"),
            ("de", "1. März 2026"),
            ("es-419", "1 de marzo de 2026"),
        ] {
            assert_eq!(Manner::of(tag).date(day), written, "{tag}");
        }
    }

    #[test]
    fn an_instant_is_told_by_the_clocks_of_the_place() {
        let at: Timestamp = "2026-11-01T20:05:30Z".parse().unwrap();
        let told = |tag: &str, zone: &str| Manner::of(tag).instant(at, &zone.parse().unwrap());
        assert_eq!(told("en", "UTC"), "November 1, 2026, 20:05 (UTC)");
        assert_eq!(
            told("en", "America/Los_Angeles"),
            "November 1, 2026, 12:05 (America/Los Angeles)"
        );
        assert_eq!(told("de", "Asia/Kathmandu"), "2. November 2026, 01:50 Uhr (Asia/Kathmandu)");
        assert_eq!(told("es", "Asia/Kolkata"), "2 de noviembre de 2026, 01:35 (Asia/Kolkata)");
    }
}
