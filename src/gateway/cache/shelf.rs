//! Where entries stand: bounded in number and in bytes, the least used go first.
//!
//! A shard is a short mutex around an LRU of `cached`. What is invalidated is not looked for: its path
//! is marked with the number of the invalidation, and an entry that was asked for before that number
//! is none. So an answer that is on its way while its address is written to is not kept either.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{
    AtomicBool, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use actix_web::http::header::HeaderMap;
use cached::Cached;

use self::shard::{Held, Shard, Variants};
use super::ask::Ask;
use super::entry::Entry;

mod bounds;
mod shard;

pub(in crate::gateway) use self::bounds::Bounds;

/// Shards of a large cache; a small one has fewer, so that each holds enough to be just.
const SHARDS_MAX: usize = 16;
const SHARD_ENTRIES_MIN: usize = 64;
/// How often an entry is taken from its place before it is looked up again.
const USES_PER_LOOK: u32 = 16;
/// Answers of one address that differ by `Vary`.
const VARIANTS_MAX: usize = 32;

/// Every shard of it.
pub(super) struct Shelf {
    shards: Box<[Mutex<Shard>]>,
    hasher: std::hash::RandomState,
    /// Numbers what is asked for and what is invalidated, in the order in which that happens.
    stamps: AtomicU64,
    /// What was asked for before this one is not taken any more, whatever its path.
    floor: AtomicU64,
    /// Of the routes that hold; what was asked for by others is not taken.
    generation: AtomicU64,
    entry_bytes_max: AtomicUsize,
    is_on: AtomicBool,
    /// What each shard holds. Written under its lock, read anywhere.
    held: Box<[Arc<Held>]>,
    evicted: AtomicU64,
}

impl Shelf {
    /// How many shards it has stays, whatever its bounds become.
    pub(super) fn new(bounds: Bounds) -> Shelf {
        let shards = match bounds.entries_max {
            0 => SHARDS_MAX,
            entries_max => (entries_max / SHARD_ENTRIES_MIN).clamp(1, SHARDS_MAX),
        };
        let held: Box<[Arc<Held>]> = (0..shards).map(|_| Arc::default()).collect();
        let shelf = Shelf {
            shards: held
                .iter()
                .map(|held| Mutex::new(Shard::new(bounds.entries_max / shards, held)))
                .collect(),
            hasher: std::hash::RandomState::new(),
            stamps: AtomicU64::new(1),
            floor: AtomicU64::new(0),
            generation: AtomicU64::new(0),
            entry_bytes_max: AtomicUsize::new(0),
            is_on: AtomicBool::new(false),
            held,
            evicted: AtomicU64::new(0),
        };
        shelf.resize(bounds);
        shelf
    }

    /// To be taken before a request is sent.
    pub(super) fn stamp(&self) -> u64 {
        self.stamps.fetch_add(1, SeqCst) + 1
    }

    pub(super) fn entry_bytes_max(&self) -> usize {
        self.entry_bytes_max.load(Relaxed)
    }

