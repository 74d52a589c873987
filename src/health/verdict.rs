//! From answers to a status, without flapping. Pure: the caller brings the time.

use std::time::{Duration, Instant};

use busbar_http::Status;

/// When a status changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// Misses in a row until an instance is down.
    pub(super) down_after: u32,
    /// Answers in a row until it is up again.
    pub(super) up_after: u32,
    /// How long a status lasts at least.
    pub(super) hold_down: Duration,
}

/// What one look at an instance showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Up,
    /// It answers, but lacks something.
    Degraded,
    Missed,
}

/// What is held of an instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) status: Status,
    pub(super) since: Instant,
    /// Looks in a row that say otherwise.
    doubts: u32,
}

impl Verdict {
    pub(super) fn unknown(now: Instant) -> Verdict {
        Verdict { status: Status::Unknown, since: now, doubts: 0 }
    }

    pub(super) fn after(self, seen: Seen, now: Instant, rule: &Rule) -> Verdict {
        let shown = match seen {
            Seen::Up => Status::Up,
            Seen::Degraded => Status::Degraded,
            Seen::Missed => Status::Down,
        };
        if shown == self.status {
            return Verdict { doubts: 0, ..self };
        }
        let doubts = self.doubts + 1;
        let needed = match (self.status, shown) {
            // The first news counts; and whether it lacks something, it must know itself.
            (Status::Unknown, _)
            | (Status::Up, Status::Degraded)
            | (Status::Degraded, Status::Up) => 0,
            (_, Status::Down) => rule.down_after,
            _ => rule.up_after,
        };
        let is_held = needed > 0 && now.saturating_duration_since(self.since) < rule.hold_down;
        if doubts < needed || is_held {
            return Verdict { doubts, ..self };
        }
        Verdict { status: shown, since: now, doubts: 0 }
    }

    /// Looks in a row that missed it, while it does not count as down yet.
    pub(super) fn missed(self) -> u32 {
        if self.status == Status::Down { 0 } else { self.doubts }
    }

    /// Somebody knows better than any answer could.
    pub(super) fn down(self, now: Instant) -> Verdict {
        match self.status {
            Status::Down => self,
            _ => Verdict { status: Status::Down, since: now, doubts: 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { down_after: 3, up_after: 2, hold_down: Duration::from_secs(5) };

    /// The status after each look; looks are two seconds apart.
    fn statuses(seen: &[Seen]) -> Vec<Status> {
        let start = Instant::now();
        let mut verdict = Verdict::unknown(start);
        let mut statuses = Vec::new();
        for (index, seen) in (1_u32..).zip(seen) {
            verdict = verdict.after(*seen, start + Duration::from_secs(2) * index, &RULE);
            statuses.push(verdict.status);
        }
        statuses
    }

    use Seen::{Degraded, Missed, Up};

    #[test]
    fn three_misses_make_it_down_and_two_answers_up_again() {
        let seen = statuses(&[Up, Up, Missed, Missed, Missed, Up, Up, Up]);
        let expected = ["UP", "UP", "UP", "UP", "DOWN", "DOWN", "DOWN", "UP"];
        assert_eq!(seen.iter().map(|status| status.as_str()).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn one_lost_answer_changes_nothing() {
        assert!(statuses(&[Up, Missed, Up, Missed, Missed, Up]).iter().all(|s| *s == Status::Up));
    }

    #[test]
    fn the_first_news_counts_at_once_and_so_does_what_it_says_of_itself() {
        assert_eq!(statuses(&[Missed]), [Status::Down]);
        let seen = statuses(&[Up, Degraded, Up]);
        assert_eq!(seen, [Status::Up, Status::Degraded, Status::Up]);
    }

    #[test]
    fn a_status_lasts_for_a_while() {
        let start = Instant::now();
        let rule = Rule { down_after: 1, up_after: 1, ..RULE };
        let up = Verdict::unknown(start).after(Up, start, &rule);
        let early = up.after(Missed, start + Duration::from_secs(4), &rule);
        let late = early.after(Missed, start + Duration::from_secs(5), &rule);
        assert_eq!((early.status, late.status), (Status::Up, Status::Down));
    }

    #[test]
    fn who_knows_better_is_believed_at_once() {
        let start = Instant::now();
        let up = Verdict::unknown(start).after(Up, start, &RULE);
        let down = up.down(start + Duration::from_millis(1));
        assert_eq!(down.status, Status::Down);
        assert_eq!(down.down(start + Duration::from_secs(9)), down);
    }
}
