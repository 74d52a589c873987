//! One request of late for each bucket of the durations: whoever sees a slow one finds its trace.
//!
//! A request costs a look at one number here; once in a while one of them leaves its name.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::DURATION_BUCKETS;
use crate::trace::RequestId;

/// How long an exemplar of a bucket stands at least.
const STANDS: Duration = Duration::from_secs(1);

/// One for each bucket, the unbounded one included.
pub(super) struct Exemplars {
    base: Instant,
    buckets: [Slot; DURATION_BUCKETS.len() + 1],
}

#[derive(Default)]
struct Slot {
    /// From when on the next one is taken, in milliseconds since `base`.
    due_ms: AtomicU64,
    /// Written by the request that is due, read by scrapes; whoever finds it taken goes on.
    held: Mutex<Option<Exemplar>>,
}

/// A request that stands for the others of its bucket.
#[derive(Clone, Debug)]
pub(super) struct Exemplar {
    /// `None`: it matched no route.
    pub(super) route: Option<Arc<str>>,
    pub(super) method: &'static str,
    pub(super) id: RequestId,
    pub(super) seconds: f64,
    pub(super) at: SystemTime,
}

impl Default for Exemplars {
    fn default() -> Exemplars {
        Exemplars { base: Instant::now(), buckets: Default::default() }
    }
}

impl Exemplars {
    /// Keeps the request, if its bucket has had none for a while.
    #[expect(clippy::disallowed_methods, reason = "exemplars and logs go by the machine's time")]
    pub(super) fn note(
        &self,
        route: Option<&Arc<str>>,
        method: &'static str,
        took: Duration,
        id: &RequestId,
    ) {
        let seconds = took.as_secs_f64();
        let slot = &self.buckets[DURATION_BUCKETS.partition_point(|edge| *edge < seconds)];
        let now_ms = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now_ms < slot.due_ms.load(Relaxed) {
            return;
        }
        if let Ok(mut held) = slot.held.try_lock() {
            slot.due_ms.store(now_ms + STANDS.as_millis() as u64, Relaxed);
            let (route, id) = (route.cloned(), id.clone());
            *held = Some(Exemplar { route, method, id, seconds, at: SystemTime::now() });
        }
    }

    /// By the bucket's place.
    pub(super) fn all(&self) -> Vec<Option<Exemplar>> {
        let held = self.buckets.iter().map(|slot| slot.held.try_lock().ok()?.clone());
        held.collect()
    }
}
