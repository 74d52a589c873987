//! What stands in front of the services: the gateway, and the watch over all of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use busbar_actors::{
    Born, ChildKind, ChildSpec, Children, Exit, Failure, Incarnation, ServiceSpec, TreeHandle,
};
use busbar_http::lane::{Instance, Limits};
use busbar_http::{Health, Kit};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::sync::watch;

use crate::config::{self, AddedRoute};
use crate::gateway::{self, Behind, Gateway, Means, Parts, Plan};
use crate::health::{self, Board, History, Hosted, Shown, Watch};
use crate::host::{Host, Told, serve_incarnation};
use crate::types::ServiceName;

/// For what the gateway does besides its HTTP, to come to its end.
const CHILDREN_DRAIN: Duration = Duration::from_secs(1);

/// What is known of everybody's health.
pub(super) fn board(host: &Host) -> Arc<Board> {
    let health = &host.config.health;
    let (interval_ms, wait_ms) = (health.interval_ms, health.timeout_ms);
    let board = Board::new(Duration::from_millis(interval_ms), Duration::from_millis(wait_ms));
    Arc::new(match host.config.hosts(ServiceName::Gateway) {
        true => board.remembering(History::kept_in(&host.config.process.data_dir)),
        false => board,
    })
}

/// What the gateway's worker threads share, made once; incarnations come and go, and settings change.
pub(super) fn gateway(host: &Arc<Host>, board: &Arc<Board>) -> Result<Arc<Gateway>, Failure> {
    let gateway = Gateway::new(Parts {
        plan: plan(host),
        shows_legacy_names: host.config.metrics.legacy_names,
        metrics: host.metrics(ServiceName::Gateway)?,
        board: board.clone(),
        clock: host.clock.clone(),
        means: means(host),
        utilities: host.peers(ServiceName::Gateway).to(ServiceName::Utilities).cloned(),
    })?;
    // By what holds then: another one may have come meanwhile.
    let renewed = gateway.clone();
    host.heed(Box::new(move |_, host| renewed.renew(|| plan(&host.now()))));
    let renewed = gateway.clone();
    host.heed_names(Box::new(move |host| renewed.renew(|| plan(&host.now()))));
    Ok(gateway)
}

/// The gateway as a service.
pub(super) fn gateway_spec(host: &Arc<Host>, gateway: &Arc<Gateway>) -> ServiceSpec {
    let document: Arc<str> = super::document().to_string().into();
    let (host_of_runs, gateway) = (host.clone(), gateway.clone());
    host.spec_of(ServiceName::Gateway, move |incarnation| {
        serve(incarnation, host_of_runs.now(), gateway.clone(), document.clone())
    })
}

/// What the settings of a host make of it.
fn plan(host: &Host) -> Plan {
    let settings = host.config.gateway.clone();
    let limits = gateway::limits(&settings, settings.request_timeout_ms);
    let behind = |service: ServiceName| Behind {
        name: service.as_str().into(),
        service: Some(service),
        bases: host.bases(service),
        limits: limits.clone(),
        news: host.upstream(service),
    };
    let added = settings.routes.0.iter().map(|route| added(host, route, &settings));
    let services = ServiceName::domain().map(behind).chain(added).collect();
    Plan { documents: host.config.documents.clone(), services, settings }
}

/// How the gateway knows whom it lets in.
fn means(host: &Host) -> Means {
    let peers = host.peers(ServiceName::Gateway);
    Means {
        verifier: Arc::new(host.verifier(&peers)),
        users: peers.to(ServiceName::Users).cloned(),
    }
}

/// What an added route leads to.
fn added(host: &Host, route: &AddedRoute, settings: &config::Gateway) -> Behind {
    let bases = host.bases_at(&route.upstreams);
    let limits = gateway::limits(settings, route.timeout_ms);
    Behind { name: route.prefix.as_str().into(), service: None, bases, limits, news: None }
}

