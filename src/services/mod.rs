//! The eight services, and the contract each of them meets.
//!
//! A service is a folder with the same six doors: `mod` (purpose, state, route table), `model`,
//! `handlers`, `store`, `events`, `problem`. It imports no other service and touches no other
//! service's database: they speak by HTTP ([`Peers`]) and by events.

pub mod analytics;
pub mod billing;
pub mod documents;
pub mod notifications;
pub mod payments;
mod peers;
pub mod users;
pub mod utilities;
pub mod webhooks;

use std::error::Error;
use std::sync::Arc;

use busbar_actors::ChildSpec;
use busbar_http::{Check, Kind, Metrics, Problem, Routes};

use crate::events::Event;
use crate::faults::Failpoints;
use crate::jobs::Handlers;
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, ServiceName};

pub use self::peers::Peers;

/// Why a service could not be built.
pub type OpenError = Box<dyn Error + Send + Sync>;

/// What a service is built from: its own part of everything, by value.
#[derive(Clone)]
pub struct Setup<S> {
    /// Open, and at the newest migration.
    pub database: Database,
    pub clock: Clock,
    pub settings: S,
    /// The other services.
    pub peers: Peers,
    pub failpoints: Failpoints,
}

/// A service as the host sees it. Each incarnation is built anew by [`Service::open`].
pub trait Service: Send + Sync + Sized + 'static {
    const NAME: ServiceName;
    /// A commit on SQLite survives the loss of power: for money and accounts.
    const IS_DURABLE: bool;
    /// Its own schema; the common part (events, jobs, requests) is added by the host.
    const MIGRATIONS: &'static [Script];
    type Settings: Clone + Send + Sync + 'static;

    /// Builds the service on an open database.
    fn open(setup: Setup<Self::Settings>) -> impl Future<Output = Result<Self, OpenError>>;

    /// Its table of routes. Handlers find the service as `web::Data<Self>`.
    fn routes() -> Routes;

    /// What it needs besides its database.
    fn checks(&self) -> Vec<Check> {
        Vec::new()
    }

    /// What someone should see to, though it can do its work.
    fn remarks(&self) -> Vec<Check> {
        Vec::new()
    }

    /// What is done for each kind of its durable jobs.
    fn jobs(self: &Arc<Self>) -> Handlers {
        Handlers::new()
    }

    /// What it does on hearing another service, in the transaction that takes the event in.
    fn on_event(
        &self,
        tx: &mut Transaction<'_>,
        event: &Event,
    ) -> impl Future<Output = Result<(), Problem>>;

    /// What it does besides its HTTP, its relay and its jobs, on the incarnation's own thread: started
    /// in this order after those, ended in reverse before them.
    fn children(self: &Arc<Self>) -> Vec<ChildSpec> {
        Vec::new()
    }

    /// Registers metrics of its own.
    ///
    /// # Errors
    /// When a metric is malformed.
    fn measure(&self, _metrics: &Metrics) -> Result<(), prometheus::Error> {
        Ok(())
    }

    /// Its problem table.
    fn problems() -> &'static [Kind] {
        &[]
    }

    /// Its statements, for the test that prepares them on both engines.
    fn statements() -> Vec<&'static [Statement]> {
        Vec::new()
    }
}
