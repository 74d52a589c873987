//! One life of a domain service, from its database to its last answer.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Json};
use busbar_actors::{ChildSpec, Children, Failure, Incarnation};
use busbar_http::problem::kinds;
use busbar_http::{Check, Health, Kit, Metrics, Problem, Routes, ServiceCaller, about};
use futures_util::FutureExt;

use crate::events::inbox::{self, Consumer, Inbox};
use crate::events::relay::{Drain as DrainRelay, Relay};
use crate::events::{Event, changed};
use crate::faults::Failpoints;
use crate::health::INSIDE_PATH;
use crate::jobs::{Drain as DrainWorker, Worker};
use crate::requests;
use crate::services::{Peers, Service, Setup};
use crate::storage::{Database, Transaction};
use crate::types::Clock;

use super::meters::PoolCollector;
use super::{Host, Told, serve_incarnation};

/// For the database, to answer or to take a row: a check may take a little longer.
const DATABASE_WAIT: Duration = Duration::from_millis(900);
/// For all children, to come to their ends: longer than the relay and the worker take for theirs.
const CHILDREN_DRAIN: Duration = Duration::from_secs(12);

/// The service as the inbox sees it.
struct Listener<S>(Arc<S>);

impl<S: Service> Consumer for Listener<S> {
    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        self.0.on_event(tx, event).await
    }
}

/// One life of a service: database, server, relay, worker and what else it does, until the server is
/// stopped.
pub(super) async fn run<S: Service>(
    incarnation: Incarnation,
    host: Arc<Host>,
    settings: S::Settings,
) -> Result<(), Failure> {
    let faults = host.faults(S::NAME);
    if faults.fails_start() {
        return Err("an injected failure to start".into());
    }
    let database = host.database::<S>().await?;
    let _closing = database.closing();
    let peers = host.peers(S::NAME);
    let metrics = host.metrics(S::NAME)?;
    let setup = Setup {
        database: database.clone(),
        clock: host.clock.clone(),
        settings,
        peers: peers.clone(),
        failpoints: Failpoints::new(host.config.faults.point.as_deref()),
    };
    let service = Arc::new(S::open(setup).await?);
    service.measure(&metrics)?;
    metrics.register(PoolCollector::new(S::NAME.as_str(), database.clone())?)?;

    let road = host.road(S::NAME, &database, &metrics, &peers)?;
    let desk = host.desk(service.jobs(), &database, &metrics)?;
    let mut remarks =
        vec![road.meters.check(), desk.meters.check(), writes(&database, &host.clock)];
    remarks.extend(service.remarks());
    let kept = Duration::from_secs(u64::from(host.config.requests.retention_days) * 24 * 3_600);
    let (forgotten, clock) = (database.clone(), host.clock.clone());
    let forget = move |ended| requests::forget_old(forgotten.clone(), clock.clone(), kept, ended);
    let common = [
        ChildSpec::actor("relay", move || Relay::new(road.clone()), || DrainRelay),
        ChildSpec::actor("worker", move || Worker::new(desk.clone()), || DrainWorker),
        ChildSpec::task("forgetting", forget).unessential(),
    ];
    let rule = host.rule(S::NAME);
    let specs = common.into_iter().chain(service.children()).map(|child| {
        let name = child.name;
        child.within(rule.clone()).wrapped(faults.fall(name))
    });
    let mut children = Children::start(specs, &incarnation.household());
    let listener = Listener(service.clone());
    let inbox = Inbox::new(database.clone(), host.clock.clone(), listener, &metrics)?;
    let inbox = web::Data::new(inbox);
    let said = changed::Said { database: database.clone(), clock: host.clock.clone() };
    let said = web::Data::new(said);
    let kit = kit::<S>(&incarnation, &host, &database, &service, &peers, metrics, remarks);
    let inside_of = host.clone();
    let (service, clock, injected) = (web::Data::from(service), host.clock.clone(), faults.clone());
    let configure = move |config: &mut web::ServiceConfig| {
        config.app_data(service.clone()).app_data(inbox.clone()).app_data(said.clone());
        S::routes().and(internal_routes::<S>(&inside_of)).register(config);
        injected.routes(&clock).register(config);
    };
    let told = Told { incarnation: &incarnation, faults: &faults, service: Some((S::NAME, &host)) };
    let ended =
        serve_incarnation(told, &host.limits(S::NAME), kit, configure, children.lost()).await;

    // Whatever these hold is released now rather than when its lease runs out.
    children.leave(CHILDREN_DRAIN).await;
    // A thread that is blocked may hold a connection for good.
    let _ = tokio::time::timeout(CHILDREN_DRAIN, database.close()).await;
    ended
}

fn internal_routes<S: Service>(host: &Arc<Host>) -> Routes {
    let host = host.clone();
    Routes::new()
        .post(
            "/internal/events",
            about("Hears events of other services").internal(),
            inbox::receive::<Listener<S>>,
        )
        .get(
            changed::PATH,
            about("What has changed of what everybody may read").internal(),
            changed::list,
        )
        .get(INSIDE_PATH, about("How the service is inside").internal(), move |_: ServiceCaller| {
            let inside = host.inside(S::NAME).map(Json);
            async { inside.ok_or_else(|| kinds::NOT_FOUND.problem()) }
        })
}

fn kit<S: Service>(
    incarnation: &Incarnation,
    host: &Host,
    database: &Database,
    service: &S,
    peers: &Peers,
    metrics: Metrics,
    remarks: Vec<Check>,
) -> Kit {
    let mut checks = vec![ping(database)];
    checks.extend(service.checks());
    let name = format!("{}-service", S::NAME.origin());
    let health = Health::new(name, incarnation.generation, incarnation.draining.clone(), checks)
        .remarking(remarks)
        .until(host.leaving.clone());
    let document = S::routes().document(S::NAME.as_str(), "").to_string();
    Kit {
        metrics,
        health: web::Data::new(health),
        draining: incarnation.draining.clone(),
        verifier: Some(Arc::new(host.verifier(peers))),
        service_key: Some(host.service_key.clone()),
        before: host.faults(S::NAME).before(),
        document: document.into(),
        at_once: None,
        figures: None,
    }
}

fn ping(database: &Database) -> Check {
    let database = database.clone();
    let ask = move || {
        let database = database.clone();
        let answered = async move {
            database.ping(DATABASE_WAIT).await.map_err(|_| "does not answer".to_owned())
        };
        answered.boxed_local()
    };
    Check { name: "database", ask: Arc::new(ask) }
}

/// A remark: what can be read is still answered.
fn writes(database: &Database, clock: &Clock) -> Check {
    let (database, clock) = (database.clone(), clock.clone());
    let ask = move || {
        let (database, now) = (database.clone(), clock.now());
        let written = async move {
            let failure = database.write_failure(now, DATABASE_WAIT).await;
            failure.map_or(Ok(()), |what| Err(format!("cannot be written: {what}")))
        };
        written.boxed_local()
    };
    Check { name: "database_writes", ask: Arc::new(ask) }
}
