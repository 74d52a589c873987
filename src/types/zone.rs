//! Time zones by their IANA names: which civil day an instant falls on, and when a day begins.
use std::borrow::Cow;
use std::fmt;

use jiff::civil;
use jiff::tz::TimeZone;

use super::{Date, Refused, Text, Timestamp, text_form};

/// A place of the IANA time zone database, which is compiled in: `America/Chicago`, `UTC`.
#[derive(Clone, Eq, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The civil day on which an instant falls here.
    pub fn date_of(&self, at: Timestamp) -> Date {
        let civil = self.local(at).date();
        let (month, day) = (civil.month().unsigned_abs(), civil.day().unsigned_abs());
        // Instants are kept within the years that dates are; the fallback only avoids a panic.
        Date::new(i32::from(civil.year()), month, day).unwrap_or_else(|_| Date::of(at))
    }

    /// The hour of the day, 0 to 23, that the clocks show here.
    pub fn hour_of(&self, at: Timestamp) -> u8 {
        self.local(at).time().hour().unsigned_abs()
    }

    /// The first instant of a civil day here: usually midnight, later where a clock change skips it.
    pub fn start_of(&self, date: Date) -> Timestamp {
        let parts = i16::try_from(date.year()).ok().zip(i8::try_from(date.month()).ok());
        let midnight = parts.zip(i8::try_from(date.day()).ok()).and_then(|((year, month), day)| {
            civil::Date::new(year, month, day).ok()?.to_zoned(self.0.clone()).ok()
        });
        midnight.map_or_else(
            || date.start(),
            |midnight| Timestamp::from_micros(midnight.timestamp().as_microsecond()),
        )
    }

    fn local(&self, at: Timestamp) -> civil::DateTime {
        let instant = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or_default();
        self.0.to_datetime(instant)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Zone(TimeZone::UTC)
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.text())
    }
}

impl Text for Zone {
    fn example() -> Option<&'static str> {
        Some("America/Chicago")
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.iana_name().unwrap_or("UTC").into()
    }

    /// Letters are taken in either case, as the database has it; the name is kept as it is there.
    fn parse(text: &str) -> Result<Self, Refused> {
        let refused = || Refused::new("timezone_invalid", "an IANA name like America/Chicago");
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins {
            return Err(refused());
        }
        let found = jiff::tz::db().get(text).map_err(|_| refused())?;
        found.iana_name().is_some().then_some(Zone(found)).ok_or_else(refused)
    }
}
text_form!(Zone);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_zone_is_a_place_that_exists() {
        for good in ["UTC", "America/Chicago", "America/Argentina/Ushuaia", "Etc/GMT+5"] {
            assert_eq!(zone(good).to_string(), good);
        }
        for bad in ["", "/", "America/", "Mars/Olympus", "+02:00", "UTC\n", "../etc/passwd"] {
            let refused = bad.parse::<Zone>().unwrap_err();
            assert_eq!(refused.code(), "timezone_invalid", "{bad}");
        }
    }

    #[test]
    fn a_day_begins_at_local_midnight() {
        let chicago = zone("America/Chicago");
        let day = |text: &str| text.parse::<Date>().unwrap();
        // Winter time, and summer time after the change of 2026-03-08.
        assert_eq!(chicago.start_of(day("2026-03-01")), at("2026-03-01T06:00:00Z"));
        assert_eq!(chicago.start_of(day("2026-03-31")), at("2026-03-31T05:00:00Z"));
        assert_eq!(chicago.date_of(at("2026-03-31T04:59:59Z")), day("2026-03-30"));
        assert_eq!(chicago.date_of(at("2026-03-31T05:00:00Z")), day("2026-03-31"));
    }

    #[test]
    fn a_day_without_midnight_begins_when_the_clocks_go_on() {
        // In Santiago the clocks went from 24:00 to 1:00 on 2026-09-06.
        let santiago = zone("America/Santiago");
        let begin = santiago.start_of("2026-09-06".parse().unwrap());
        assert_eq!((begin, santiago.hour_of(begin)), (at("2026-09-06T04:00:00Z"), 1));
    }
}
