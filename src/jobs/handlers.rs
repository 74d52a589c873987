//! What is done for each kind of job, and how long it is tried.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use busbar_http::Problem;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::types::Backoff;

use super::{Job, Lane};

type Handler = Rc<dyn Fn(Job) -> LocalBoxFuture<'static, Result<(), Problem>>>;

/// How failures of a kind of job are met.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Patience {
    pub backoff: Backoff,
    /// So many failures in a row make a job dead. `None`: it is tried for ever.
    pub failures_max: Option<u32>,
}

impl Default for Patience {
    fn default() -> Patience {
        let backoff = Backoff { floor_ms: 500, ceiling_ms: 300_000 };
        Patience { backoff, failures_max: Some(20) }
    }
}

impl Patience {
    /// For work that must come to its end, whatever it takes: where money has moved.
    pub fn endless() -> Patience {
        Patience { failures_max: None, ..Patience::default() }
    }
}

/// The handlers of a service's jobs, by kind.
#[derive(Clone, Default)]
pub struct Handlers {
    known: HashMap<&'static str, (Patience, Handler)>,
    lanes: BTreeMap<Lane, usize>,
}

impl Handlers {
    pub fn new() -> Handlers {
        Handlers::default()
    }

    /// Does jobs of this kind with `handler`.
    ///
    /// The handler finishes the job in the transaction of its effect, or gives it back. A job that
    /// it returns `Ok` for without either is finished for it; an error gives the job back, later
    /// and later. It may be called again for the same job after a crash: its effect must stand
    /// that. It is dropped at an await when its lease is lost, or the incarnation ends.
    pub fn on<F>(self, kind: &'static str, handler: impl Fn(Job) -> F + 'static) -> Handlers
    where
        F: Future<Output = Result<(), Problem>> + 'static,
    {
        self.on_with(kind, Patience::default(), handler)
    }

    /// As [`Handlers::on`], with a patience of its own.
    pub fn on_with<F>(
        mut self,
        kind: &'static str,
        patience: Patience,
        handler: impl Fn(Job) -> F + 'static,
    ) -> Handlers
    where
        F: Future<Output = Result<(), Problem>> + 'static,
    {
        let handler: Handler = Rc::new(move |job| handler(job).boxed_local());
        self.known.insert(kind, (patience, handler));
        self
    }

    /// Opens a lane: so many of its jobs are worked on at a time, beside those of the others.
    pub fn lane(mut self, lane: Lane, places_max: usize) -> Handlers {
        self.lanes.insert(lane, places_max);
        self
    }

    /// The lanes beside the common one, with their places.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (Lane, usize)> {
        self.lanes.iter().map(|(lane, places)| (*lane, *places))
    }

    pub(super) fn of(&self, kind: &str) -> Option<(Patience, Handler)> {
        self.known.get(kind).cloned()
    }

    pub(super) fn kinds(&self) -> Vec<&'static str> {
        self.known.keys().copied().collect()
    }
}
