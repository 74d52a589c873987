//! The records of what runs in an incarnation besides its server, and of what runs beside all
//! services.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use super::{PastExit, Registry, State};
use crate::clock;
use crate::exit::Exit;
use crate::mailbox::{Bounded, Reading};

/// Records that are kept. Threads that hang keep theirs: past this the oldest are forgotten.
const CHILDREN_MAX: usize = 1_000;

/// What a child is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    Actor,
    Task,
}

/// A copy of what is known of one child.
#[derive(Clone, Debug)]
pub struct ChildRecord {
    pub name: String,
    pub kind: ChildKind,
    /// When it dies for good, the incarnation is replaced.
    pub is_essential: bool,
    pub state: State,
    /// When `state` began.
    pub since: SystemTime,
    pub restarts: u64,
    pub last_exit: Option<PastExit>,
    /// What its mailbox looks like, if it has a bounded one.
    pub mailbox: Option<Reading>,
}

/// Where the children of one incarnation are listed, or those of no service.
#[derive(Clone, Debug)]
pub struct Household {
    registry: Arc<Registry>,
    owner: &'static str,
    generation: u64,
}

/// A child's place in the list; its record is gone with this.
#[derive(Debug)]
#[must_use = "the record is gone when this is dropped"]
pub struct Listed {
    registry: Arc<Registry>,
    id: u64,
    generation: u64,
}

#[derive(Debug, Default)]
pub(super) struct Children {
    entries: RwLock<VecDeque<Entry>>,
    ids: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    owner: &'static str,
    generation: u64,
    record: ChildRecord,
    mailbox: Option<Bounded>,
}

impl Children {
    pub(super) fn of(&self, owner: &str, generation: u64) -> Vec<ChildRecord> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let own = entries.iter().filter(|e| e.owner == owner && e.generation == generation);
        own.map(Entry::record).collect()
    }

    fn add(&self, entry: impl FnOnce(u64) -> Entry) -> u64 {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        while entries.len() >= CHILDREN_MAX {
            entries.pop_front();
        }
        entries.push_back(entry(id));
        id
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut ChildRecord)) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.id == id) {
            change(&mut entry.record);
        }
    }

    fn remove(&self, id: u64) {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).retain(|e| e.id != id);
    }
}

impl Entry {
    fn record(&self) -> ChildRecord {
        let mailbox = self.mailbox.as_ref().map(Bounded::reading);
        ChildRecord { mailbox, ..self.record.clone() }
    }
}

impl Household {
    /// The owner of what belongs to no service.
    pub const ROOT: &'static str = "busbar";

    pub(crate) fn new(registry: Arc<Registry>, owner: &'static str, generation: u64) -> Self {
        Household { registry, owner, generation }
    }

    /// For log lines: `payments#3`.
    pub(crate) fn title(&self) -> String {
        match self.generation {
            0 => self.owner.to_owned(),
            generation => format!("{}#{generation}", self.owner),
        }
    }

    /// Lists a child, running.
    pub fn list(
        &self,
        name: impl Into<String>,
        kind: ChildKind,
        is_essential: bool,
        mailbox: Option<Bounded>,
    ) -> Listed {
        let record = ChildRecord {
            name: name.into(),
            kind,
            is_essential,
            state: State::Running,
            since: clock::wall(),
            restarts: 0,
            last_exit: None,
            mailbox: None,
        };
        let (owner, generation) = (self.owner, self.generation);
        let id = self.registry.children.add(|id| Entry { id, owner, generation, record, mailbox });
        Listed { registry: self.registry.clone(), id, generation }
    }
}

impl Listed {
    pub(crate) fn enter(&self, state: State) {
        self.registry.children.change(self.id, |record| {
            if record.state != state {
                record.state = state;
                record.since = clock::wall();
            }
        });
        self.registry.changed();
    }

    pub(crate) fn restarted(&self) {
        self.registry.children.change(self.id, |record| record.restarts += 1);
        self.enter(State::Running);
    }

    /// It has died, and who keeps it will not build it again.
    pub fn fell(&self, exit: &Exit) {
        self.ended(exit.clone());
        self.enter(State::Failed);
    }

    pub(crate) fn ended(&self, exit: Exit) {
        let end = PastExit { generation: self.generation, exit, at: clock::wall() };
        self.registry.children.change(self.id, |record| record.last_exit = Some(end));
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.registry.children.remove(self.id);
    }
}
