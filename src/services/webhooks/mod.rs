//! Webhooks (3008): tells other systems what happened, after Standard Webhooks 1.0.0.
//!
//! Staff name endpoints and the events that each hears. An event becomes a message and a delivery
//! for each of them, in the transaction that takes it in; `dispatch` sends what is due, so many to
//! one endpoint at a time that none waits for another, and tries for three days. Addresses are
//! judged when an endpoint is made and again when one is dialled. Reading order: `model`, the rules
//! (`guard`, `filter`, `sign`, `seal`, `schedule`), `handlers`, `events`, `dispatch`, `store`.

mod dispatch;
mod events;
mod filter;
mod guard;
mod handlers;
mod meters;
mod model;
mod problem;
mod schedule;
mod seal;
mod sign;
mod store;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use busbar_actors::ChildSpec;
use busbar_http::client::outside::{Bounds, Judge, Names, Outside, Tls};
use busbar_http::{About, Kind, Metrics, Problem, Routes, about};

use crate::agreed::OwnKey;
use crate::config;
use crate::events::Event;
use crate::faults::Failpoints;
use crate::jobs::Handlers;
use crate::services::{OpenError, Service, Setup};
use crate::storage::{Database, Script, Statement, Transaction};
use crate::types::{Clock, ServiceName};

use self::guard::{Guard, Rule};
use self::handlers::{delivery, endpoint, state};
use self::meters::Meters;
use self::model::delivery::{DeliveryView, Replay, ReplayOrder};
use self::model::endpoint::{EndpointChange, EndpointView, NewEndpoint, Rotation};
use self::seal::Seal;

/// From the name of an endpoint to an open connection.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// What is read of an answer, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;
/// What a lease is longer than a call: for writing down how it went.
const LEASE_MARGIN: Duration = Duration::from_secs(10);
const HOUR: Duration = Duration::from_secs(3_600);

const PAGE: &[(&str, &str)] = &[("limit", "1 to 100, 20 if not said"), ("cursor", "next_cursor")];
const DELIVERY_QUERY: &[(&str, &str)] = &[
    ("status", "pending, delivered or failed"),
    ("limit", "1 to 100, 20 if not said"),
    ("cursor", "The next_cursor of the page before"),
];

/// The webhooks service.
pub struct Webhooks {
    database: Database,
    clock: Clock,
    failpoints: Failpoints,
    guard: Guard,
    names: Names,
    tls: Tls,
    bounds: Bounds,
    seal: Seal,
    meters: Meters,
    endpoint_parallel: u32,
    pending_max: u32,
    disable_after: Duration,
    retention: Duration,
    /// How long a delivery is held while it is sent.
    lease: Duration,
}

/// What the service needs to know.
#[derive(Clone)]
pub struct Settings {
    pub section: config::Webhooks,
    /// What is kept of endpoints' secrets is encrypted under it. Several instances share it.
    pub secret: OwnKey,
    /// Names that come before those of the system: for tests.
    pub hosts_file: Option<PathBuf>,
}

impl Webhooks {
    /// This thread's way to endpoints.
    fn outside(&self) -> Outside {
        let guard = self.guard.clone();
        let judge: Judge =
            Arc::new(move |url, address| guard.address(url, address).map_err(Rule::as_str));
        Outside::new(self.tls.clone(), self.names.clone(), judge, self.bounds)
    }
}

