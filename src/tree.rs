//! The actor tree: every service in start order, and the collector that watches them.
//!
//! ```text
//! root system
//! ├── Signals                      TERM, INT: stop in reverse order; a second one: at once; HUP: settings
//! ├── names                        looks up those of dns+http addresses
//! ├── HealthCollector              asks every /health, tells the gateway, has a hung service replaced
//! ├── ServiceSupervisor (admin)    port 3009: started first, stopped last
//! ├── ServiceSupervisor × 8        each owns its socket and runs incarnations on threads of their own
//! │   └── incarnation              HTTP workers; children, kept alive one by one:
//! │       └── Relay (events out) · Worker (durable jobs) · what the service does besides
//! └── ServiceSupervisor (gateway)
//!     └── incarnation              HTTP workers, on each a GatewayActor with its awc clients
//! ```
//!
//! `GET /admin/actors` shows the same, live.

mod admin;
mod by_name;
mod description;
mod front;
mod settings;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_rt::System;
use busbar_actors::{
    Born, ChildKind, ChildSpec, Children, Ending, Exit, Failure, Listed, Registry, RunningTree,
    ServiceSpec, Tree,
};
use futures_util::FutureExt;

use crate::admin::Admin;
use crate::chronicle::Chronicle;
use crate::gateway::Gateway;
use crate::health::{HealthCollector, Watch, while_all_stop};
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

/// For what runs beside the services, to come to its end.
const BESIDE_DRAIN: Duration = Duration::from_secs(1);

/// Every service, and what it is built from.
fn spec(
    name: ServiceName,
    host: &Arc<Host>,
    gateway: Option<&Arc<Gateway>>,
    made: &Made,
) -> Result<ServiceSpec, Failure> {
    let made = made.clone();
    match name {
        ServiceName::Users => host.spec::<Users>(move |host| settings::users(host, &made)),
        ServiceName::Payments => host.spec::<Payments>(settings::payments),
        ServiceName::Billing => host.spec::<Billing>(settings::billing),
        ServiceName::Notifications => host.spec::<Notifications>(settings::notifications),
        ServiceName::Documents => host.spec::<Documents>(settings::documents),
        ServiceName::Utilities => host.spec::<Utilities>(|_| Ok(())),
        ServiceName::Analytics => host.spec::<Analytics>(settings::analytics),
        ServiceName::Webhooks => host.spec::<Webhooks>(settings::webhooks),
        ServiceName::Gateway => {
            Ok(front::gateway_spec(host, gateway.ok_or("there is no gateway to start")?))
        }
    }
}

/// The administrator of a first run, once the users service has made them.
type Made = Arc<Mutex<Option<Administrator>>>;

/// The tree of the services that this process hosts, not started yet.
pub struct Busbar {
    host: Arc<Host>,
    tree: Tree,
    watch: Watch,
    made: Made,
    chronicle: Arc<Chronicle>,
}

/// The tree, running.
pub struct Running {
    tree: RunningTree,
    beside: Children,
    watch: Watch,
    made: Made,
    chronicle: Arc<Chronicle>,
    _signals: Listed,
}

impl Busbar {
    /// To be called on the system that is to be the root.
    ///
    /// # Errors
    /// When a metric is malformed.
    pub fn new(host: &Arc<Host>) -> Result<Busbar, Failure> {
        let (made, board) = (Made::default(), front::board(host));
        let hosted = host.config.process.services.iter().copied();
        let (behind, front): (Vec<_>, Vec<_>) = hosted.partition(|name| name.is_domain());
        let gateway = front.first().map(|_| front::gateway(host, &board)).transpose()?;
        let specs = |names: Vec<ServiceName>| -> Result<Vec<_>, Failure> {
            names.into_iter().map(|name| spec(name, host, gateway.as_ref(), &made)).collect()
        };
        let chronicle = Arc::new(Chronicle::new(host.config.process.data_dir.clone())?);
        let tree = Tree::new().chronicle(chronicle.clone());
        let registry = tree.registry();
        chronicle.tell(&registry);
        host.supervised(registry.clone());
        let root = System::current().arbiter().clone();
        let admin = Admin::new(host.clone(), tree.handle(), gateway.clone(), root);
        // Who looks after the process can do so while the services start, and until the last has stopped.
        // The services behind the gateway start together, before it, and stop after it.
        let tree = tree
            .tier(admin::spec(host, &admin, &registry)?)
            .tier(specs(behind)?)
            .tier(specs(front)?);
        for name in &host.config.process.services {
            let record = RecordCollector::new(name.as_str(), registry.clone())?;
            host.metrics(*name)?.register(record)?;
        }
        let watch = front::watch(host, tree.handle(), &board)?;
        host.heed(Box::new(|_, host| host.names_may_be_others()));
        Ok(Busbar { host: host.clone(), tree, watch, made, chronicle })
    }

    pub fn registry(&self) -> Arc<Registry> {
        self.tree.registry()
    }

    /// Opens every port or none; `stop_limit` is for the stop that comes one day.
    ///
    /// # Errors
    /// Every port that cannot be taken.
    pub async fn start(self, stop_limit: Duration) -> Result<Running, Failure> {
        let Busbar { host, tree, watch, made, chronicle } = self;
        host.find_names().await;
        let household = tree.handle().household();
        let watching = watch.clone();
        let signals = household.list("signals", ChildKind::Actor, true, None);
        let collector =
            ChildSpec::lasting("health", move || HealthCollector::new(watching.clone()));
        let names = ChildSpec::new("names", ChildKind::Task, move || {
            let host = host.clone();
            let life = async move { host.follow_names().await }.map(|()| Exit::finished());
            Born { life: life.boxed_local(), leave: None }
        });
        let beside = [names, collector].map(ChildSpec::unessential);
        let beside = Children::start(beside, &household);
        match tree.stop_limit(stop_limit).start().await {
            Ok(tree) => Ok(Running { tree, beside, watch, made, chronicle, _signals: signals }),
            Err(faults) => {
                beside.leave(BESIDE_DRAIN).await;
                Err(admin::explained(faults))
            }
        }
    }
}

impl Running {
    /// The administrator, if this run has made one.
    pub fn administrator(&self) -> Option<Administrator> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many threads are blocked for good that only a new process helps.
    pub async fn worn_out(&self) {
        self.watch.worn_out.notified().await;
    }

    /// The names of those that were cut.
    pub async fn stop(self, ending: Ending) -> Vec<&'static str> {
        // What stops now is not to be found dead.
        self.beside.leave(BESIDE_DRAIN).await;
        let cut = tokio::select! {
            cut = self.tree.stop(ending) => cut,
            never = while_all_stop(self.watch) => match never {},
        };
        self.chronicle.close();
        cut
    }
}