/// One life of the gateway.
async fn serve(
    incarnation: Incarnation,
    host: Host,
    gateway: Arc<Gateway>,
    document: Arc<str>,
) -> Result<(), Failure> {
    if incarnation.generation == 1 {
        gateway.listing().iter().for_each(|line| log::info!("routes to {line}"));
    }
    let (generation, draining) = (incarnation.generation, incarnation.draining.clone());
    let health = Health::new("api-gateway", generation, draining.clone(), Vec::new());
    let (figures, at_once) = (gateway.clone(), gateway.clone());
    let faults = host.faults(ServiceName::Gateway);
    let injected = faults.clone();
    let kit = Kit {
        metrics: host.metrics(ServiceName::Gateway)?,
        health: web::Data::new(health.until(host.leaving.clone())),
        draining,
        verifier: None,
        service_key: None,
        before: None,
        at_once: Some(Arc::new(move |request, start| {
            injected.strike(request.path());
            at_once.at_once(request, start)
        })),
        document,
        figures: Some(Arc::new(move || figures.figures())),
    };
    let service = Some((ServiceName::Gateway, &host));
    let told = Told { incarnation: &incarnation, faults: &faults, service };
    let limits = host.limits(ServiceName::Gateway);
    let ears = [
        ear("sessions", &gateway, |gateway| gateway.hear_ended().boxed_local()),
        ear("changes", &gateway, |gateway| gateway.hear_changes().boxed_local()).unessential(),
    ];
    let ears = ears.map(|ear| {
        let name = ear.name;
        ear.within(host.rule(ServiceName::Gateway)).wrapped(faults.fall(name))
    });
    let mut children = Children::start(ears, &incarnation.household());
    let configured = incarnation.clone();
    let configure = move |config: &mut web::ServiceConfig| gateway.configure(&configured, config);
    let ended = serve_incarnation(told, &limits, kit, configure, children.lost()).await;
    children.leave(CHILDREN_DRAIN).await;
    ended
}

/// What the gateway does besides its HTTP.
fn ear(
    name: &'static str,
    gateway: &Arc<Gateway>,
    hear: fn(Arc<Gateway>) -> LocalBoxFuture<'static, ()>,
) -> ChildSpec {
    let gateway = gateway.clone();
    ChildSpec::new(name, ChildKind::Task, move || Born {
        life: hear(gateway.clone()).map(|()| Exit::finished()).boxed_local(),
        leave: None,
    })
}

/// Whom the collector watches: what the gateway shows if it is hosted here, and each hosted service
/// for its supervisor's sake.
pub(super) fn watch(host: &Host, tree: TreeHandle, board: &Arc<Board>) -> Result<Watch, Failure> {
    let config = &host.config;
    let limits = health::limits(&config.health);
    let mut hosted = Vec::new();
    for service in config.process.services.iter().copied() {
        let url = own_url(config.server.bind, config.services.get(service).port);
        let instance = Instance::new(url.parse()?, limits.clone());
        hosted.push(Hosted { service, instance, metrics: host.metrics(service)? });
    }
    let list = move |host: &Host| health::watched(hosted.clone(), shown(host, &limits));
    let (listed, watched) = watch::channel(list(host));
    host.heed_names(Box::new(move |host| drop(listed.send_replace(list(host)))));
    let (authorization, settings) =
        (host.authorization(ServiceName::Gateway), config.health.clone());
    let (board, worn_out) = (board.clone(), Arc::default());
    Ok(Watch { settings, watched, tree, board, authorization, worn_out })
}

/// What the gateway shows of the services behind it.
fn shown(host: &Host, limits: &Limits) -> Vec<Shown> {
    let services = ServiceName::domain().filter(|_| host.config.hosts(ServiceName::Gateway));
    let of_service = |service| {
        let instance = move |(number, base)| {
            let instance = Instance::new(base, limits.clone());
            Shown { service, number, instance }
        };
        host.bases(service).into_iter().map(instance)
    };
    services.flat_map(of_service).collect()
}

/// Where this process reaches a service that it hosts.
fn own_url(bind: IpAddr, port: u16) -> String {
    match bind {
        bind if bind.is_unspecified() => format!("http://127.0.0.1:{port}"),
        IpAddr::V6(bind) => format!("http://[{bind}]:{port}"),
        IpAddr::V4(bind) => format!("http://{bind}:{port}"),
    }
}
