//! The tracks of all services, and the lines that they are written down in. Pure.
//!
//! A line is a change of one service, or just the time: then nothing has changed, and somebody was
//! there to see it. Time that no line vouches for is unknown, whatever it was before and after.

use std::collections::BTreeMap;
use std::time::Duration;

use busbar_http::Status;
use serde::{Deserialize, Serialize};

use crate::types::{ServiceName, Timestamp};

use super::track::{Past, Track};

/// How often the time is written down when nothing changes.
const BEAT: Duration = Duration::from_secs(10);
/// After a silence of this length nobody was there to look.
const GAP_MAX: Duration = Duration::from_secs(30);

/// A line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    at: Timestamp,
    /// Both or none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    service: Option<ServiceName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    status: Option<Status>,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    tracks: BTreeMap<ServiceName, Track>,
    /// When somebody looked last, and when that was written down.
    seen: Option<Timestamp>,
    written: Option<Timestamp>,
}

/// What is to be written down after a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    Lines(Vec<Line>),
    /// What is written holds no more: the clock was set back.
    Anew,
}

impl Line {
    fn time(at: Timestamp) -> Line {
        Line { at, service: None, status: None }
    }

    fn of(service: ServiceName, status: Status, at: Timestamp) -> Line {
        Line { at, service: Some(service), status: Some(status) }
    }

    /// Worth waiting for until it is on the disk.
    pub(super) fn is_change(&self) -> bool {
        self.service.is_some()
    }
}

impl Book {
    /// From lines, oldest first. Whoever wrote them has gone since the last one.
    pub(super) fn read(lines: impl Iterator<Item = Line>, now: Timestamp) -> Book {
        let mut book = Book::default();
        // What lies ahead was written under a clock that was wrong.
        for line in lines.filter(|line| line.at <= now) {
            if let (Some(service), Some(status)) = (line.service, line.status) {
                book.tracks.entry(service).or_default().enter(status, line.at);
            }
            book.seen = book.seen.max(Some(line.at));
        }
        book.unwatched_since_seen();
        book
    }

    /// The whole as lines. The spans of a service begin before those of another one end: so what
    /// is read is what was written, but not the order of lines of different services.
    pub(super) fn lines(&self) -> Vec<Line> {
        let spans = self.tracks.iter().flat_map(|(service, track)| {
            track.spans().map(move |span| Line::of(*service, span.status, span.from))
        });
        spans.chain(self.seen.map(Line::time)).collect()
    }

    /// What everybody is now.
    pub(super) fn observe(&mut self, statuses: &[(ServiceName, Status)], now: Timestamp) -> News {
        if self.seen.is_some_and(|seen| now.plus(GAP_MAX) < seen) {
            *self = Book::default();
            self.look(statuses, now);
            return News::Anew;
        }
        let mut lines = Vec::new();
        if let Some(seen) = self.seen.filter(|seen| now.since(*seen) > GAP_MAX) {
            let unwatched = self.unwatched_since_seen().into_iter();
            lines.extend(unwatched.map(|service| Line::of(service, Status::Unknown, seen)));
        }
        lines.extend(self.look(statuses, now));
        if lines.is_empty() && self.written.is_none_or(|at| now.since(at) >= BEAT) {
            lines.push(Line::time(now));
        }
        if !lines.is_empty() {
            self.written = Some(now);
        }
        News::Lines(lines)
    }

    pub(super) fn past(&self, service: ServiceName, now: Timestamp) -> Past {
        self.tracks.get(&service).map(|track| track.past(now)).unwrap_or_default()
    }

    pub(super) fn strip(&self, service: ServiceName, now: Timestamp) -> String {
        self.tracks.get(&service).map(|track| track.strip(now)).unwrap_or_default()
    }

    fn look(&mut self, statuses: &[(ServiceName, Status)], now: Timestamp) -> Vec<Line> {
        let now = self.seen.map_or(now, |seen| seen.max(now));
        self.seen = Some(now);
        let mut lines = Vec::new();
        for (service, status) in statuses.iter().copied() {
            let track = self.tracks.entry(service).or_default();
            track.forget(now);
            if track.enter(status, now) {
                lines.push(Line::of(service, status, now));
            }
        }
        lines
    }

