//! Whether the worker threads of a server still turn.
//!
//! Each thread counts a few times a second. On a busy machine a count goes slowly; one that stands
//! still belongs to a thread that something blocks. No question from outside can tell these apart.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

const BEAT: Duration = Duration::from_millis(250);

/// The counts of one service's threads, over all its incarnations. Clones share them.
#[derive(Clone, Default)]
pub struct Pulse(Arc<Mutex<Vec<Thread>>>);

struct Thread {
    generation: u64,
    number: u64,
    /// Gone with the thread.
    count: Weak<AtomicU64>,
}

/// The counts at one moment, by thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading(BTreeMap<u64, u64>);

impl Pulse {
    /// Counts on this thread for as long as its system lives.
    pub(crate) fn start(&self, generation: u64) {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let count = Arc::new(AtomicU64::new(0));
        let number = NUMBERS.fetch_add(1, Relaxed);
        let thread = Thread { generation, number, count: Arc::downgrade(&count) };
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| thread.count.strong_count() > 0);
        threads.push(thread);
        actix_rt::spawn(async move {
            let mut beats = actix_rt::time::interval(BEAT);
            loop {
                beats.tick().await;
                count.fetch_add(1, Relaxed);
            }
        });
    }

    /// How many threads of one incarnation there are.
    pub fn threads(&self, generation: u64) -> usize {
        self.reading(generation).0.len()
    }

    /// The threads of one incarnation.
    pub fn reading(&self, generation: u64) -> Reading {
        let threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = threads.iter().filter(|thread| thread.generation == generation);
        let counts = own.filter_map(|thread| {
            thread.count.upgrade().map(|count| (thread.number, count.load(Relaxed)))
        });
        Reading(counts.collect())
    }
}

impl Reading {
    /// Whether a thread has not counted since `earlier`, or none is left.
    pub fn stands_still_since(&self, earlier: &Reading) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|(thread, count)| earlier.0.get(thread) == Some(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading<const N: usize>(counts: [(u64, u64); N]) -> Reading {
        Reading(counts.into())
    }

    #[test]
    fn one_thread_that_stands_still_is_enough() {
        let earlier = reading([(1, 5), (2, 7)]);
        assert!(!reading([(1, 6), (2, 8)]).stands_still_since(&earlier));
        assert!(reading([(1, 6), (2, 7)]).stands_still_since(&earlier));
        assert!(!reading([(3, 1)]).stands_still_since(&earlier), "another incarnation");
        assert!(reading([]).stands_still_since(&earlier));
    }

    #[actix_web::test]
    async fn a_thread_that_turns_counts() {
        let pulse = Pulse::default();
        pulse.start(1);
        let earlier = pulse.reading(1);
        assert_eq!(pulse.reading(2), Reading::default());
        while pulse.reading(1).stands_still_since(&earlier) {
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