    pub(super) fn entries(&self) -> usize {
        self.held.iter().map(|held| held.entries.load(Relaxed)).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.bytes.load(Relaxed)).sum()
    }

    /// Addresses that went to make room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Relaxed)
    }

    /// The newest entry of an address that fits the request.
    pub(super) fn find(&self, ask: &Ask, request: &HeaderMap) -> Found {
        let mut shard = self.shard(&ask.key);
        let Some((variants, place)) = shard.find(ask, request) else { return Found::Nothing };
        match place {
            Some(index) => Found::Entry(variants.0[index].clone()),
            None => Found::OtherVariants,
        }
    }

    /// Where that entry is, and itself.
    pub(super) fn place(&self, ask: &Ask, request: &HeaderMap) -> Option<(Place, Arc<Entry>)> {
        let (variants, index) = self.shard(&ask.key).find(ask, request)?;
        let (index, shard) = (index?, self.index(&ask.key));
        let entry = variants.at(index)?.clone();
        let place = Place {
            shard,
            path_mark: ask.path_mark(),
            variants: Arc::downgrade(&variants),
            index,
            seen: Cell::new(None),
            uses: Cell::new(0),
        };
        Some((place, entry))
    }

    /// The entry of a place, if nothing of its address was added, replaced or invalidated since.
    pub(super) fn same(&self, key: &str, place: &Place) -> Option<Arc<Entry>> {
        let changes = self.held.get(place.shard)?.changes();
        let uses = place.uses.get().wrapping_add(1);
        place.uses.set(uses);
        // Where nothing has changed nothing is looked up; but now and then, so that what is used stays.
        if place.seen.get() == Some(changes) && !uses.is_multiple_of(USES_PER_LOOK) {
            return place.variants.upgrade()?.at(place.index).cloned();
        }
        let mut shard = lock(self.shards.get(place.shard)?);
        let oldest = shard.valid_from(|| place.path_mark);
        let variants = &shard.resources.cache_get(key)?.variants;
        let is_same = Arc::as_ptr(variants) == place.variants.as_ptr();
        let entry = variants.at(place.index).filter(|entry| is_same && entry.stamp >= oldest)?;
        place.seen.set(Some(changes));
        Some(entry.clone())
    }

    /// Takes an entry, in the place of those that it takes the place of. False: it may not be there, or
    /// what was asked for later is there already.
    pub(super) fn put(&self, ask: &Ask, request: &HeaderMap, entry: Arc<Entry>) -> bool {
        if entry.size + ask.key.len() > self.entry_bytes_max() {
            return false;
        }
        let mut shard = self.shard(&ask.key);
        // Under the lock: whoever switches it off, or purges, clears the shard after that.
        let oldest = shard.valid_from(|| ask.path_mark()).max(self.floor.load(SeqCst));
        let is_of_now = self.is_on() && self.generation.load(SeqCst) == ask.generation;
        if !is_of_now || entry.stamp < oldest || shard.has_newer(&ask.key, request, &entry) {
            return false;
        }
        let key: Box<str> = ask.key.as_str().into();
        // Taken out and put back, so that what it holds is counted once.
        let earlier = shard.resources.cache_remove(&*key);
        let earlier = earlier.iter().flat_map(|known| &known.variants.0);
        let variants_max = VARIANTS_MAX.min(shard.entries_max);
        let is_other = |known: &&Arc<Entry>| {
            !(known.selecting == entry.selecting || known.selecting.fits(request))
        };
        let mut variants = vec![entry.clone()];
        variants.extend(earlier.filter(is_other).take(variants_max - 1).cloned());
        shard.put(key, Arc::new(Variants(variants)));
        let evicted = shard.make_room();
        drop(shard);
        self.evicted.fetch_add(evicted, Relaxed);
        true
    }

    /// Whatever is kept of these paths, and whatever is on its way, is not used any more.
    pub(super) fn invalidate(&self, path_marks: &[u64]) {
        let stamp = self.stamp();
        for shard in &self.shards {
            let mut shard = lock(shard);
            path_marks.iter().for_each(|mark| shard.mark(*mark, stamp));
        }
    }

    /// Everything goes, also what is on its way.
    pub(super) fn clear(&self) {
        let stamp = self.stamp();
        for shard in &self.shards {
            lock(shard).clear(stamp);
        }
    }

    /// Everything goes, and nothing of another generation is taken.
    pub(super) fn begin(&self, generation: u64) {
        self.generation.store(generation, SeqCst);
        self.clear();
    }

    pub(super) fn remove(&self, ask: &Ask) {
        drop(self.shard(&ask.key).resources.cache_remove(ask.key.as_str()));
    }

    /// The addresses of such keys go; walks over all of them. What is on its way is not kept, whatever
    /// its path.
    pub(super) fn remove_where(&self, is_meant: impl Fn(&str) -> bool) {
        self.floor.fetch_max(self.stamp(), SeqCst);
        for shard in &self.shards {
            lock(shard).resources.retain(|key, _| !is_meant(key));
        }
    }

    fn shard(&self, key: &str) -> MutexGuard<'_, Shard> {
        lock(&self.shards[self.index(key)])
    }

    fn index(&self, key: &str) -> usize {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key.as_bytes());
        usize::try_from(hasher.finish() % self.shards.len() as u64).unwrap_or(0)
    }
}

/// Where an entry was found, for whoever wants it again. It keeps no entry from going.
pub(super) struct Place {
    shard: usize,
    path_mark: u64,
    variants: Weak<Variants>,
    index: usize,
    /// The changes of the shard when it was last found there.
    seen: Cell<Option<u64>>,
    uses: Cell<u32>,
}

/// What there is of an address.
pub(super) enum Found {
    Entry(Arc<Entry>),
    /// None of them fits, or is valid.
    OtherVariants,
    Nothing,
}

/// No code under these locks panics half way through a change that matters.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
