//! Time is passed in: a `Clock` that tests may set, and the `Timestamp` it gives.
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Refused, Text, text_form};

/// An instant: microseconds since 1970, UTC. Shown as RFC 3339 with milliseconds and `Z`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(i64);

/// The first microsecond after the year 9999, and the first of year 0: what RFC 3339 can write.
const MICROS_END: i64 = 253_402_300_800_000_000;
const MICROS_START: i64 = -62_167_219_200_000_000;

impl Timestamp {
    /// From microseconds since 1970; what RFC 3339 cannot write becomes the nearest that it can.
    pub fn from_micros(micros: i64) -> Self {
        Timestamp(micros.clamp(MICROS_START, MICROS_END - 1))
    }

    pub fn from_seconds(seconds: i64) -> Self {
        Timestamp::from_micros(seconds.saturating_mul(1_000_000))
    }

    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as tokens count.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn plus(self, duration: Duration) -> Self {
        Timestamp::from_micros(self.0.saturating_add(as_micros(duration)))
    }

    pub fn minus(self, duration: Duration) -> Self {
        Timestamp::from_micros(self.0.saturating_sub(as_micros(duration)))
    }

    /// The time from `earlier` until this; zero if it lies ahead.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub(super) fn civil(self) -> OffsetDateTime {
        let nanos = i128::from(self.0) * 1_000;
        // In range by construction; the fallback only keeps this free of panics.
        OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl Text for Timestamp {
    const FORMAT: Option<&'static str> = Some("date-time");

    fn text(&self) -> Cow<'_, str> {
        let at = self.civil();
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = at.to_hms();
        let milli = at.millisecond();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
            .into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let instant = OffsetDateTime::parse(text, &Rfc3339).ok();
        let micros = instant.and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1_000).ok());
        let writable = micros.filter(|micros| (MICROS_START..MICROS_END).contains(micros));
        writable.map(Timestamp).ok_or(Refused::new(
            "timestamp_invalid",
            "an instant is written like 2026-11-01T00:00:00.000Z",
        ))
    }
}
text_form!(Timestamp);

impl From<SystemTime> for Timestamp {
    fn from(at: SystemTime) -> Self {
        Timestamp::from_micros(at.duration_since(UNIX_EPOCH).map_or(0, as_micros))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(at: Timestamp) -> Self {
        UNIX_EPOCH + at.since(Timestamp(0))
    }
}

/// Tells the time. Clones of a settable clock share what was set.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Microseconds ahead of the system; written by `set` and `advance` only. `None`: cannot be set.
    ahead: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Clock { ahead: None }
    }

    /// The machine's clock plus what tests ask for.
    pub fn settable() -> Self {
        Clock { ahead: Some(Arc::default()) }
    }

    pub fn now(&self) -> Timestamp {
        let ahead = self.ahead.as_ref().map_or(0, |ahead| ahead.load(Ordering::Relaxed));
        Timestamp::from_micros(system_micros().saturating_add(ahead))
    }

    /// Moves the clock forward. False if this clock cannot be set.
    pub fn advance(&self, by: Duration) -> bool {
        let Some(ahead) = &self.ahead else { return false };
        ahead.fetch_add(as_micros(by), Ordering::Relaxed);
        true
    }

    /// Makes it `now`; the clock goes on from there. False if this clock cannot be set.
    pub fn set(&self, now: Timestamp) -> bool {
        let Some(ahead) = &self.ahead else { return false };
        ahead.store(now.0.saturating_sub(system_micros()), Ordering::Relaxed);
        true
    }
}

/// Microseconds of the machine's clock since 1970.
#[allow(clippy::disallowed_methods, reason = "the one place that asks the machine")]
fn system_micros() -> i64 {
    Timestamp::from(SystemTime::now()).micros()
}

fn as_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        let at: Timestamp = "2026-11-01T12:30:00.1234567+02:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-11-01T10:30:00.123Z");
        assert_eq!(at.micros() % 1_000_000, 123_456);
        assert_eq!(Timestamp::from_micros(-1).to_string(), "1969-12-31T23:59:59.999Z");
        for bad in ["2026-11-01", "2026-11-01T10:30:00", "yesterday", ""] {
            assert_eq!(bad.parse::<Timestamp>().unwrap_err().code(), "timestamp_invalid");
        }
    }

    #[test]
    fn the_ends_of_time_can_be_written_and_read() {
        for micros in [i64::MIN, i64::MAX] {
            let end = Timestamp::from_micros(micros);
            assert_eq!(end.to_string().parse::<Timestamp>().unwrap().to_string(), end.to_string());
        }
    }

    #[test]
    fn clones_of_a_settable_clock_share_what_was_set() {
        let clock = Clock::settable();
        let other = clock.clone();
        let before = other.now();
        assert!(clock.advance(Duration::from_secs(86_400)));
        assert!(other.now().since(before) >= Duration::from_secs(86_400));
        assert!(clock.set(Timestamp::from_seconds(0)));
        assert!(other.now() < Timestamp::from_seconds(60));
    }

    #[test]
    fn the_system_clock_cannot_be_set() {
        let clock = Clock::system();
        assert!(!clock.advance(Duration::from_secs(1)) && !clock.set(Timestamp::from_seconds(0)));
        assert!(clock.now() > "2024-01-01T00:00:00Z".parse().unwrap());
    }
}
