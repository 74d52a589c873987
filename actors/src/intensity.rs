//! How often a service may fail, and how long it waits before it is tried again. Pure.
//!
//! At most `failures_max` in `period`, with growing delays; one more, and it is given up. The delay
//! starts over after a healthy life, but a success in between does not shorten the count: a service
//! that comes up well and dies each time is as broken as one that never comes up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rule a service is judged by.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Failures in `period` that are answered by a restart; the next one is the last.
    pub failures_max: u32,
    pub period: Duration,
    /// Delay after the first failure. It doubles with each further one.
    pub delay_min: Duration,
    pub delay_max: Duration,
    /// Part of the delay that chance adds or takes: 0.2 means 80 % to 120 %.
    pub jitter: f64,
    /// A life of this length makes the delay start over.
    pub healthy_after: Duration,
}

impl Default for Rule {
    fn default() -> Self {
        Rule {
            failures_max: 5,
            period: Duration::from_secs(60),
            delay_min: Duration::from_millis(200),
            delay_max: Duration::from_secs(30),
            jitter: 0.2,
            healthy_after: Duration::from_secs(30),
        }
    }
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Next {
    RestartAfter(Duration),
    GiveUp,
}

/// The failures of one service, held against its rule.
#[derive(Debug)]
pub struct Intensity {
    rule: Rule,
    /// Bounded by `failures_max + 1`: older ones no longer matter.
    failures: VecDeque<Instant>,
    /// Failures since the last healthy life: the exponent of the delay.
    round: u32,
}

impl Intensity {
    pub fn new(rule: Rule) -> Self {
        Intensity { rule, failures: VecDeque::new(), round: 0 }
    }

    /// Counts a failure of something that was up for `lived`; `chance` is even in `0.0..1.0`.
    pub fn failed(&mut self, now: Instant, lived: Duration, chance: f64) -> Next {
        if lived >= self.rule.healthy_after {
            self.round = 0;
        }
        self.round = self.round.saturating_add(1);
        self.failures.push_back(now);
        self.forget_before(now);
        if self.failures.len() > self.rule.failures_max as usize {
            return Next::GiveUp;
        }
        Next::RestartAfter(self.rule.delay(self.round, chance))
    }

    /// Starts over: somebody has looked after it.
    pub fn clear(&mut self) {
        self.failures.clear();
        self.round = 0;
    }

    fn forget_before(&mut self, now: Instant) {
        let period = self.rule.period;
        while self.failures.front().is_some_and(|at| now.saturating_duration_since(*at) > period) {
            self.failures.pop_front();
        }
        while self.failures.len() > self.rule.failures_max as usize + 1 {
            self.failures.pop_front();
        }
    }
}

impl Rule {
    fn delay(&self, round: u32, chance: f64) -> Duration {
        let doublings = round.saturating_sub(1).min(31);
        let even = self.delay_min.saturating_mul(1 << doublings).min(self.delay_max);
        even.mul_f64((1.0 + self.jitter * (2.0 * chance - 1.0)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: f64 = 0.5;
    const AT_ONCE: Duration = Duration::ZERO;

    fn millis(next: Next) -> u128 {
        match next {
            Next::RestartAfter(delay) => delay.as_millis(),
            Next::GiveUp => u128::MAX,
        }
    }

    #[test]
    fn the_delay_doubles_and_the_sixth_failure_in_a_minute_is_the_last() {
        let mut intensity = Intensity::new(Rule::default());
        let mut now = Instant::now();
        for expected in [200, 400, 800, 1_600, 3_200] {
            let next = intensity.failed(now, AT_ONCE, MIDDLE);
            assert_eq!(millis(next), expected);
            now += Duration::from_millis(expected as u64);
        }
        assert_eq!(intensity.failed(now, AT_ONCE, MIDDLE), Next::GiveUp);
    }

    #[test]
    fn failures_that_are_far_apart_never_give_up_but_wait_longer() {
        let mut intensity = Intensity::new(Rule::default());
        let start = Instant::now();
        let delays: Vec<_> = (0..10)
            .map(|i| millis(intensity.failed(start + Duration::from_secs(i * 13), AT_ONCE, MIDDLE)))
            .collect();
        assert_eq!(delays[6..], [12_800, 25_600, 30_000, 30_000]);
    }

    #[test]
    fn a_healthy_life_starts_the_delay_over_but_not_the_count() {
        let rule = Rule { failures_max: 3, ..Rule::default() };
        let mut intensity = Intensity::new(rule.clone());
        let now = Instant::now();
        intensity.failed(now, AT_ONCE, MIDDLE);
        intensity.failed(now, AT_ONCE, MIDDLE);
        assert_eq!(millis(intensity.failed(now, rule.healthy_after, MIDDLE)), 200);
        assert_eq!(intensity.failed(now, rule.healthy_after, MIDDLE), Next::GiveUp);
    }

    #[test]
    fn clearing_forgets_everything() {
        let mut intensity = Intensity::new(Rule { failures_max: 0, ..Rule::default() });
        let now = Instant::now();
        assert_eq!(intensity.failed(now, AT_ONCE, MIDDLE), Next::GiveUp);
        intensity.clear();
        assert_eq!((intensity.failures.len(), intensity.round), (0, 0));
    }

    #[test]
    fn jitter_stays_within_its_part() {
        let rule = Rule::default();
        assert_eq!(rule.delay(1, 0.0).as_millis(), 160);
        assert!(rule.delay(1, 0.999_999) < Duration::from_millis(240));
        assert_eq!(rule.delay(u32::MAX, MIDDLE), rule.delay_max);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut intensity = Intensity::new(Rule::default());
        let now = Instant::now();
        for _ in 0..1_000 {
            intensity.failed(now, AT_ONCE, MIDDLE);
        }
        assert_eq!(intensity.failures.len(), 6);
    }
}
