//! One shard: an LRU that counts what it holds, and what of it has been invalidated.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

use actix_web::http::header::HeaderMap;
use cached::{Cached, CachedPeek, LruCache};

use super::super::ask::Ask;
use super::super::entry::Entry;

/// Marks of invalidated paths that a shard remembers; when there are more, all before is invalid.
pub(super) const MARKS_MAX: usize = 4_096;

/// What one address has, the newest first. Never changed, only replaced.
pub(in super::super) struct Variants(pub(super) Vec<Arc<Entry>>);

pub(super) struct Resource {
    pub(super) variants: Arc<Variants>,
    key_bytes: usize,
}

pub(super) struct Shard {
    pub(super) resources: LruCache<Box<str>, Resource>,
    pub(super) entries_max: usize,
    pub(super) bytes_max: usize,
    /// What this shard holds; the callback of the LRU takes off what it evicts.
    held: Arc<Held>,
    pub(super) marks: HashMap<u64, u64>,
    /// What was asked for before this is invalid, whatever its path.
    pub(super) floor: u64,
}

#[derive(Default)]
pub(super) struct Held {
    pub(super) entries: AtomicUsize,
    pub(super) bytes: AtomicUsize,
    /// Counts whatever was added, went, or became invalid.
    changes: AtomicU64,
}

impl Variants {
    pub(in super::super) fn at(&self, index: usize) -> Option<&Arc<Entry>> {
        self.0.get(index)
    }
}

impl Resource {
    fn bytes(&self) -> usize {
        self.key_bytes + self.variants.0.iter().map(|entry| entry.size).sum::<usize>()
    }
}

impl Shard {
    /// With room for so many; its bounds come by `resize`.
    #[expect(clippy::expect_used, reason = "only a size of zero is refused")]
    pub(super) fn new(room: usize, held: &Arc<Held>) -> Shard {
        let counted = held.clone();
        // Whatever leaves the LRU passes through here.
        let resources = LruCache::builder()
            .max_size(room.saturating_add(1))
            .on_evict(move |_, gone: &Resource| counted.less(gone))
            .build();
        Shard {
            resources: resources.expect("a size that is not zero"),
            entries_max: 0,
            bytes_max: 0,
            held: held.clone(),
            marks: HashMap::new(),
            floor: 0,
        }
    }

    /// What the address of a request has, and the newest of it that is valid and fits.
    pub(super) fn find(
        &mut self,
        ask: &Ask,
        request: &HeaderMap,
    ) -> Option<(Arc<Variants>, Option<usize>)> {
        let oldest = self.valid_from(|| ask.path_mark());
        let variants = &self.resources.cache_get(ask.key.as_str())?.variants;
        let is_valid = |entry: &Arc<Entry>| entry.stamp >= oldest;
        if !variants.0.iter().any(is_valid) {
            return None;
        }
        let fits = |entry: &Arc<Entry>| {
            is_valid(entry) && (entry.selecting.is_empty() || entry.selecting.fits(request))
        };
        Some((variants.clone(), variants.0.iter().position(fits)))
    }

    /// Whether what this would take the place of was asked for after it.
    pub(super) fn has_newer(&self, key: &str, request: &HeaderMap, entry: &Entry) -> bool {
        let Some(known) = self.resources.cache_peek(key) else { return false };
        known.variants.0.iter().any(|known| {
            known.stamp > entry.stamp
                && (known.selecting == entry.selecting || known.selecting.fits(request))
        })
    }

    pub(super) fn put(&mut self, key: Box<str>, variants: Arc<Variants>) {
        let resource = Resource { variants, key_bytes: key.len() };
        self.held.entries.fetch_add(resource.variants.0.len(), Relaxed);
        self.held.bytes.fetch_add(resource.bytes(), Relaxed);
        self.resources.cache_set(key, resource);
        self.held.change();
    }

    /// Lets the least used go until what is left fits; says how many went.
    pub(super) fn make_room(&mut self) -> u64 {
        let capacity = self.resources.capacity();
        let mut gone = 0;
        while self.is_too_full() {
            let Some(one_less) = self.resources.cache_size().checked_sub(1).filter(|n| *n > 0)
            else {
                break;
            };
            self.resources.set_max_size(one_less);
            gone += 1;
        }
        self.resources.set_max_size(capacity);
        gone
    }

    pub(super) fn is_too_full(&self) -> bool {
        self.held.entries.load(Relaxed) > self.entries_max
            || self.held.bytes.load(Relaxed) > self.bytes_max
    }

    /// The stamp that an entry of a path needs.
    pub(super) fn valid_from(&self, path_mark: impl FnOnce() -> u64) -> u64 {
        if self.marks.is_empty() {
            return self.floor;
        }
        self.marks.get(&path_mark()).copied().unwrap_or(0).max(self.floor)
    }

    pub(super) fn mark(&mut self, path_mark: u64, stamp: u64) {
        if self.marks.len() == MARKS_MAX {
            self.marks.clear();
            self.floor = stamp;
        }
        self.marks.insert(path_mark, stamp);
        self.held.change();
    }

    /// Nothing of what is here, or was asked for before this, is valid.
    pub(super) fn clear(&mut self, stamp: u64) {
        self.floor = stamp;
        self.marks.clear();
        self.resources.retain(|_, _| false);
        self.held.change();
    }
}

impl Held {
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Acquire)
    }

    fn change(&self) {
        self.changes.fetch_add(1, Release);
    }

    fn less(&self, gone: &Resource) {
        self.entries.fetch_sub(gone.variants.0.len(), Relaxed);
        self.bytes.fetch_sub(gone.bytes(), Relaxed);
        self.change();
    }
}
