//! Whether the threads of a server still turn, and how late they are.
//!
//! Each thread of an incarnation, its main one and each worker, counts a few times a second, and each
//! request that it takes up. On a busy machine a count goes slowly; one that stands still belongs to a
//! thread that something blocks. No question from outside can tell these apart, and with several workers
//! none finds the blocked one but by luck.

mod collector;
mod stillness;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

pub(crate) use self::collector::PulseCollector;
pub use self::stillness::Stillness;

/// How often a thread counts.
pub const BEAT: Duration = Duration::from_millis(250);
/// Beats over which the longest delay is kept: two such stretches, so that no look misses it.
const STRETCH_BEATS: u32 = 60;
/// A thread of an incarnation that was left counts as lost when it has not counted for so long.
const LOST_AFTER: Duration = Duration::from_secs(2);
/// The counts of a thread that has ended.
const GONE: (u64, u64) = (u64::MAX, 0);

/// The threads of one service, over all its incarnations. Clones share them.
#[derive(Clone)]
pub struct Pulse(Arc<Inner>);

struct Inner {
    /// Times are told as since then.
    epoch: Instant,
    /// Written when a thread begins.
    threads: Mutex<Vec<Thread>>,
    /// Written by the worker threads, for each connection that reaches one.
    connections: AtomicU64,
}

struct Thread {
    generation: u64,
    /// Unique in the process.
    number: u64,
    /// For people: `main`, `worker-0`.
    name: String,
    /// Gone with the thread.
    beat: Weak<Beat>,
}

/// What a thread tells of itself; only that thread writes it.
#[derive(Default)]
struct Beat {
    count: AtomicU64,
    /// Requests taken up: between two looks at its timers a loop that is busy does a lot of them.
    requests: AtomicU64,
    /// When it counted last, and the longest delay of late. In microseconds.
    last: AtomicU64,
    lag: AtomicU64,
}

thread_local! {
    /// That of this thread, if it is one of a server.
    static OWN: RefCell<Weak<Beat>> = const { RefCell::new(Weak::new()) };
}

/// This thread takes up a request.
pub(crate) fn takes_up_a_request() {
    OWN.with_borrow(|own| own.upgrade().map(|own| own.requests.fetch_add(1, Relaxed)));
}

/// Which part a thread has in its incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Main,
    Worker,
}

/// The counts at one moment, by thread: of beats, and of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading(BTreeMap<u64, (u64, u64)>);

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse(Arc::new(Inner {
            epoch: Instant::now(),
            threads: Mutex::default(),
            connections: AtomicU64::default(),
        }))
    }
}

impl Pulse {
    /// Counts on this thread for as long as its system lives.
    pub(crate) fn start(&self, generation: u64, part: Part) {
        let beat = Arc::new(Beat::default());
        beat.last.store(self.micros(), Relaxed);
        self.enter(generation, part, Arc::downgrade(&beat));
        OWN.set(Arc::downgrade(&beat));
        let pulse = self.clone();
        actix_rt::spawn(async move {
            let (mut beats, mut before, mut now) = (0_u32, 0, 0);
            loop {
                let due = Instant::now() + BEAT;
                actix_rt::time::sleep_until(due.into()).await;
                now = micros(due.elapsed()).max(now);
                beat.lag.store(now.max(before), Relaxed);
                beat.last.store(pulse.micros(), Relaxed);
                beat.count.fetch_add(1, Relaxed);
                beats += 1;
                if beats.is_multiple_of(STRETCH_BEATS) {
                    (before, now) = (now, 0);
                }
            }
        });
    }

    fn enter(&self, generation: u64, part: Part, beat: Weak<Beat>) {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let mut threads = self.threads();
        // One that has ended is still missed as long as its incarnation serves.
        threads.retain(|thread| thread.generation == generation || thread.is_alive());
        let name = match part {
            Part::Main => "main".to_owned(),
            Part::Worker => {
                let is_one = |thread: &&Thread| thread.name != "main";
                let own = threads.iter().filter(|thread| thread.generation == generation);
                format!("worker-{}", own.filter(is_one).count())
            }
        };
        let number = NUMBERS.fetch_add(1, Relaxed);
        threads.push(Thread { generation, number, name, beat });
    }

    /// How many workers one incarnation has.
    pub fn workers(&self, generation: u64) -> usize {
        let is_one = |thread: &&Thread| thread.generation == generation && thread.name != "main";
        self.threads().iter().filter(is_one).count()
    }

