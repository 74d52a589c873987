//! What is known of each service, as plain shared state: read by health, metrics and the admin page.
//!
//! Only a service's supervisor writes its record, and only who keeps a child alive that of the child.
//! Readers copy; nobody holds the lock for long.

mod child;
mod state;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use crate::clock;
use crate::exit::{Exit, Reason};
use crate::spec::ServiceSpec;

pub use self::child::{ChildKind, ChildRecord, Household, Listed};
pub use self::state::State;

/// Ends that are kept for each service.
pub const EXITS_MAX: usize = 20;

/// Failures in the period that are counted; past this the service was given up long ago.
const FAILURES_MAX: usize = 100;

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
    /// When the last one came up.
    pub up_at: Option<SystemTime>,
    /// Incarnations built after the first, whatever the reason.
    pub restarts: u64,
    /// Failures that count against the service now: one more than allowed, and it is given up.
    pub restarts_in_window: usize,
    /// The last ends, newest last; also those of earlier processes, if they were recalled.
    pub exits: Vec<PastExit>,
    /// How many there were in all, by reason as in [`Reason::ALL`].
    pub ends: [u64; Reason::ALL.len()],
    /// What runs in that incarnation besides its server.
    pub children: Vec<ChildRecord>,
}

/// Who writes down what happens to services. Supervisors call this: it may neither wait nor fail.
pub trait Chronicle: fmt::Debug + Send + Sync {
    fn up(&self, name: &'static str, generation: u64);
    fn ended(&self, name: &'static str, end: &PastExit);
}

/// All services of a tree, in start order.
#[derive(Debug)]
pub struct Registry {
    entries: RwLock<Vec<Entry>>,
    children: child::Children,
    changes: watch::Sender<u64>,
    /// Set before anything runs.
    chronicle: OnceLock<Arc<dyn Chronicle>>,
}

#[derive(Debug)]
struct Entry {
    name: &'static str,
    address: SocketAddr,
    state: State,
    since: SystemTime,
    generation: u64,
    up_at: Option<SystemTime>,
    restarts: u64,
    period: Duration,
    failures: VecDeque<Instant>,
    exits: VecDeque<PastExit>,
    ends: [u64; Reason::ALL.len()],
}

impl Registry {
    pub(crate) fn new() -> Self {
        Registry {
            entries: RwLock::new(Vec::new()),
            children: child::Children::default(),
            changes: watch::Sender::new(0),
            chronicle: OnceLock::new(),
        }
    }

    /// Every service, in start order.
    pub fn snapshot(&self) -> Vec<ServiceRecord> {
        let now = clock::steady();
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let records: Vec<ServiceRecord> = entries.iter().map(|entry| entry.record(now)).collect();
        drop(entries);
        records.into_iter().map(|record| self.with_children(record)).collect()
    }

    pub fn get(&self, name: &str) -> Option<ServiceRecord> {
        let now = clock::steady();
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let record = entries.iter().find(|entry| entry.name == name)?.record(now);
        drop(entries);
        Some(self.with_children(record))
    }

    /// What runs beside the services.
    pub fn root_children(&self) -> Vec<ChildRecord> {
        self.children.of(Household::ROOT, 0)
    }

    /// Puts the ends that an earlier process has written down before those to come, oldest first.
    pub fn recall(&self, name: &str, exits: Vec<PastExit>) {
        self.change(name, |entry| {
            let newer = std::mem::take(&mut entry.exits);
            entry.exits = exits.into_iter().chain(newer).collect();
            entry.forget_old_exits();
        });
    }

    fn with_children(&self, record: ServiceRecord) -> ServiceRecord {
        let children = self.children.of(record.name, record.generation);
        ServiceRecord { children, ..record }
    }

    pub(crate) fn keep_chronicle(&self, chronicle: Arc<dyn Chronicle>) {
        // Whoever came first keeps it.
        drop(self.chronicle.set(chronicle));
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
            up_at: None,
            restarts: 0,
            period: spec.intensity.period,
            failures: VecDeque::new(),
            exits: VecDeque::new(),
            ends: Default::default(),
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

    pub(crate) fn up(&self, name: &'static str, generation: u64) {
        if let Some(chronicle) = self.chronicle.get() {
            chronicle.up(name, generation);
        }
        self.change(name, |entry| entry.up_at = Some(clock::wall()));
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

    pub(crate) fn ended(&self, name: &'static str, generation: u64, exit: Exit) {
        let end = PastExit { generation, exit, at: clock::wall() };
        if let Some(chronicle) = self.chronicle.get() {
            chronicle.ended(name, &end);
        }
        self.change(name, |entry| {
            entry.ends[end.exit.reason as usize] += 1;
            entry.exits.push_back(end);
            entry.forget_old_exits();
        });
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.name == name) {
            change(entry);
        }
        drop(entries);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl Entry {
    fn forget_old_exits(&mut self) {
        while self.exits.len() > EXITS_MAX {
            self.exits.pop_front();
        }
    }

    fn record(&self, now: Instant) -> ServiceRecord {
        let recent = |at: &&Instant| now.saturating_duration_since(**at) <= self.period;
        ServiceRecord {
            name: self.name,
            address: self.address,
            state: self.state,
            since: self.since,
            generation: self.generation,
            up_at: self.up_at,
            restarts: self.restarts,
            restarts_in_window: self.failures.iter().filter(recent).count(),
            exits: self.exits.iter().cloned().collect(),
            children: Vec::new(),
            ends: self.ends,
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
        assert_eq!(registry.get("shop").unwrap().ends, [25, 0, 0, 0, 0, 0]);
        assert_eq!(kept, (6..=25).collect::<Vec<_>>());
        assert_eq!(*changes.borrow(), 25);
        assert!(registry.get("shed").is_none());
    }
}
