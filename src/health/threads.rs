//! The watch over the threads of hosted services: finds the one that is blocked, and counts those
//! that were.

use std::time::Duration;

use busbar_actors::Registry;
use busbar_http::pulse::{BEAT, Pulse, Stillness};

use crate::types::ServiceName;

use super::watched::Watched;

/// All hosted services.
pub(super) struct Threads {
    hosted: Vec<Hosted>,
    /// So many looks in a row without a beat, and a thread is blocked.
    looks_max: u32,
}

struct Hosted {
    service: ServiceName,
    pulse: Pulse,
    /// What is held belongs to this incarnation.
    generation: u64,
    stillness: Stillness,
}

/// An incarnation of which a thread no longer turns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Blocked {
    pub(super) service: ServiceName,
    pub(super) thread: String,
}

impl Threads {
    pub(super) fn new(watched: &[Watched], blocked_after: Duration) -> Threads {
        let mut hosted: Vec<Hosted> = Vec::new();
        for Watched { service, hosted: metrics, .. } in watched {
            let is_known = hosted.iter().any(|known| known.service == *service);
            if let Some(metrics) = metrics.as_ref().filter(|_| !is_known) {
                let (pulse, stillness) = (metrics.pulse().clone(), Stillness::default());
                hosted.push(Hosted { service: *service, pulse, generation: 0, stillness });
            }
        }
        let looks = blocked_after.as_millis().div_ceil(BEAT.as_millis());
        Threads { hosted, looks_max: u32::try_from(looks).unwrap_or(u32::MAX) }
    }

    /// To be called at each [`BEAT`]. Those that are told are looked at anew.
    pub(super) fn look(&mut self, registry: &Registry) -> Vec<Blocked> {
        let looks_max = self.looks_max;
        self.hosted.iter_mut().filter_map(|hosted| hosted.look(registry, looks_max)).collect()
    }

    /// Threads that cannot be ended, over all services.
    pub(super) fn lost(&self) -> usize {
        self.hosted.iter().map(|hosted| hosted.pulse.lost()).sum()
    }
}

impl Hosted {
    fn look(&mut self, registry: &Registry, looks_max: u32) -> Option<Blocked> {
        let record = registry.get(self.service.as_str())?;
        if !record.state.is_serving() || record.generation != self.generation {
            self.generation = record.generation;
            self.stillness = Stillness::default();
            return None;
        }
        let (thread, times) = self.stillness.look(&self.pulse.reading(self.generation))?;
        if times < looks_max {
            return None;
        }
        self.stillness = Stillness::default();
        Some(Blocked { service: self.service, thread: self.pulse.name(thread) })
    }
}
