//! How much is kept, which may change while it is.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use crate::config;

use super::{Shard, Shelf, lock};

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway) struct Bounds {
    pub(in crate::gateway) entries_max: usize,
    pub(in crate::gateway) bytes_max: usize,
    pub(in crate::gateway) entry_bytes_max: usize,
}

impl Bounds {
    pub(in crate::gateway) fn of(settings: &config::Gateway) -> Bounds {
        Bounds {
            entries_max: settings.cache_max_entries,
            bytes_max: settings.cache_max_bytes,
            entry_bytes_max: settings.cache_max_entry_bytes,
        }
    }
}

impl Shelf {
    /// Lets go of what does not fit any more; of everything, when there is to be no cache.
    pub(in crate::gateway::cache) fn resize(&self, bounds: Bounds) {
        let Bounds { entries_max, bytes_max, entry_bytes_max } = bounds;
        let (shards, is_on) = (self.shards.len(), entries_max > 0 && bytes_max > 0);
        self.is_on.store(is_on, SeqCst);
        self.entry_bytes_max.store(entry_bytes_max.min(bytes_max / shards), SeqCst);
        // At least one: a cache of few entries has as many shards as it was made with.
        let (entries_max, bytes_max) = ((entries_max / shards).max(1), bytes_max / shards);
        let resize = |shard| lock(shard).resize(entries_max, bytes_max);
        self.evicted.fetch_add(self.shards.iter().map(resize).sum(), Relaxed);
        if !is_on {
            self.clear();
        }
    }

    /// Whether anything is kept at all.
    pub(in crate::gateway::cache) fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }
}

impl Shard {
    fn resize(&mut self, entries_max: usize, bytes_max: usize) -> u64 {
        (self.entries_max, self.bytes_max) = (entries_max, bytes_max);
        let mut gone = self.make_room();
        // The last one stays, unless it is too large by itself.
        if self.is_too_full() {
            gone += 1;
            self.resources.retain(|_, _| false);
        }
        // One more than there may be, so that it is `make_room` that decides.
        self.resources.set_max_size(entries_max.saturating_add(1));
        gone
    }
}
