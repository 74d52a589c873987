//! Two counts over the last ten seconds. Pure: the caller brings the time.

use std::time::Instant;

/// What is looked back on, in seconds.
pub(super) const SECONDS: usize = 10;

/// A bucket for each second. Whole seconds are forgotten at once.
pub(super) struct Recent {
    since: Instant,
    /// The second, from `since`, that is being counted.
    second: u64,
    buckets: [Counts; SECONDS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) all: u32,
    /// Those of them that matter.
    pub(super) marked: u32,
}

impl Recent {
    pub(super) fn new(now: Instant) -> Recent {
        Recent { since: now, second: 0, buckets: [Counts::default(); SECONDS] }
    }

    pub(super) fn add(&mut self, now: Instant, all: u32, marked: u32) {
        let bucket = self.bucket(now);
        bucket.all = bucket.all.saturating_add(all);
        bucket.marked = bucket.marked.saturating_add(marked);
    }

    pub(super) fn sums(&mut self, now: Instant) -> Counts {
        self.bucket(now);
        self.buckets.iter().fold(Counts::default(), |sum, bucket| Counts {
            all: sum.all.saturating_add(bucket.all),
            marked: sum.marked.saturating_add(bucket.marked),
        })
    }

    pub(super) fn clear(&mut self) {
        self.buckets = [Counts::default(); SECONDS];
    }

    fn bucket(&mut self, now: Instant) -> &mut Counts {
        // Threads may come with times in the wrong order.
        let second = now.saturating_duration_since(self.since).as_secs().max(self.second);
        if second - self.second >= SECONDS as u64 {
            self.clear();
        } else {
            (self.second + 1..=second)
                .for_each(|passed| self.buckets[place(passed)] = Counts::default());
        }
        self.second = second;
        &mut self.buckets[place(second)]
    }
}

fn place(second: u64) -> usize {
    (second % SECONDS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ten_seconds_are_remembered() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut recent = Recent::new(start);
        recent.add(at(0), 5, 1);
        recent.add(at(3), 2, 0);
        assert_eq!(recent.sums(at(9)), Counts { all: 7, marked: 1 });
        assert_eq!(recent.sums(at(10)), Counts { all: 2, marked: 0 });
        // A late thread counts for now.
        recent.add(at(2), 1, 1);
        assert_eq!(recent.sums(at(12)), Counts { all: 3, marked: 1 });
        assert_eq!(recent.sums(at(13)), Counts { all: 1, marked: 1 });
        assert_eq!(recent.sums(at(100)), Counts::default());
    }
}
