//! The single words of a tariff.
use std::borrow::Cow;

use crate::types::{Refused, Text, text_form, words};

words! {
    /// Which time a provider's windows are in.
    pub enum MeterClock: "clock_unknown" {
        /// As the clocks on the wall show it, summer time included.
        Wall = "wall",
        /// Standard time all year. Cannot be rated yet.
        Standard = "standard",
    }
}

words! {
    /// What a component charges for.
    pub enum ComponentKind: "component_kind_unknown" {
        Fixed = "fixed",
        Energy = "energy",
        /// Cannot be rated yet.
        Demand = "demand",
        /// Cannot be rated yet.
        Minimum = "minimum",
    }
}

words! {
    /// How often a fixed charge is due.
    pub enum Per: "per_unknown" {
        Day = "day",
        /// Once for the period of a bill; by days where a tariff holds for a part of it.
        Period = "period",
    }
}

words! {
    /// Over which time tiers fill up.
    pub enum TierScope: "tier_scope_unknown" {
        BillPeriod = "bill_period",
    }
}

words! {
    pub enum Weekday: "weekday_unknown" {
        Monday = "mon",
        Tuesday = "tue",
        Wednesday = "wed",
        Thursday = "thu",
        Friday = "fri",
        Saturday = "sat",
        Sunday = "sun",
    }
}

words! {
    /// Whether a window holds on holidays.
    pub enum Holidays: "holidays_unknown" {
        Include = "include",
        Exclude = "exclude",
    }
}

/// The name of a part of a tariff: 1 to 32 letters, digits, `.`, `_`, `:` or `-`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TariffKey(String);

/// The code under which something is taxed: 1 to 32 letters, digits, `.`, `_`, `:` or `-`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TaxCode(String);

/// What is measured: `kWh`, `m3`, `therm`. Units are compared as they are written.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Unit(String);

/// A day of every year, `MM-DD`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct MonthDay(u16);

/// A minute of the day, `HH:MM`; `24:00` is its end.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct MinuteOfDay(u16);

const WORD_LENGTH_MAX: usize = 32;
const UNIT_LENGTH_MAX: usize = 16;
/// Of a leap year: a season that begins on February 29th is one.
const MONTH_DAYS: [u16; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
pub(super) const MINUTES_OF_DAY: u16 = 1_440;
pub(super) const DAYS_OF_YEAR: u16 = 366;

impl MonthDay {
    /// From 0 for January 1st to 365, in a leap year.
    pub(super) fn index(self) -> u16 {
        self.0
    }
}

impl MinuteOfDay {
    /// From 0 to 1440.
    pub(super) fn index(self) -> u16 {
        self.0
    }
}

/// A word of letters, digits and some marks.
fn is_plain(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (1..=WORD_LENGTH_MAX).contains(&text.len()) && text.bytes().all(known)
}

impl Text for TariffKey {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let expected = "1 to 32 letters, digits, `.`, `_`, `:` or `-`";
        is_plain(text)
            .then(|| TariffKey(text.to_owned()))
            .ok_or(Refused::new("key_invalid", expected))
    }
}

impl Text for TaxCode {
    fn example() -> Option<&'static str> {
        Some("std")
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let refused =
            Refused::new("tax_code_invalid", "1 to 32 letters, digits, `.`, `_`, `:` or `-`");
        is_plain(text).then(|| TaxCode(text.to_owned())).ok_or(refused)
    }
}

impl Text for Unit {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let known = |c: char| c.is_alphanumeric() || "._/-".contains(c);
        let fits = (1..=UNIT_LENGTH_MAX).contains(&text.chars().count());
        if fits && text.chars().all(known) {
            return Ok(Unit(text.to_owned()));
        }
        Err(Refused::new("unit_invalid", "1 to 16 letters, digits, `.`, `_`, `/` or `-`"))
    }
}

