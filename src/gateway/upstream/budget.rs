//! How much of what a destination is asked may be asked again. Pure: the caller brings the time.
//!
//! A part of the last ten seconds' requests; and a few each second in any case, so that a quiet
//! service has its second chances too. The few end when they do not help: a service that never
//! answers well gets no more than its part, however slowly requests come.

use std::time::Instant;

use super::recent::{Recent, SECONDS};

/// See the module.
pub(in crate::gateway) struct Budget {
    ratio: f64,
    per_second_min: u32,
    /// Requests; marked: those sent again.
    recent: Recent,
    /// Sent again since an answer was good.
    in_vain: u32,
}

impl Budget {
    pub(in crate::gateway) fn new(ratio: f64, per_second_min: u32, now: Instant) -> Budget {
        Budget { ratio, per_second_min, recent: Recent::new(now), in_vain: 0 }
    }

    /// Other figures hold from now on, for what was seen before, too.
    pub(in crate::gateway) fn set(&mut self, ratio: f64, per_second_min: u32) {
        (self.ratio, self.per_second_min) = (ratio, per_second_min);
    }

    /// A client has asked.
    pub(in crate::gateway) fn asked(&mut self, now: Instant) {
        self.recent.add(now, 1, 0);
    }

    pub(in crate::gateway) fn answered_well(&mut self) {
        self.in_vain = 0;
    }

    /// Whether one more may be sent again; then it counts.
    pub(in crate::gateway) fn take(&mut self, now: Instant) -> bool {
        let seen = self.recent.sums(now);
        let part = (f64::from(seen.all) * self.ratio).floor();
        let helps = self.in_vain < self.per_second_min;
        let few = if helps { f64::from(self.per_second_min) * SECONDS as f64 } else { 0.0 };
        let may = f64::from(seen.marked) < part + few;
        if may {
            self.recent.add(now, 0, 1);
            self.in_vain = self.in_vain.saturating_add(1);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What a service that fails always is sent, when each request may be sent again twice.
    fn sent(requests: u32, each_second: u32) -> u32 {
        let start = Instant::now();
        let mut budget = Budget::new(0.2, 10, start);
        let mut sent = 0;
        for request in 0..requests {
            let now = start + Duration::from_secs(1) / each_second * request;
            budget.asked(now);
            sent += 1 + (0..2).take_while(|_| budget.take(now)).count() as u32;
        }
        sent
    }

    #[test]
    fn a_service_that_always_fails_is_not_sent_much_more_than_it_was_asked() {
        for (requests, each_second) in [(10_000, 5_000), (5_000, 500), (1_000, 50), (400, 1)] {
            let sent = f64::from(sent(requests, each_second));
            assert!(sent <= f64::from(requests) * 1.25, "{each_second}/s: {sent} of {requests}");
        }
    }

    #[test]
    fn a_few_each_second_are_free_as_long_as_that_helps() {
        let start = Instant::now();
        let mut budget = Budget::new(0.2, 10, start);
        let again = |budget: &mut Budget, second| {
            let now = start + Duration::from_secs(second);
            budget.asked(now);
            (0..1000).filter(|_| budget.take(now)).count()
        };
        assert_eq!(again(&mut budget, 0), 10);
        assert_eq!(again(&mut budget, 1), 0, "none of them has helped");
        budget.answered_well();
        assert_eq!(again(&mut budget, 2), 10);
        let helped = |budget: &mut Budget| {
            let may = budget.take(start + Duration::from_secs(3));
            budget.answered_well();
            may
        };
        budget.answered_well();
        assert_eq!((0..1000).filter(|_| helped(&mut budget)).count(), 80, "ten a second");
    }

    #[test]
    fn both_parts_can_be_off() {
        let now = Instant::now();
        let mut none = Budget::new(0.0, 0, now);
        (0..100).for_each(|_| none.asked(now));
        assert!(!none.take(now));
        let mut part = Budget::new(0.5, 0, now);
        (0..10).for_each(|_| part.asked(now));
        assert_eq!((0..10).filter(|_| part.take(now)).count(), 5);
    }
}
