//! How long the threads of a server have stood still. Pure.

use std::collections::BTreeMap;

use super::Reading;

/// How often in a row each thread was found where it was.
///
/// It goes by looks, not by time: who looks from a machine that is too busy looks less often, too.
#[derive(Debug, Default)]
pub struct Stillness {
    found: BTreeMap<u64, Found>,
}

#[derive(Clone, Copy, Debug)]
struct Found {
    counts: (u64, u64),
    times: u32,
}

impl Stillness {
    /// Looks once more: the thread that was found where it was most often, and how often in a row.
    pub fn look(&mut self, reading: &Reading) -> Option<(u64, u32)> {
        let found = std::mem::take(&mut self.found);
        for (thread, counts) in &reading.0 {
            let before = found.get(thread).filter(|found| found.counts == *counts);
            let times = before.map_or(0, |found| found.times + 1);
            self.found.insert(*thread, Found { counts: *counts, times });
        }
        let worst = self.found.iter().max_by_key(|(_, found)| found.times);
        worst.map(|(thread, found)| (*thread, found.times))
    }
}

#[cfg(test)]
mod tests {
    use super::super::GONE;
    use super::*;

    fn reading<const N: usize>(counts: [(u64, u64); N]) -> Reading {
        Reading(counts.map(|(thread, count)| (thread, (count, 0))).into())
    }

    #[test]
    fn one_thread_that_stands_still_is_enough() {
        let mut stillness = Stillness::default();
        assert_eq!(stillness.look(&reading([])), None);
        let mut times = |counts| stillness.look(&reading(counts)).map(|(_, times)| times);
        assert_eq!(times([(1, 5), (2, 7)]), Some(0));
        assert_eq!(times([(1, 6), (2, 7)]), Some(1));
        assert_eq!(times([(1, 7), (2, 7)]), Some(2));
        assert_eq!(times([(1, 8), (2, 8)]), Some(0), "it turns again");
        assert_eq!(times([(1, GONE.0), (2, 9)]), Some(0));
        assert_eq!(times([(1, GONE.0), (2, 10)]), Some(1), "one that has ended does not count");
        assert_eq!(times([(3, 10), (4, 10)]), Some(0), "another incarnation");
    }

    #[test]
    fn a_loop_that_takes_up_requests_does_not_stand_still() {
        let mut stillness = Stillness::default();
        let mut times = |counts| stillness.look(&Reading([(1, counts)].into())).map(|it| it.1);
        assert_eq!([(5, 1), (5, 2), (5, 3)].map(&mut times), [Some(0); 3]);
        assert_eq!([(5, 3), (5, 3)].map(&mut times), [Some(1), Some(2)]);
    }

    #[test]
    fn a_thread_that_has_ended_is_missed_unless_only_the_living_are_asked_for() {
        let all = reading([(1, 5), (2, GONE.0)]);
        assert_eq!(all.clone().of_the_living(), reading([(1, 5)]));
        let mut stillness = Stillness::default();
        let look = |stillness: &mut Stillness| stillness.look(&all.clone().of_the_living());
        assert_eq!([(); 2].map(|()| look(&mut stillness)), [Some((1, 0)), Some((1, 1))]);
    }
}
