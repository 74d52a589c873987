//! One request for one address at a time: the others wait for its answer (RFC 9111, section 4,
//! "collapsed").
//!
//! Whoever comes first leads. When its answer was kept the others find it; when it may not be kept
//! they go by themselves, and for a while nobody waits for this address any more; when it failed, or
//! its client left or is slow, the next one leads, and so one after the other.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::types::Timestamp;

/// For how long nobody waits at an address whose answer could not be kept.
const ALONE: Duration = Duration::from_secs(10);
/// Addresses that are remembered as such; when there are more, all are forgotten.
const ALONE_MAX: usize = 10_000;
/// How long others wait for the body once its head is there: it goes at the pace of the leader's client,
/// which may take none of it.
const BODY_WAIT: Duration = Duration::from_millis(500);
/// Addresses that are fetched at a moment; beyond it nobody waits for anybody.
const FLIGHTS_MAX: usize = 10_000;

/// What became of the leader's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not yet.
    Open,
    /// Nor that, but the head of an answer that is to be kept has come.
    Coming,
    Kept,
    NotKept,
    /// It failed, and an older answer stands in for it.
    StoodIn,
    Failed,
    /// Its body takes too long.
    Late,
}

#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: HashMap<String, watch::Receiver<End>>,
    /// By the mark of a key: two that have one go alone together, which does no harm.
    alone: HashMap<u64, Timestamp>,
    hasher: RandomState,
}

/// What a request for an address is.
pub(super) enum Join {
    Lead(Lead),
    Follow(watch::Receiver<End>),
    Alone,
}

/// The right and the duty to fetch. Dropped without a word it has failed.
pub(super) struct Lead {
    flights: Flights,
    key: String,
    told: watch::Sender<End>,
    is_over: bool,
}

impl Flights {
    pub(super) fn join(&self, key: &str, now: Timestamp) -> Join {
        let mut state = self.lock();
        let mark = state.hasher.hash_one(key);
        if let Some(until) = state.alone.get(&mark) {
            if *until > now {
                return Join::Alone;
            }
            state.alone.remove(&mark);
        }
        if let Some(flight) = state.open.get(key) {
            return Join::Follow(flight.clone());
        }
        if state.open.len() >= FLIGHTS_MAX {
            return Join::Alone;
        }
        let (told, flight) = watch::channel(End::Open);
        state.open.insert(key.to_owned(), flight);
        Join::Lead(Lead { flights: self.clone(), key: key.to_owned(), told, is_over: false })
    }

    /// Whoever comes next leads, while that flight goes on by itself.
    pub(super) fn leave_behind(&self, key: &str, flight: &watch::Receiver<End>) {
        self.lock().take_off(key, flight);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_off(&mut self, key: &str, flight: &watch::Receiver<End>) {
        if self.open.get(key).is_some_and(|open| open.same_channel(flight)) {
            self.open.remove(key);
        }
    }
}

impl Lead {
    /// The head of an answer has come that is to be kept.
    pub(super) fn is_coming(&self) {
        self.told.send_replace(End::Coming);
    }

    pub(super) fn kept(mut self) {
        self.end(End::Kept);
    }

    pub(super) fn stood_in(mut self) {
        self.end(End::StoodIn);
    }

    pub(super) fn not_kept(mut self, now: Timestamp) {
        let mut state = self.flights.lock();
        if state.alone.len() >= ALONE_MAX {
            state.alone.clear();
        }
        let mark = state.hasher.hash_one(self.key.as_str());
        state.alone.insert(mark, now.plus(ALONE));
        drop(state);
        self.end(End::NotKept);
    }

    fn end(&mut self, end: End) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.flights.lock().take_off(&self.key, &self.told.subscribe());
            // Nobody may wait.
            self.told.send_replace(end);
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.end(End::Failed);
    }
}

/// Somebody else's request that is under way.
pub(in crate::gateway) struct Flight(pub(super) watch::Receiver<End>);

impl Flight {
    /// When it has brought an answer that is kept; never, if it brings none.
    pub(in crate::gateway) async fn kept(mut self) {
        if end_of(&mut self.0).await != End::Kept {
            std::future::pending().await
        }
    }
}

/// Waits for the leader.
pub(super) async fn end_of(flight: &mut watch::Receiver<End>) -> End {
    let begun = flight.wait_for(|end| *end != End::Open).await.map_or(End::Failed, |end| *end);
    if begun != End::Coming {
        return begun;
    }
    let over = flight.wait_for(|end| !matches!(end, End::Open | End::Coming));
    match timeout(BODY_WAIT, over).await {
        Ok(end) => end.map_or(End::Failed, |end| *end),
        Err(_) => End::Late,
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW + seconds)
    }

    fn lead(flights: &Flights) -> Lead {
        match flights.join("a", at(0)) {
            Join::Lead(lead) => lead,
            _ => panic!("somebody leads already"),
        }
    }

    fn follow(flights: &Flights) -> watch::Receiver<End> {
        match flights.join("a", at(0)) {
            Join::Follow(flight) => flight,
            _ => panic!("nobody leads"),
        }
    }

    #[actix_web::test]
    async fn the_first_leads_and_the_others_hear_of_its_end() {
        let flights = Flights::default();
        let first = lead(&flights);
        let (mut one, mut two) = (follow(&flights), follow(&flights));
        first.is_coming();
        first.kept();
        assert_eq!((end_of(&mut one).await, end_of(&mut two).await), (End::Kept, End::Kept));
        drop(lead(&flights));
    }

    #[actix_web::test]
    async fn after_a_failure_the_next_one_leads() {
        let flights = Flights::default();
        let first = lead(&flights);
        let (mut one, mut two) = (follow(&flights), follow(&flights));
        drop(first);
        assert_eq!((end_of(&mut one).await, end_of(&mut two).await), (End::Failed, End::Failed));
        let second = lead(&flights);
        assert!(matches!(flights.join("a", at(0)), Join::Follow(_)));
        drop(second);
    }

    #[actix_web::test]
    async fn nobody_waits_for_what_cannot_be_kept() {
        let flights = Flights::default();
        let first = lead(&flights);
        let mut one = follow(&flights);
        first.not_kept(at(0));
        assert_eq!(end_of(&mut one).await, End::NotKept);
        assert!(matches!(flights.join("a", at(9)), Join::Alone));
        assert!(matches!(flights.join("a", at(10)), Join::Lead(_)));
    }

    #[actix_web::test]
    async fn nobody_waits_long_for_a_leader_whose_client_is_slow() {
        let flights = Flights::default();
        let slow = lead(&flights);
        slow.is_coming();
        let mut one = follow(&flights);
        assert_eq!(end_of(&mut one).await, End::Late);
        flights.leave_behind("a", &one);
        let second = lead(&flights);
        // Its end is not that of the one who leads now.
        slow.kept();
        let mut two = follow(&flights);
        second.kept();
        assert_eq!(end_of(&mut two).await, End::Kept);
    }
}
