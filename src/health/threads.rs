//! The watch over the threads of hosted services: finds the one that is blocked, and counts those
//! that were.

use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use actix_rt::time::sleep;
use busbar_actors::{Registry, State};
use busbar_http::pulse::{BEAT, Pulse, Stillness};

use crate::types::ServiceName;

use super::Watch;
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

/// Has those found whose threads are blocked while everything stops, when nobody asks them any more:
/// the drain would wait for them.
pub async fn while_all_stop(watch: Watch) -> Infallible {
    let Watch { settings, watched, tree, .. } = watch;
    let mut threads =
        Threads::new(&watched.borrow(), Duration::from_millis(settings.blocked_after_ms));
    let registry = tree.registry();
    loop {
        sleep(BEAT).await;
        for blocked in threads.look(&registry) {
            log::error!("{blocked}: it is not waited for");
            let tree = tree.clone();
            // Refused where it is on its way out already, which it is told all the same.
            actix_rt::spawn(async move { tree.hung(blocked.service.as_str()).await });
        }
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: its thread {} is blocked", self.service, self.thread)
    }
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
        let reading = self.pulse.reading(self.generation);
        let reading = match record.state {
            _ if record.generation != self.generation => None,
            state if state.is_serving() => Some(reading),
            // Its threads end one after the other. One that is blocked does not.
            State::Draining => Some(reading.of_the_living()),
            _ => None,
        };
        let Some(reading) = reading else {
            self.generation = record.generation;
            self.stillness = Stillness::default();
            return None;
        };
        let (thread, times) = self.stillness.look(&reading)?;
        if times < looks_max {
            return None;
        }
        self.stillness = Stillness::default();
        Some(Blocked { service: self.service, thread: self.pulse.name(thread) })
    }
}
