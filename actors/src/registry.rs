//! What is known of each service, as plain shared state: read by health, metrics and the admin page.
//!
//! Only a service's supervisor writes its record. Readers copy; nobody holds the lock for long.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use crate::clock;
use crate::exit::Exit;
use crate::spec::ServiceSpec;

/// Ends that are kept for each service.
const EXITS_MAX: usize = 20;

/// Failures in the period that are counted; past this the service was given up long ago.
const FAILURES_MAX: usize = 100;

/// Where a service is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing serves yet; an incarnation is being built.
    Starting,
    Running,
    /// Nothing serves; the next attempt waits.
    Backoff,
    /// On its way down.
    Draining,
    /// It serves, but its next incarnation does not come up, or an essential part is dead.
    Degraded,
    /// Down because somebody asked, or because its end is not answered by a restart.
    Stopped,
    /// It failed too often: given up, its port closed, until somebody starts it.
    Failed,
}

impl State {
    pub const ALL: [State; 7] = [
        State::Starting,
        State::Running,
        State::Backoff,
        State::Draining,
        State::Degraded,
        State::Stopped,
        State::Failed,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Running => "running",
            State::Backoff => "backoff",
            State::Draining => "draining",
            State::Degraded => "degraded",
            State::Stopped => "stopped",
            State::Failed => "failed",
        }
    }

    /// Whether an incarnation answers.
    pub fn is_serving(self) -> bool {
        matches!(self, State::Running | State::Degraded)
    }
}

/// The end of one incarnation.
#[derive(Clone, Debug)]
pub struct PastExit {
    pub generation: u64,
    pub exit: Exit,
    pub at: SystemTime,
}

/// A copy of what is known of one service.
#[derive(Clone, Debug)]
pub struct ServiceRecord {
    pub name: &'static str,
    /// As bound: the port is the real one.
    pub address: SocketAddr,
    pub state: State,
    /// When `state` began.
    pub since: SystemTime,
    /// The incarnation that serves, or else the newest.
    pub generation: u64,
    /// Incarnations built after the first, whatever the reason.
    pub restarts: u64,
    /// Failures that count against the service now: one more than allowed, and it is given up.
    pub restarts_in_window: usize,
    /// The last ends, newest last.
    pub exits: Vec<PastExit>,
}

/// All services of a tree, in start order.
#[derive(Debug)]
pub struct Registry {
    entries: RwLock<Vec<Entry>>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    address: SocketAddr,
    state: State,
    since: SystemTime,
    generation: u64,
    restarts: u64,
    period: Duration,
    failures: VecDeque<Instant>,
    exits: VecDeque<PastExit>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        Registry { entries: RwLock::new(Vec::new()), changes: watch::Sender::new(0) }
    }

    /// Every service, in start order.
    pub fn snapshot(&self) -> Vec<ServiceRecord> {
        let now = clock::steady();
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|entry| entry.record(now)).collect()
    }

    pub fn get(&self, name: &str) -> Option<ServiceRecord> {
        let now = clock::steady();
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|entry| entry.name == name).map(|entry| entry.record(now))
    }

    /// Counts changes: await `changed()`, then take a snapshot.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn add(&self, spec: &ServiceSpec) {
        let entry = Entry {
            name: spec.name,
            address: spec.address,
            state: State::Stopped,
            since: clock::wall(),
            generation: 0,
            restarts: 0,
            period: spec.intensity.period,
            failures: VecDeque::new(),
            exits: VecDeque::new(),
        };
        self.entries.write().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn bound(&self, name: &str, address: SocketAddr) {
        self.change(name, |entry| entry.address = address);
    }

    pub(crate) fn enter(&self, name: &str, state: State, generation: u64) {
        self.change(name, |entry| {
            entry.generation = generation;
            if entry.state != state {
                entry.state = state;
                entry.since = clock::wall();
            }
        });
    }

    pub(crate) fn launched(&self, name: &str, generation: u64) {
        self.change(name, |entry| entry.restarts = generation.saturating_sub(1));
    }

    pub(crate) fn failed(&self, name: &str, at: Instant) {
        self.change(name, |entry| {
            entry.failures.push_back(at);
            while entry.failures.len() > FAILURES_MAX {
                entry.failures.pop_front();
            }
        });
    }

    /// Somebody has looked after it: failures before now no longer count.
    pub(crate) fn forgive(&self, name: &str) {
        self.change(name, |entry| entry.failures.clear());
    }

    pub(crate) fn ended(&self, name: &str, generation: u64, exit: Exit) {
        self.change(name, |entry| {
            entry.exits.push_back(PastExit { generation, exit, at: clock::wall() });
            while entry.exits.len() > EXITS_MAX {
                entry.exits.pop_front();
            }
        });
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.name == name) {
            change(entry);
        }
        drop(entries);
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Entry {
    fn record(&self, now: Instant) -> ServiceRecord {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) <= self.period;
        ServiceRecord {
            name: self.name,
            address: self.address,
            state: self.state,
            since: self.since,
            generation: self.generation,
            restarts: self.restarts,
            restarts_in_window: self.failures.iter().filter(recent).count(),
            exits: self.exits.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::spec::factory;

    #[test]
    fn the_last_twenty_ends_are_kept_and_each_change_is_told() {
        let registry = Registry::new();
        let nothing = factory(|_| async { Ok(()) });
        registry.add(&ServiceSpec::new("shop", ([127, 0, 0, 1], 0).into(), nothing));
        let changes = registry.changes();
        for generation in 1..=25 {
            registry.ended("shop", generation, Exit::finished());
        }
        let kept: Vec<u64> =
            registry.get("shop").unwrap().exits.iter().map(|end| end.generation).collect();
        assert_eq!(kept, (6..=25).collect::<Vec<_>>());
        assert_eq!(*changes.borrow(), 25);
        assert!(registry.get("shed").is_none());
    }
}
