//! One request for one address at a time: the others wait for its answer (RFC 9111, section 4,
//! "collapsed").
//!
//! Whoever comes first leads. When its answer was kept the others find it; when it may not be kept
//! they go by themselves, and for a while nobody waits for this address any more; when it failed, or
//! its client left, the next one leads, and so one after the other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::types::Timestamp;

/// For how long nobody waits at an address whose answer could not be kept.
const ALONE: Duration = Duration::from_secs(10);
/// Addresses that are remembered as such; when there are more, all are forgotten.
const ALONE_MAX: usize = 10_000;
/// Addresses that are fetched at a moment; beyond it nobody waits for anybody.
const FLIGHTS_MAX: usize = 10_000;

/// What became of the leader's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not yet.
    Open,
    Kept,
    NotKept,
    /// It failed, and an older answer stands in for it.
    StoodIn,
    Failed,
}

#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    open: HashMap<String, watch::Receiver<End>>,
    alone: HashMap<String, Timestamp>,
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
        if let Some(until) = state.alone.get(key) {
            if *until > now {
                return Join::Alone;
            }
            state.alone.remove(key);
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead {
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
        state.alone.insert(self.key.clone(), now.plus(ALONE));
        drop(state);
        self.end(End::NotKept);
    }

    fn end(&mut self, end: End) {
        if !std::mem::replace(&mut self.is_over, true) {
            self.flights.lock().open.remove(&self.key);
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

/// Waits for the leader.
pub(super) async fn end_of(mut flight: watch::Receiver<End>) -> End {
    match flight.wait_for(|end| *end != End::Open).await {
        Ok(end) => *end,
        Err(_) => End::Failed,
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
        let (one, two) = (follow(&flights), follow(&flights));
        first.kept();
        assert_eq!((end_of(one).await, end_of(two).await), (End::Kept, End::Kept));
        drop(lead(&flights));
    }

    #[actix_web::test]
    async fn after_a_failure_the_next_one_leads() {
        let flights = Flights::default();
        let first = lead(&flights);
        let (one, two) = (follow(&flights), follow(&flights));
        drop(first);
        assert_eq!((end_of(one).await, end_of(two).await), (End::Failed, End::Failed));
        let second = lead(&flights);
        assert!(matches!(flights.join("a", at(0)), Join::Follow(_)));
        drop(second);
    }

    #[actix_web::test]
    async fn nobody_waits_for_what_cannot_be_kept() {
        let flights = Flights::default();
        let first = lead(&flights);
        let one = follow(&flights);
        first.not_kept(at(0));
        assert_eq!(end_of(one).await, End::NotKept);
        assert!(matches!(flights.join("a", at(9)), Join::Alone));
        assert!(matches!(flights.join("a", at(10)), Join::Lead(_)));
    }
}
