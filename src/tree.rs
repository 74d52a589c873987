//! The actor tree: every service in start order, and the collector that watches them.
//!
//! ```text
//! root system
//! ├── Signals                      TERM, INT: stop in reverse order; a second one: at once
//! ├── ServiceSupervisor × 8        each owns its socket and runs incarnations on threads of their own
//! │   └── incarnation              HTTP workers · Relay (events out) · Worker (durable jobs)
//! ├── HealthCollector              asks every /health, tells the gateway, has a hung service replaced
//! └── ServiceSupervisor (gateway)
//!     └── incarnation              HTTP workers, on each a GatewayActor with its awc clients
//! ```

mod by_name;
mod description;
mod front;
mod settings;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_rt::task::JoinHandle;
use busbar_actors::{
    Ending, Failure, Registry, RunningTree, ServiceSpec, StartFaults, Tree, monitor,
};

use crate::health::{Board, HealthCollector, Watch};
use crate::host::{Host, RecordCollector};
use crate::services::analytics::Analytics;
use crate::services::billing::Billing;
use crate::services::documents::Documents;
use crate::services::notifications::Notifications;
use crate::services::payments::Payments;
use crate::services::users::Users;
use crate::services::utilities::Utilities;
use crate::services::webhooks::Webhooks;
use crate::types::ServiceName;
use crate::welcome::Administrator;

pub use self::by_name::migrate;
pub use self::description::document;

/// Between two lives of the collector.
const COLLECTOR_REST: Duration = Duration::from_secs(1);

/// Every service, and what it is built from.
fn spec(
    name: ServiceName,
    host: &Arc<Host>,
    board: &Arc<Board>,
    made: &Made,
) -> Result<ServiceSpec, Failure> {
    Ok(match name {
        ServiceName::Users => host.spec::<Users>(settings::users(host, made)?),
        ServiceName::Payments => host.spec::<Payments>(settings::payments(&host.config)),
        ServiceName::Billing => host.spec::<Billing>(settings::billing(&host.config)),
        ServiceName::Notifications => {
            host.spec::<Notifications>(settings::notifications(&host.config))
        }
        ServiceName::Documents => host.spec::<Documents>(settings::documents(&host.config)?),
        ServiceName::Utilities => host.spec::<Utilities>(()),
        ServiceName::Analytics => host.spec::<Analytics>(settings::analytics(&host.config)),
        ServiceName::Webhooks => host.spec::<Webhooks>(settings::webhooks(&host.config)?),
        ServiceName::Gateway => front::gateway(host, board)?,
    })
}

/// The administrator of a first run, once the users service has made them.
type Made = Arc<Mutex<Option<Administrator>>>;

/// The tree of the services that this process hosts, not started yet.
pub struct Busbar {
    tree: Tree,
    watch: Watch,
    made: Made,
}

/// The tree, running.
pub struct Running {
    tree: RunningTree,
    watching: JoinHandle<()>,
    made: Made,
}

impl Busbar {
    /// # Errors
    /// When a metric is malformed.
    pub fn new(host: &Arc<Host>) -> Result<Busbar, Failure> {
        let tree = Tree::new();
        host.supervised(tree.registry());
        let (made, board) = (Made::default(), front::board(host));
        let hosted = host.config.process.services.iter().copied();
        let (behind, front): (Vec<_>, Vec<_>) = hosted.partition(|name| name.is_domain());
        let specs = |names: Vec<ServiceName>| -> Result<Vec<_>, Failure> {
            names.into_iter().map(|name| spec(name, host, &board, &made)).collect()
        };
        // The services behind the gateway start together, before it, and stop after it.
        let tree = tree.tier(specs(behind)?).tier(specs(front)?);
        for name in &host.config.process.services {
            let record = RecordCollector::new(name.as_str(), tree.registry())?;
            host.metrics(*name)?.register(record)?;
        }
        let watch = front::watch(host, tree.handle(), &board)?;
        Ok(Busbar { tree, watch, made })
    }

    pub fn registry(&self) -> Arc<Registry> {
        self.tree.registry()
    }

    /// Opens every port or none; `stop_limit` is for the stop that comes one day.
    ///
    /// # Errors
    /// Every port that cannot be taken.
    pub async fn start(self, stop_limit: Duration) -> Result<Running, StartFaults> {
        let watching = actix_rt::spawn(keep_watching(self.watch));
        match self.tree.stop_limit(stop_limit).start().await {
            Ok(tree) => Ok(Running { tree, watching, made: self.made }),
            Err(faults) => {
                watching.abort();
                Err(faults)
            }
        }
    }
}

impl Running {
    /// The administrator, if this run has made one.
    pub fn administrator(&self) -> Option<Administrator> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The names of those that were cut.
    pub async fn stop(self, ending: Ending) -> Vec<&'static str> {
        // What stops now is not to be found dead.
        self.watching.abort();
        self.tree.stop(ending).await
    }
}

/// The collector, and a new one should it fall.
async fn keep_watching(watch: Watch) {
    loop {
        let (_collector, end) = monitor::actor(HealthCollector::new(watch.clone()));
        let exit = end.await;
        log::error!("the health collector ended and begins anew: {exit}");
        actix_rt::time::sleep(COLLECTOR_REST).await;
    }
}
