//! Civil dates and half-open periods.
use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Refused, Text, Timestamp, text_form};

/// A day of the calendar, `YYYY-MM-DD`, in no particular zone.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date(time::Date);

impl Date {
    pub fn new(year: i32, month: u8, day: u8) -> Result<Self, Refused> {
        let month = time::Month::try_from(month).map_err(|_| not_a_date())?;
        let date = time::Date::from_calendar_date(year, month, day).map_err(|_| not_a_date())?;
        if (1..=9_999).contains(&year) { Ok(Date(date)) } else { Err(not_a_date()) }
    }

    /// The day on which an instant falls in UTC.
    pub fn of(at: Timestamp) -> Self {
        Date(at.civil().date())
    }

    pub fn year(self) -> i32 {
        self.0.year()
    }

    pub fn month(self) -> u8 {
        self.0.month().into()
    }

    pub fn day(self) -> u8 {
        self.0.day()
    }

    /// The date so many days later (earlier, if negative). `None` outside the years 1 to 9999.
    pub fn plus_days(self, days: i64) -> Option<Self> {
        let date = self.0.checked_add(time::Duration::days(days))?;
        (1..=9_999).contains(&date.year()).then_some(Date(date))
    }

    /// Days from this date to `later`; negative if that lies before.
    pub fn days_until(self, later: Date) -> i64 {
        i64::from(later.0.to_julian_day()) - i64::from(self.0.to_julian_day())
    }

    /// Midnight in UTC at the start of the day.
    pub fn start(self) -> Timestamp {
        Timestamp::from_seconds(self.0.midnight().assume_utc().unix_timestamp())
    }
}

impl Text for Date {
    const FORMAT: Option<&'static str> = Some("date");

    fn text(&self) -> Cow<'_, str> {
        format!("{:04}-{:02}-{:02}", self.year(), self.month(), self.day()).into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let bytes = text.as_bytes();
        let hyphens = |i: usize| i == 4 || i == 7;
        let shaped = |(i, byte): (usize, &u8)| {
            if hyphens(i) { *byte == b'-' } else { byte.is_ascii_digit() }
        };
        if bytes.len() != 10 || !bytes.iter().enumerate().all(shaped) {
            return Err(not_a_date());
        }
        let part = |from: usize, to: usize| text[from..to].parse().map_err(|_| not_a_date());
        let year = text[..4].parse().map_err(|_| not_a_date())?;
        Date::new(year, part(5, 7)?, part(8, 10)?)
    }
}
text_form!(Date);

/// From `start` up to, but not including, `end`; never empty.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
#[serde(try_from = "Bounds")]
#[schema(example = json!({"start": "2026-11-01", "end": "2026-12-01"}))]
pub struct Period {
    start: Date,
    end: Date,
}

/// A period as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    start: Date,
    end: Date,
}

impl Period {
    pub fn new(start: Date, end: Date) -> Result<Self, Refused> {
        if start < end {
            return Ok(Period { start, end });
        }
        Err(Refused::new("period_invalid", "a period ends after its start, on an excluded day"))
    }

    pub fn start(self) -> Date {
        self.start
    }

    pub fn end(self) -> Date {
        self.end
    }

    pub fn days(self) -> i64 {
        self.start.days_until(self.end)
    }

    pub fn contains(self, date: Date) -> bool {
        self.start <= date && date < self.end
    }
}

impl TryFrom<Bounds> for Period {
    type Error = Refused;

    fn try_from(bounds: Bounds) -> Result<Self, Refused> {
        Period::new(bounds.start, bounds.end)
    }
}

fn not_a_date() -> Refused {
    Refused::new("date_invalid", "a date is written like 2026-11-01")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn dates_have_one_form() {
        assert_eq!(date("2024-02-29").to_string(), "2024-02-29");
        for bad in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "20260101",
            "0000-01-01",
            "2026-01-01T",
            "٢٠٢٦-٠١",
        ] {
            assert_eq!(bad.parse::<Date>().unwrap_err().code(), "date_invalid", "{bad}");
        }
    }

    #[test]
    fn days_are_counted_over_leap_days() {
        assert_eq!(date("2024-02-28").plus_days(2).unwrap(), date("2024-03-01"));
        assert_eq!(date("2024-01-01").days_until(date("2025-01-01")), 366);
        assert_eq!(date("9999-12-31").plus_days(1), None);
    }

    #[test]
    fn a_day_starts_at_midnight_in_utc() {
        let start = date("2026-11-01").start();
        assert_eq!(start.to_string(), "2026-11-01T00:00:00.000Z");
        assert_eq!(Date::of(start), date("2026-11-01"));
        assert_eq!(Date::of(Timestamp::from_micros(start.micros() - 1)), date("2026-10-31"));
    }

    #[test]
    fn a_period_is_half_open_and_never_empty() {
        let november: Period =
            serde_json::from_str(r#"{"start":"2026-11-01","end":"2026-12-01"}"#).unwrap();
        assert_eq!(november.days(), 30);
        assert!(november.contains(date("2026-11-30")) && !november.contains(date("2026-12-01")));
        let fault = serde_json::from_str::<Period>(r#"{"start":"2026-11-01","end":"2026-11-01"}"#);
        assert!(fault.unwrap_err().to_string().starts_with("period_invalid: "));
    }
}
