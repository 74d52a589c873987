//! Remembers what came last, within a bound that no flood of keys can move.
//!
//! Two generations: what is written goes into the young one; when that is full it becomes the old
//! one, and the old one is forgotten at once. So the oldest go first, and nothing is ever searched.
//! Many short locks instead of one: none is held for longer than a look-up.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// Locks; more than there are threads that want one.
const SHARDS: usize = 16;
/// Generations of a shard.
const GENERATIONS: usize = 2;

pub(super) struct Recent<K, V> {
    shards: Vec<Mutex<Shard<K, V>>>,
    /// With a key of its own: nobody can choose keys that meet in one shard.
    hasher: RandomState,
}

struct Shard<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    young_max: usize,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// Remembers at most so many, and half of that at least.
    pub(super) fn new(entries_max: usize) -> Recent<K, V> {
        let young_max = (entries_max / SHARDS / GENERATIONS).max(1);
        let shard = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new(), young_max });
        let shards = std::iter::repeat_with(shard).take(SHARDS).collect();
        Recent { shards, hasher: RandomState::new() }
    }

    /// Puts what `change` makes of the known value, if it makes one, in its place; nobody else
    /// changes it meanwhile.
    pub(super) fn change<R>(
        &self,
        key: K,
        change: impl FnOnce(Option<V>) -> (Option<V>, R),
    ) -> Option<R> {
        let index = usize::try_from(self.hasher.hash_one(&key)).unwrap_or(0) % SHARDS;
        let mut shard = self.shards.get(index)?.lock().unwrap_or_else(PoisonError::into_inner);
        let known = shard.young.get(&key).or_else(|| shard.old.get(&key)).cloned();
        let (next, result) = change(known);
        if let Some(next) = next {
            shard.put(key, next);
        }
        Some(result)
    }

    pub(super) fn get(&self, key: K) -> Option<V> {
        self.change(key, |known| (None, known)).flatten()
    }

    pub(super) fn put(&self, key: K, value: V) {
        let _ = self.change(key, |_| (Some(value), ()));
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let of = |shard: &Mutex<Shard<K, V>>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.len() + shard.old.len()
        };
        self.shards.iter().map(of).sum()
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.young_max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_keys_moves_no_bound_and_the_newest_stay() {
        let recent = Recent::new(1_000);
        for key in 0..100_000_u32 {
            recent.put(key, key);
        }
        assert!(recent.len() <= 1_000, "{}", recent.len());
        assert!((99_900..100_000).all(|key| recent.get(key) == Some(key)));
        assert_eq!(recent.get(1), None);
    }

    #[test]
    fn what_is_used_stays_young() {
        let recent = Recent::new(1_000);
        for key in 0..10_000_u32 {
            recent.put(key, 0);
            let _ = recent.change(u32::MAX, |known| (Some(known.unwrap_or(0) + 1), ()));
        }
        assert_eq!(recent.get(u32::MAX), Some(10_000));
    }
}