    /// The threads of one incarnation.
    pub fn reading(&self, generation: u64) -> Reading {
        let threads = self.threads();
        let own = threads.iter().filter(|thread| thread.generation == generation);
        let counts = |beat: Arc<Beat>| (beat.count.load(Relaxed), beat.requests.load(Relaxed));
        Reading(own.map(|own| (own.number, own.beat.upgrade().map_or(GONE, counts))).collect())
    }

    /// The threads that were blocked, were left, and have not returned. Nobody can end them.
    pub fn lost(&self) -> usize {
        let (now, threads) = (self.micros(), self.threads());
        let newest = threads.iter().map(|thread| thread.generation).max().unwrap_or_default();
        let is_lost = |thread: &&Thread| {
            let beat = thread.beat.upgrade().filter(|_| thread.generation < newest);
            let since = beat.map(|beat| now.saturating_sub(beat.last.load(Relaxed)));
            since.is_some_and(|since| since > micros(LOST_AFTER))
        };
        threads.iter().filter(is_lost).count()
    }

    /// What a thread is called, for people.
    pub fn name(&self, number: u64) -> String {
        let threads = self.threads();
        let known = threads.iter().find(|thread| thread.number == number);
        known.map_or_else(|| "a thread".to_owned(), |thread| thread.name.clone())
    }

    /// A connection has reached a worker thread.
    pub(crate) fn connected(&self) {
        self.0.connections.fetch_add(1, Relaxed);
    }

    /// Connections that have reached a worker thread so far.
    pub fn connections(&self) -> u64 {
        self.0.connections.load(Relaxed)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<Thread>> {
        self.0.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn micros(&self) -> u64 {
        micros(self.0.epoch.elapsed())
    }
}

impl Thread {
    fn is_alive(&self) -> bool {
        self.beat.strong_count() > 0
    }
}

impl Reading {
    /// How often the slowest of its threads has counted since `earlier`.
    pub fn beats_since(&self, earlier: &Reading) -> u64 {
        let beats = |(thread, (count, _)): (&u64, &(u64, u64))| {
            earlier.0.get(thread).map(|(before, _)| count.saturating_sub(*before))
        };
        self.0.iter().filter_map(beats).min().unwrap_or_default()
    }

    /// Without the threads that have ended.
    pub fn of_the_living(mut self) -> Reading {
        self.0.retain(|_, counts| *counts != GONE);
        self
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use prometheus::core::Collector;

    use super::*;

    const ENDED: u64 = GONE.0;

    fn reading<const N: usize>(counts: [(u64, u64); N]) -> Reading {
        Reading(counts.map(|(thread, count)| (thread, (count, 0))).into())
    }

    #[test]
    fn the_slowest_thread_counts() {
        let earlier = reading([(1, 5), (2, 7), (3, ENDED)]);
        assert_eq!(reading([(1, 9), (2, 20), (4, 3)]).beats_since(&earlier), 4);
        assert_eq!(reading([(1, 9), (3, ENDED)]).beats_since(&earlier), 0);
        assert_eq!(reading([(4, 3)]).beats_since(&earlier), 0, "another incarnation");
    }

    #[actix_web::test]
    #[allow(clippy::disallowed_methods)]
    async fn a_thread_that_turns_counts_and_tells_how_late_it_is() {
        let pulse = Pulse::default();
        pulse.start(1, Part::Main);
        pulse.start(1, Part::Worker);
        assert_eq!(pulse.reading(2), Reading::default());
        let mut stillness = Stillness::default();
        let first = stillness.look(&pulse.reading(1)).map(|(thread, _)| thread);
        assert_eq!(first.map(|thread| pulse.name(thread)).as_deref(), Some("worker-0"));
        let before = pulse.reading(1);
        while pulse.reading(1).0.values().any(|(count, _)| *count == 0) {
            actix_rt::time::sleep(Duration::from_millis(5)).await;
        }
        assert_ne!(pulse.reading(1), before);

        // The thread is held up, and cannot say so itself.
        std::thread::sleep(BEAT * 3);
        let lag = |name: &str| {
            let collector = PulseCollector::new("shop", pulse.clone());
            let families = collector.map(|collector| collector.collect()).unwrap_or_default();
            let lags = families.iter().flat_map(|family| family.get_metric());
            let own = lags.filter(|lag| lag.get_label().iter().any(|label| label.value() == name));
            own.map(|lag| lag.get_gauge().get_value()).sum::<f64>()
        };
        assert!(lag("main") >= 0.25, "{}", lag("main"));
        assert_eq!(pulse.lost(), 0);
    }
}
