//! What the callers of a service are told about its incarnations.
//!
//! The supervisor writes, the callers read: before each request (`pool`), while they wait for an
//! answer (`cut`), and after a failure (`is_starting`). The first two are counters, so that a caller that looks late misses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

/// News about one service for those who keep connections to it.
#[derive(Debug)]
pub struct Upstream {
    pool: Arc<AtomicU64>,
    cut: watch::Sender<u64>,
    starting: AtomicBool,
}

impl Upstream {
    pub fn new() -> Self {
        Upstream {
            pool: Arc::default(),
            cut: watch::Sender::new(0),
            starting: AtomicBool::default(),
        }
    }

    /// When this has moved, connections kept from before must not be used again.
    pub fn pool(&self) -> u64 {
        self.pool.load(Ordering::SeqCst)
    }

    /// The counter behind [`Upstream::pool`], for those who only know counters. Not to be written.
    pub fn pool_counter(&self) -> Arc<AtomicU64> {
        self.pool.clone()
    }

    /// When this changes, requests sent before will never be answered: give them up.
    pub fn cut(&self) -> watch::Receiver<u64> {
        self.cut.subscribe()
    }

    /// None serves, and the next one is on its way: whatever fails now says nothing about it.
    pub fn is_starting(&self) -> bool {
        self.starting.load(Ordering::Relaxed)
    }

    pub(crate) fn set_starting(&self, is_starting: bool) {
        self.starting.store(is_starting, Ordering::Relaxed);
    }

    /// Makes callers leave their kept connections.
    pub fn swap_pool(&self) {
        self.pool.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes callers give up what they wait for.
    pub fn cut_off(&self) {
        self.cut.send_modify(|count| *count += 1);
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Upstream::new()
    }
}