    /// The services of which something else was held.
    fn unwatched_since_seen(&mut self) -> Vec<ServiceName> {
        let Some(seen) = self.seen else { return Vec::new() };
        let enter = |(service, track): (&ServiceName, &mut Track)| {
            track.enter(Status::Unknown, seen).then_some(*service)
        };
        self.tracks.iter_mut().filter_map(enter).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ServiceName::{Billing, Users};
    use Status::{Down, Up};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + seconds)
    }

    /// Looks every two seconds, as the collector does.
    fn watch(book: &mut Book, seconds: std::ops::Range<i64>, billing: Status) -> Vec<Line> {
        let look = |second| match book.observe(&[(Users, Up), (Billing, billing)], at(second)) {
            News::Lines(lines) => lines,
            News::Anew => unreachable!("the clock has not moved"),
        };
        seconds.step_by(2).flat_map(look).collect()
    }

    #[test]
    fn thirty_seconds_without_billing_are_one_change_each_way() {
        let mut book = Book::default();
        watch(&mut book, -86_400..0, Up);
        let down = watch(&mut book, 0..30, Down);
        let up = watch(&mut book, 30..60, Up);
        let changes = |lines: &[Line]| lines.iter().filter(|line| line.is_change()).count();
        assert_eq!((changes(&down), changes(&up)), (1, 1));
        let past = serde_json::to_value(book.past(Billing, at(60))).unwrap();
        assert_eq!((&past["uptime24h"], &past["changes24h"]), (&99.965.into(), &2.into()));
        let others = serde_json::to_value(book.past(Users, at(60))).unwrap();
        assert_eq!((&others["uptime24h"], &others["changes24h"]), (&100.0.into(), &0.into()));
    }

    #[test]
    fn the_time_is_written_down_when_nothing_else_is() {
        let mut book = Book::default();
        let lines = watch(&mut book, 0..60, Up);
        let times = lines.iter().filter(|line| !line.is_change()).count();
        assert_eq!((lines.len(), times), (7, 5));
    }

    #[test]
    fn what_is_read_is_what_was_written_and_the_time_since_is_unknown() {
        let mut book = Book::default();
        let mut lines = watch(&mut book, 0..3_600, Up);
        lines.extend(watch(&mut book, 3_600..3_700, Down));
        let read = Book::read(lines.into_iter(), at(7_300));
        // The last beat was at 3_690; an hour later somebody looks again.
        let whole = Book::read(book.lines().into_iter(), at(7_300));
        for (mut book, last) in [(read, 3_690), (whole, 3_698)] {
            assert_eq!(book.seen, Some(at(last)));
            watch(&mut book, 7_300..7_400, Up);
            let past = serde_json::to_value(book.past(Billing, at(7_400))).unwrap();
            assert_eq!(past["changes24h"], 2, "{past}");
            let up = 3_700.0 / (3_700.0 + (last - 3_600) as f64);
            assert_eq!(past["uptime24h"], (up * 100_000.0).round() / 1_000.0, "{past}");
        }
    }

    #[test]
    fn a_process_that_slept_saw_nothing() {
        let mut book = Book::default();
        watch(&mut book, 0..100, Up);
        let lines = watch(&mut book, 400..402, Up);
        assert_eq!(lines.len(), 4, "both services, unknown and up again");
        let past = serde_json::to_value(book.past(Users, at(402))).unwrap();
        assert_eq!((&past["uptime24h"], &past["watched24h"]), (&100.0.into(), &0.116.into()));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_a_new_start() {
        let mut book = Book::default();
        watch(&mut book, 0..100, Up);
        assert_eq!(book.observe(&[(Users, Down)], at(-3_600)), News::Anew);
        assert_eq!(book.lines().len(), 2);
        let ahead = Line::time(at(50));
        assert_eq!(Book::read([ahead].into_iter(), at(0)), Book::default());
    }

    #[test]
    fn a_line_is_short_and_says_what_it_means() {
        let change = r#"{"at":"2027-01-15T08:00:00.000Z","service":"billing","status":"DOWN"}"#;
        let time = r#"{"at":"2027-01-15T08:00:00.000Z"}"#;
        for (line, text) in [(Line::of(Billing, Down, at(0)), change), (Line::time(at(0)), time)] {
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            assert_eq!(serde_json::from_str::<Line>(text).unwrap(), line);
        }
    }
}
