//! The one way to build a server: limits, layers, health, metrics and the API description.

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_rt::net::TcpStream;
use actix_server::{GracefulShutdownSignal, Server};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, fn_service,
    map_config,
};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpRequest, HttpResponse, web};
use futures_util::future::ready;

use crate::access::{Access, AtOnce};
use crate::body::BodyLimit;
use crate::caller::{ServiceKey, Verifier};
use crate::connection::{Expecting, Made, Repeats, Stream, Times, introduce, kept, through};
use crate::guard::Before;
use crate::health::{self, Health};
use crate::metrics::{AtHand, Metrics};
use crate::pulse::Part;
use crate::routes::{Routes, about, not_found};

/// The bounds of one server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Worker threads.
    pub workers: usize,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long a client may take to send a request's head.
    pub client_request_timeout: Duration,
    /// How long a graceful stop waits for requests in flight; whole seconds.
    pub drain: Duration,
    /// Open connections per worker.
    pub connections_max: usize,
    /// JSON bodies, in bytes.
    pub body_bytes_max: usize,
}

/// Threads for blocking work per worker.
const BLOCKING_THREADS_MAX: usize = 4;
/// How long a client may take to close its side after the last answer.
const DISCONNECT_WAIT: Duration = Duration::from_secs(1);

/// What every server carries besides its routes.
#[derive(Clone)]
pub struct Kit {
    pub metrics: Metrics,
    pub health: web::Data<Health>,
    /// Set when this incarnation is about to go.
    pub draining: Arc<AtomicBool>,
    pub verifier: Option<Arc<Verifier>>,
    pub service_key: Option<Arc<ServiceKey>>,
    /// Asked before each handler; for the injection of faults.
    pub before: Option<Before>,
    /// Knows some answers before any route is looked for.
    pub at_once: Option<AtOnce>,
    /// The OpenAPI document, JSON.
    pub document: Arc<str>,
    /// The JSON of `/metrics`; the server's own figures when absent.
    pub figures: Option<Arc<dyn Fn() -> serde_json::Value + Send + Sync>>,
}

/// Builds a server on a socket that somebody else owns. It handles no signals and starts to run
/// when it is first polled.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve<F>(
    listener: TcpListener,
    limits: &Limits,
    kit: Kit,
    configure: F,
) -> std::io::Result<Server>
where
    F: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let body_limit = BodyLimit(limits.body_bytes_max);
    let (metrics, at_once, draining) =
        (kit.metrics.clone(), kit.at_once.is_some(), kit.draining.clone());
    kit.metrics.pulse().start(kit.health.generation(), Part::Main);
    let factory = move || {
        kit.metrics.pulse().start(kit.health.generation(), Part::Worker);
        let access = Rc::new(Access {
            metrics: kit.metrics.clone(),
            draining: kit.draining.clone(),
            at_once: kit.at_once.clone(),
            series: AtHand::new(kit.metrics.clone()),
            desk: kit.metrics.underway().desk(kit.health.generation()),
        });
        App::new()
            .app_data(body_limit)
            .app_data(kit.metrics.clone())
            .default_service(web::to(not_found))
            // First, so that a server may have its own instead of what all have.
            .configure(&configure)
            .configure(|config| equip(config, &kit))
            .wrap(from_fn(move |request, next| access.clone().handle(request, next)))
    };
    let builder = Server::build()
        .workers(limits.workers)
        .worker_max_blocking_threads(BLOCKING_THREADS_MAX)
        .max_concurrent_connections(limits.connections_max)
        .shutdown_timeout(limits.drain.as_secs().max(1))
        .disable_signals();
    let drain = builder.graceful_shutdown_signal();
    let (limits, address) = (limits.clone(), listener.local_addr()?);
    let server = builder.listen(format!("http-{address}"), listener, move || {
        let repeats = at_once.then(|| Repeats::new(metrics.clone(), draining.clone()));
        connections(factory(), limits.clone(), drain.clone(), (metrics.clone(), repeats))
    })?;
    Ok(server.run())
}

/// What a worker thread does with connections: each gets a [`Stream`] under actix's own protocol,
/// and the app answers what comes on it.
fn connections<A, F>(
    app: A,
    limits: Limits,
    drain: GracefulShutdownSignal,
    (metrics, repeats): (Metrics, Option<Rc<Repeats>>),
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    A: IntoServiceFactory<F, Request>,
    F: ServiceFactory<
            Request,
            Config = AppConfig,
            Response = ServiceResponse<BoxBody>,
            Error = actix_web::Error,
            InitError = (),
        > + 'static,
    F::Service: 'static,
    F::Future: 'static,
    <F::Service as Service<Request>>::Future: 'static,
{
    let refused = metrics.refused();
    let times = Times { head_max: limits.client_request_timeout, idle_max: limits.keep_alive };
    let made = Made::default();
    let app = map_config(app.into_factory(), |()| AppConfig::default())
        .map_err(|error| Response::from(error.error_response()));
    let app = apply_fn_factory(app, |request, app: &_| through(request, app));
    let protocol = HttpService::build()
        .graceful_shutdown_signal(move || {
            let drain = drain.clone();
            async move { drain.notified().await }
        })
        // The stream keeps the times: that of idle connections, and of all heads, not of the first alone.
        .keep_alive(KeepAlive::Os)
        .client_request_timeout(Duration::ZERO)
        .client_disconnect_timeout(DISCONNECT_WAIT)
        .h1_allow_half_closed(false)
        .on_connect_ext(introduce)
        .expect(Expecting(made.clone()))
        .finish(kept(app, made));
    fn_service(move |socket: TcpStream| {
        // Small answers do not wait for each other. A connection that is gone is found so later.
        drop(socket.set_nodelay(true));
        let peer = socket.peer_addr().ok();
        metrics.pulse().connected();
        let stream = Stream::new(socket, times, refused.clone(), repeats.clone());
        ready(Ok((stream, Protocol::Http1, peer)))
    })
    .and_then(protocol)
}

/// What the kit brings into an app: who may ask, and the endpoints that every server has.
fn equip(config: &mut web::ServiceConfig, kit: &Kit) {
    config.app_data(kit.health.clone());
    if let Some(verifier) = &kit.verifier {
        config.app_data(verifier.clone());
    }
    if let Some(key) = &kit.service_key {
        config.app_data(key.clone());
    }
    if let Some(before) = &kit.before {
        config.app_data(before.clone());
    }
    let document = kit.document.clone();
    let figures = kit.figures.clone();
    let metrics = kit.metrics.clone();
    let text = kit.metrics.clone();
    Routes::new()
        .get("/health", about("State of the service and of what it needs").public(), health::detail)
        .get("/health/live", about("The service answers").public(), health::live)
        .get("/health/ready", about("The service takes work").public(), health::ready)
        .get("/metrics", about("Figures in JSON").public(), move || {
            let figures = figures.as_ref().map_or_else(|| metrics.json(), |figures| figures());
            async move { HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(figures) }
        })
        .get("/metrics/prometheus", about("Figures for Prometheus").public(), move |request: HttpRequest| {
            let answer = text.answer(&request);
            async move { answer }
        })
        .get("/openapi.json", about("This description").public(), move || {
            let document = document.to_string();
            async move { HttpResponse::Ok().content_type("application/json").body(document) }
        })
        .register_apart(config);
}
