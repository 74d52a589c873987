//! Time and chance of the runtime: the only place that asks for them.
//!
//! The runtime lives in real time even where a test has set the application's clock.
#![allow(clippy::disallowed_methods, reason = "the one place that may ask")]

use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime};

/// The steady clock, for delays.
pub(crate) fn steady() -> Instant {
    Instant::now()
}

/// The wall clock, for people.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// An even chance in `0.0..1.0`. Good enough for jitter, not for secrets.
pub(crate) fn chance() -> f64 {
    // Each `RandomState` is keyed afresh: 53 bits of its hash of nothing are as many as f64 has.
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    bits as f64 / (1_u64 << 53) as f64
}