impl Service for Webhooks {
    const NAME: ServiceName = ServiceName::Webhooks;
    /// What was taken in is owed to endpoints, whatever happens to the machine.
    const IS_DURABLE: bool = true;
    const MIGRATIONS: &'static [Script] = &[Script {
        version: 100,
        name: "webhooks/0100_init",
        text: include_str!("../../../migrations/webhooks/0100_init.sql"),
    }];
    type Settings = Settings;

    async fn open(setup: Setup<Settings>) -> Result<Webhooks, OpenError> {
        let Setup { database, clock, settings, failpoints, .. } = setup;
        let Settings { section, secret, hosts_file } = settings;
        let total = Duration::from_millis(section.timeout_ms);
        let secret = secret.agreed(&database, &clock).await?;
        let webhooks = Webhooks {
            database,
            clock,
            failpoints,
            guard: Guard::new(&section.allow_networks),
            names: Names::after_file(hosts_file),
            tls: Tls::trusting(section.ca_file.as_deref())?,
            bounds: Bounds {
                connect: CONNECT_WAIT_MAX.min(total),
                total,
                body_bytes_max: ANSWER_BYTES_MAX,
            },
            seal: Seal::derive(&secret)?,
            meters: Meters::new()?,
            endpoint_parallel: section.endpoint_parallel,
            pending_max: section.pending_max,
            disable_after: HOUR * u32::try_from(section.disable_after_hours)?,
            retention: HOUR * 24 * section.retention_days,
            lease: total + LEASE_MARGIN,
        };
        upkeep::begin(&webhooks).await.map_err(|problem| problem.to_string())?;
        Ok(webhooks)
    }

    fn routes() -> Routes {
        let staff = |what| about(what).staff();
        let shown = |what| staff(what).gives::<EndpointView>();
        let queued = |what| staff(what).gives::<DeliveryView>().status(202);
        Routes::new()
            .post(
                "/webhooks",
                staff("Make a webhook; shows its secret once")
                    .takes::<NewEndpoint>()
                    .creates::<EndpointView>(),
                endpoint::create,
            )
            .get(
                "/webhooks",
                staff("List webhooks").lists::<EndpointView>().query(PAGE),
                endpoint::list,
            )
            .get(
                "/webhooks/deliveries/{id}",
                staff("A delivery with its attempts").gives::<DeliveryView>(),
                delivery::show,
            )
            .post("/webhooks/deliveries/{id}/retry", queued("Send it now"), delivery::retry)
            .get("/webhooks/{id}", shown("Show a webhook"), endpoint::show)
            .patch(
                "/webhooks/{id}",
                shown("Change a webhook").takes::<EndpointChange>(),
                endpoint::change,
            )
            .delete("/webhooks/{id}", staff("Delete a webhook").status(204), endpoint::delete)
            .post("/webhooks/{id}/pause", shown("Let deliveries wait"), state::pause)
            .post("/webhooks/{id}/resume", shown("Send what has waited"), state::resume)
            .post("/webhooks/{id}/enable", shown("Enable it after it was disabled"), state::enable)
            .post("/webhooks/{id}/test", queued("Send a test message"), state::test)
            .post(
                "/webhooks/{id}/secret/rotate",
                shown("Make a new secret; shows it once").takes::<Rotation>(),
                state::rotate,
            )
            .get(
                "/webhooks/{id}/deliveries",
                staff("List deliveries").lists::<DeliveryView>().query(DELIVERY_QUERY),
                delivery::list,
            )
            .post("/webhooks/{id}/replay", replayed(), delivery::replay)
    }

    fn jobs(self: &Arc<Self>) -> Handlers {
        upkeep::handlers(self)
    }

    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        events::heard(tx, event, self.pending_max, self.clock.now()).await
    }

    fn children(self: &Arc<Self>) -> Vec<ChildSpec> {
        let webhooks = self.clone();
        let dispatch = move |ended| dispatch::run(webhooks.clone(), ended);
        vec![ChildSpec::task("dispatcher", dispatch)]
    }

    fn measure(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        self.meters.register(metrics)
    }

    fn problems() -> &'static [Kind] {
        problem::PROBLEMS
    }

    fn statements() -> Vec<&'static [Statement]> {
        store::statements()
    }
}

fn replayed() -> About {
    let what = about("Send the deliveries of a period again").staff();
    what.takes::<ReplayOrder>().gives::<Replay>().status(202)
}
