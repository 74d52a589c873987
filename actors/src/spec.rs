//! What a service is to its supervisor: a name, an address, a factory, and the rules it lives by.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture};

use crate::exit::Reason;
use crate::incarnation::Incarnation;
use crate::intensity::Rule;
use crate::upstream::Upstream;

/// Why an incarnation ended, in its own words.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Builds and runs one incarnation. Called on the incarnation's own thread, inside its own system:
/// whatever it makes may be `!Send`, and dies with it. Returning ends the incarnation.
pub type Factory =
    Arc<dyn Fn(Incarnation) -> LocalBoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// Makes a [`Factory`] of an async closure.
pub fn factory<R, F>(run: R) -> Factory
where
    R: Fn(Incarnation) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), Failure>> + 'static,
{
    Arc::new(move |incarnation| run(incarnation).boxed_local())
}

/// Whether the end of an incarnation is answered by a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Unless it finished by itself, without an error.
    Transient,
    /// Never.
    Temporary,
}

impl Restart {
    pub(crate) fn again_after(self, reason: Reason) -> bool {
        match self {
            Restart::Permanent => true,
            Restart::Transient => reason != Reason::Finished,
            Restart::Temporary => false,
        }
    }
}

/// The specification of one service.
#[derive(Clone)]
pub struct ServiceSpec {
    /// Unique in its tree; names the thread (`name#generation`), the log lines and the record.
    pub name: &'static str,
    /// Where it listens. Port 0 takes a free one, and keeps it.
    pub address: SocketAddr,
    pub factory: Factory,
    pub restart: Restart,
    pub intensity: Rule,
    /// After this a service that has failed is tried again, as if somebody had started it. `None`:
    /// somebody has to.
    pub cool_down: Option<Duration>,
    /// How long an incarnation may take to report `up`.
    pub start_timeout: Duration,
    /// After a pause: time for connections that are accepted already to reach a worker.
    pub settle: Duration,
    /// How long a replaced incarnation goes on serving the connections it has, each answer asking
    /// the client to leave. Longer than its clients' pauses, and no idle connection is cut.
    pub soft_drain: Duration,
    /// How long requests under way may take to finish, after that.
    pub drain: Duration,
    /// What its callers are told. Keep a clone to listen.
    pub upstream: Arc<Upstream>,
}

impl ServiceSpec {
    /// A permanent service with the usual limits; change the fields that differ.
    pub fn new(name: &'static str, address: SocketAddr, factory: Factory) -> Self {
        ServiceSpec {
            name,
            address,
            factory,
            restart: Restart::Permanent,
            intensity: Rule::default(),
            cool_down: None,
            start_timeout: Duration::from_secs(30),
            settle: Duration::from_millis(50),
            soft_drain: Duration::from_millis(300),
            drain: Duration::from_secs(8),
            upstream: Arc::new(Upstream::new()),
        }
    }
}
