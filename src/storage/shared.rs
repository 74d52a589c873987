//! What all openings of one database in this process share: the count of commits, what is known of
//! writing it and, for a file, the lock that keeps other processes out.
//!
//! Two generations of a service have one database open during a planned restart. Each has its own
//! connections, so that a hung generation holds up nothing but its own; these things they share.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::StoreError;
use super::writing::Writing;

/// Grows by one for each database this process ever opens. Entries stay: a lock that were given
/// back between two generations could be taken by another process in between.
static OPENED: Mutex<BTreeMap<String, Arc<Shared>>> = Mutex::new(BTreeMap::new());

#[derive(Debug)]
pub(super) struct Shared {
    /// Written by each transaction after its commit.
    commits: watch::Sender<u64>,
    pub(super) writing: Writing,
    _lock: Option<File>,
}

impl Shared {
    /// A server is shared with anybody.
    pub(super) fn of_server(name: &str) -> Arc<Shared> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.entry(name.to_owned()).or_insert_with(|| Arc::new(Shared::new(None))).clone()
    }

    /// A file belongs to one process: refused when another has it. The path is absolute.
    pub(super) fn of_file(database: &Path) -> Result<Arc<Shared>, StoreError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name_of(database);
        if let Some(shared) = opened.get(&name) {
            return Ok(shared.clone());
        }
        let shared = Arc::new(Shared::new(Some(lock(database)?)));
        opened.insert(name, shared.clone());
        Ok(shared)
    }

    /// Whether it has been open in this process. The path is absolute.
    pub(super) fn knows_file(database: &Path) -> bool {
        let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        opened.contains_key(&name_of(database))
    }

    fn new(lock: Option<File>) -> Shared {
        Shared { commits: watch::Sender::new(0), writing: Writing::default(), _lock: lock }
    }

    pub(super) fn committed(&self) {
        self.commits.send_modify(|commits| *commits += 1);
    }

    pub(super) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }
}

fn name_of(database: &Path) -> String {
    format!("sqlite:{}", database.display())
}

/// SQLite would let a second process in, and sqlx would let it migrate at the same time.
fn lock(database: &Path) -> Result<File, StoreError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let unavailable =
        |what: String| StoreError::Unavailable { what: format!("{}: {what}", database.display()) };
    let file = File::options().create(true).append(true).open(&path);
    let file = file.map_err(|error| unavailable(format!("its lock cannot be opened: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(unavailable("another process uses it".to_owned())),
        Err(TryLockError::Error(error)) => {
            Err(unavailable(format!("it cannot be locked: {error}")))
        }
    }
}
