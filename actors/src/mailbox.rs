//! A mailbox that is really bounded.
//!
//! actix's own bound leaks: each clone of an address may queue one message past it, `send` clones, and
//! `do_send` ignores it. So a permit is taken before a message is sent, and travels with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock;

/// The bound of one mailbox. Clones share it.
#[derive(Clone, Debug)]
pub struct Bounded {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    capacity: usize,
    permits: Arc<Semaphore>,
    high_water: AtomicUsize,
    rejected: AtomicU64,
}

/// A place in the mailbox; given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    _place: OwnedSemaphorePermit,
}

/// What a mailbox looks like now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub capacity: usize,
    pub depth: usize,
    /// The deepest it has been.
    pub high_water: usize,
    /// Messages turned away since the start.
    pub rejected: u64,
}

/// Why a message got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// There was no place.
    Full,
    /// The actor is gone, or went while it worked on the message.
    Closed,
}

/// A message with its place. What the handler does with the place says what is bounded: dropped at
/// once, it is what is queued; held by the work, it is what is under way.
#[derive(Debug)]
pub struct Letter<M> {
    message: M,
    permit: Permit,
    /// For how long it waits, as its handler sees it.
    pub since: Instant,
}

impl<M> Letter<M> {
    /// Opened inside the work (an `async` block captures the letter whole then), the place is kept
    /// until the work ends or is dropped.
    pub fn open(self) -> (M, Permit) {
        (self.message, self.permit)
    }
}

impl<M: Message> Message for Letter<M> {
    type Result = M::Result;
}

impl Bounded {
    pub fn new(capacity: usize) -> Self {
        let capacity = capacity.min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            capacity,
            permits: Arc::new(Semaphore::new(capacity)),
            high_water: AtomicUsize::new(0),
            rejected: AtomicU64::new(0),
        };
        Bounded { shared: Arc::new(shared) }
    }

    /// Takes a place if there is one; counts the refusal if not.
    pub fn enter(&self) -> Option<Permit> {
        match self.shared.permits.clone().try_acquire_owned() {
            Ok(place) => {
                self.shared.high_water.fetch_max(self.depth(), Ordering::Relaxed);
                Some(Permit { _place: place })
            }
            Err(_) => {
                self.shared.rejected.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Sends `message` if there is a place for it, and waits for the answer.
    pub async fn send<A, M>(&self, to: &Addr<A>, message: M) -> Result<M::Result, Undelivered>
    where
        A: Actor + Handler<Letter<M>>,
        A::Context: ToEnvelope<A, Letter<M>>,
        M: Message + Send + 'static,
        M::Result: Send,
    {
        let permit = self.enter().ok_or(Undelivered::Full)?;
        let since = clock::steady();
        to.send(Letter { message, permit, since }).await.map_err(|_| Undelivered::Closed)
    }

    pub fn reading(&self) -> Reading {
        Reading {
            capacity: self.shared.capacity,
            depth: self.depth(),
            high_water: self.shared.high_water.load(Ordering::Relaxed),
            rejected: self.shared.rejected.load(Ordering::Relaxed),
        }
    }

    fn depth(&self) -> usize {
        self.shared.capacity.saturating_sub(self.shared.permits.available_permits())
    }
}
