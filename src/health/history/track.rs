//! What one service has been over the last day. Pure: the caller brings the time.

use std::collections::VecDeque;
use std::time::Duration;

use busbar_http::Status;
use serde::Serialize;

use crate::types::Timestamp;

/// What is remembered.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Pieces that the day is drawn in: a quarter of an hour each.
const PIECES: u32 = 96;
/// Of a service that never rests the oldest is forgotten first.
const SPANS_MAX: usize = 500;
/// So many changes within so long are flapping.
const FLAPPING_CHANGES: usize = 4;
const FLAPPING_WITHIN: Duration = Duration::from_secs(5 * 60);

/// From when a service was what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    /// Unknown: nobody looked, or nobody could tell.
    pub(super) status: Status,
}

/// The spans of one service without gaps, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Track(VecDeque<Span>);

/// The last day of a service, in figures. What was unknown is neither up nor down.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::health) struct Past {
    /// When the status began.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// Of the time in which it was watched, the part in which it answered; percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime24h: Option<f64>,
    /// The part of the day in which it was watched; percent.
    watched24h: f64,
    /// From one known status to another.
    changes24h: usize,
    flapping: bool,
}

impl Track {
    /// Whether that is news. Time does not run backwards here.
    pub(super) fn enter(&mut self, status: Status, at: Timestamp) -> bool {
        let last = self.0.back().copied();
        if last.is_some_and(|last| last.status == status) {
            return false;
        }
        let from = last.map_or(at, |last| last.from.max(at));
        self.0.push_back(Span { from, status });
        self.forget(at);
        true
    }

    /// What ended more than a day before `now`, and what is too much.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let start = now.minus(DAY);
        while self.0.get(1).is_some_and(|next| next.from <= start) || self.0.len() > SPANS_MAX {
            self.0.pop_front();
        }
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        self.0.iter().copied()
    }

    pub(super) fn past(&self, now: Timestamp) -> Past {
        let (mut up, mut watched) = (Duration::ZERO, Duration::ZERO);
        for (status, from, to) in self.pieces(now) {
            let took = to.since(from);
            watched += if status == Status::Unknown { Duration::ZERO } else { took };
            up += if answers(status) { took } else { Duration::ZERO };
        }
        let percent = |part: Duration, of: Duration| {
            (part.as_secs_f64() / of.as_secs_f64() * 100_000.0).round() / 1_000.0
        };
        Past {
            since: self.0.back().map(|last| last.from),
            uptime24h: (!watched.is_zero()).then(|| percent(up, watched)),
            watched24h: percent(watched, DAY),
            changes24h: self.changes_since(now.minus(DAY)),
            flapping: self.changes_since(now.minus(FLAPPING_WITHIN)) >= FLAPPING_CHANGES,
        }
    }

    /// A letter for each piece of the day, oldest first: its worst status. `-`: nobody looked.
    pub(super) fn strip(&self, now: Timestamp) -> String {
        let (start, width) = (now.minus(DAY), DAY / PIECES);
        let worst = |piece: u32| {
            let (from, to) = (start.plus(width * piece), start.plus(width * (piece + 1)));
            let spans = self.pieces(now).filter(|(_, begin, end)| *begin < to && *end > from);
            spans.map(|(status, ..)| letter(status)).max_by_key(|(rank, _)| *rank)
        };
        (0..PIECES).map(|piece| worst(piece).map_or('-', |(_, letter)| letter)).collect()
    }

    /// Each span of the last day, from when to when.
    fn pieces(&self, now: Timestamp) -> impl Iterator<Item = (Status, Timestamp, Timestamp)> {
        let start = now.minus(DAY);
        let ends = self.0.iter().skip(1).map(|next| next.from).chain([now]);
        let cut = self.0.iter().zip(ends);
        cut.map(move |(span, end)| (span.status, span.from.max(start), end.min(now)))
            .filter(|(_, from, to)| from < to)
    }

    fn changes_since(&self, start: Timestamp) -> usize {
        let mut known = self.0.iter().filter(|span| span.status != Status::Unknown);
        let Some(mut before) = known.next() else { return 0 };
        let mut changes = 0;
        for span in known {
            changes += usize::from(span.status != before.status && span.from > start);
            before = span;
        }
        changes
    }
}

fn answers(status: Status) -> bool {
    matches!(status, Status::Up | Status::Degraded)
}

/// The worse, the higher.
fn letter(status: Status) -> (u8, char) {
    match status {
        Status::Unknown => (0, '-'),
        Status::Up => (1, 'u'),
        Status::Degraded => (2, 'g'),
        Status::Down => (3, 'd'),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use Status::{Degraded, Down, Unknown, Up};

    const T0: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(T0 + seconds)
    }

    fn track(spans: &[(i64, Status)]) -> Track {
        let mut track = Track::default();
        for (seconds, status) in spans {
            track.enter(*status, at(*seconds));
        }
        track
    }

    /// Half a minute of a day that was watched whole.
    #[test]
    fn thirty_seconds_are_a_third_of_a_thousandth_of_a_day() {
        let day = track(&[(-90_000, Up), (-600, Down), (-570, Up)]);
        let past = day.past(at(0));
        assert_eq!(past.uptime24h, Some(99.965));
        assert_eq!((past.watched24h, past.changes24h, past.flapping), (100.0, 2, false));
        assert_eq!(past.since, Some(at(-570)));
    }

    #[test]
    fn what_nobody_watched_is_neither_up_nor_down() {
        // An hour up, an hour unwatched, an hour of which a quarter was an outage.
        let past = track(&[(-10_800, Up), (-7_200, Unknown), (-3_600, Down), (-2_700, Degraded)])
            .past(at(0));
        assert_eq!((past.uptime24h, past.watched24h), (Some(87.5), 8.333));
        assert_eq!(past.changes24h, 2, "up to down is one, whatever lies between");
        assert_eq!(track(&[(-60, Unknown)]).past(at(0)).uptime24h, None);
        assert_eq!(Track::default().past(at(0)), Past::default());
    }

    #[test]
    fn the_same_again_is_no_news_and_time_does_not_run_backwards() {
        let mut up = track(&[(0, Up)]);
        assert!(!up.enter(Up, at(5)) && up.enter(Down, at(-5)));
        assert_eq!(up.past(at(10)).since, Some(at(0)));
    }

    #[test]
    fn a_day_is_remembered_and_no_more_than_there_is_room_for() {
        let mut old = track(&[(-200_000, Up), (-100_000, Down), (-90_000, Up), (-80_000, Down)]);
        assert_eq!(old.spans().map(|span| span.from).next(), Some(at(-200_000)));
        old.forget(at(0));
        assert_eq!(old.spans().map(|span| span.from).next(), Some(at(-90_000)));
        let restless = |n: i64| (n, if n % 2 == 0 { Up } else { Down });
        let restless = track(&(0..2_000).map(restless).collect::<Vec<_>>());
        assert_eq!(restless.spans().count(), SPANS_MAX);
        assert!(restless.past(at(2_000)).flapping);
    }

    #[test]
    fn the_strip_shows_the_worst_of_each_quarter_of_an_hour() {
        let strip =
            track(&[(-5_400, Up), (-1_000, Down), (-999, Up), (-450, Degraded)]).strip(at(0));
        assert_eq!(strip.len(), 96);
        assert!(strip.ends_with("--uuuudg") && strip.starts_with("-----"), "{strip}");
    }
}
