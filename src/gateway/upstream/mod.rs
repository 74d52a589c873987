//! What keeps one bad service from hurting everybody.
//!
//! `breaker` says whether an instance is worth asking, `judge` what an outcome says about it,
//! `member` is one instance as all threads see it, `ring` picks among them by `balance` (`slow_start` holds back
//! the one that has just come back). `budget` bounds what is sent again, `shedding` what is taken on
//! at all. `handshake`, `tunnel` and `vigil` are for what lasts longer than a request.

mod balance;
pub(super) mod breaker;
pub(super) mod budget;
pub(super) mod events;
pub(super) mod handshake;
pub(super) mod judge;
pub(super) mod member;
mod recent;
pub(super) mod ring;
pub(super) mod shedding;
mod slow_start;
pub(super) mod tunnel;
pub(super) mod vigil;