/// Two numbers of two digits each.
fn pair(text: &str, mark: u8) -> Option<(u16, u16)> {
    let [a, b, between, c, d] = text.as_bytes() else { return None };
    let digits = [a, b, c, d];
    if *between != mark || !digits.iter().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |tens: u8, ones: u8| u16::from(tens - b'0') * 10 + u16::from(ones - b'0');
    Some((number(*a, *b), number(*c, *d)))
}

impl Text for MonthDay {
    fn text(&self) -> Cow<'_, str> {
        let (mut rest, mut month) = (self.0, 0);
        while rest >= MONTH_DAYS[month % 12] {
            rest -= MONTH_DAYS[month % 12];
            month += 1;
        }
        format!("{:02}-{:02}", month + 1, rest + 1).into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let read = || {
            let (month, day) = pair(text, b'-')?;
            let before = usize::from(month.checked_sub(1)?);
            let days = *MONTH_DAYS.get(before)?;
            (1..=days).contains(&day).then(|| MONTH_DAYS[..before].iter().sum::<u16>() + day - 1)
        };
        read().map(MonthDay).ok_or(Refused::new("month_day_invalid", "a day is written like 03-31"))
    }
}

impl Text for MinuteOfDay {
    fn text(&self) -> Cow<'_, str> {
        format!("{:02}:{:02}", self.0 / 60, self.0 % 60).into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let minute = pair(text, b':').filter(|(_, minutes)| *minutes < 60);
        let minute = minute.map(|(hours, minutes)| hours * 60 + minutes);
        let minute = minute.filter(|minute| *minute <= MINUTES_OF_DAY);
        minute.map(MinuteOfDay).ok_or(Refused::new("time_invalid", "a time is written like 06:00"))
    }
}

text_form!(MinuteOfDay, MonthDay, TariffKey, TaxCode, Unit);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn keys_and_tax_codes_are_plain_words() {
        assert!("VAT-20.5:std".parse::<TaxCode>().is_ok());
        assert!("en".parse::<TariffKey>().is_ok());
        for bad in ["", "a b", "é", "a/b", &"x".repeat(33)] {
            assert_eq!(bad.parse::<TaxCode>().unwrap_err().code(), "tax_code_invalid", "{bad}");
            assert_eq!(bad.parse::<TariffKey>().unwrap_err().code(), "key_invalid", "{bad}");
        }
    }

    #[test]
    fn a_unit_is_a_short_word() {
        for good in ["kWh", "m3", "m³", "kWh/a"] {
            assert_eq!(good.parse::<Unit>().unwrap().to_string(), good);
        }
        for bad in ["", "k W", "kWh\n", &"x".repeat(17)] {
            assert_eq!(bad.parse::<Unit>().unwrap_err().code(), "unit_invalid", "{bad}");
        }
    }

    #[test]
    fn days_of_the_year_come_back_as_they_were_written() {
        for text in ["01-01", "02-29", "03-01", "09-30", "12-31"] {
            assert_eq!(text.parse::<MonthDay>().unwrap().to_string(), text);
        }
        assert_eq!("12-31".parse::<MonthDay>().unwrap().index(), DAYS_OF_YEAR - 1);
        for bad in ["", "00-01", "13-01", "02-30", "04-31", "1-1", "01/01", "01-00", "+1-01"] {
            assert_eq!(bad.parse::<MonthDay>().unwrap_err().code(), "month_day_invalid", "{bad}");
        }
    }

    #[test]
    fn minutes_of_the_day_end_with_it() {
        for text in ["00:00", "06:30", "23:59", "24:00"] {
            assert_eq!(text.parse::<MinuteOfDay>().unwrap().to_string(), text);
        }
        for bad in ["", "24:01", "6:00", "06:60", "25:00", "06-00", "06:00Z"] {
            assert_eq!(bad.parse::<MinuteOfDay>().unwrap_err().code(), "time_invalid", "{bad}");
        }
    }
}
