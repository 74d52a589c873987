//! Port 3000: one request's road from its client to a service and back.
//!
//! [`road`] is the whole of it in one function, and `edge` stands around it. In its order: `target`
//! refuses crooked paths, `table` knows which service answers, `edge` lets the client in, `cache` may
//! have the answer already, `incoming` takes the request's body, `onward` its head, `actor` stands
//! on each worker thread with that thread's clients, `forward` asks an instance (`upstream` says
//! which and whether any, `retry` whether again), `outgoing` hands the answer out, and `edge` packs
//! it; a WebSocket takes the road of `switch`. `journey` watches how long all of it takes, `problem`
//! is what the gateway itself has to say.
//!
//! What all worker threads share is a [`Gateway`]; it outlives the incarnations.

mod actor;
mod again;
mod assets;
mod at_once;
mod cache;
mod console;
pub mod control;
#[doc(hidden)]
pub mod cost;
mod course;
mod destination;
mod docs;
mod edge;
mod figures;
mod forward;
mod hops;
mod incoming;
mod journey;
mod legacy;
mod mailbox;
mod meters;
mod onward;
mod outgoing;
mod pages;
mod problem;
mod refresh;
mod retry;
mod route;
mod switch;
mod table;
mod target;
mod upstream;
mod window;

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::HeaderValue;
use actix_web::web::{self, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use busbar_actors::Incarnation;
use busbar_http::guard::RoutePattern;
use busbar_http::headers::Cidr;
use busbar_http::lane::Instance;
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Interim, Metrics, Problem};

use crate::config;
use crate::health::Board;
use crate::types::{Clock, ServiceName};

use self::actor::Clerk;
use self::cache::{Asked, Cache, Came, Look};
use self::destination::Destination;
pub use self::destination::limits;
use self::edge::Edge;
pub use self::edge::Means;
use self::forward::Order;
use self::incoming::Incoming;
use self::journey::Journey;
use self::mailbox::Mailboxes;
use self::meters::{CacheMeters, Meters};
use self::onward::{arrival, fields, identity};
use self::outgoing::Passage;
use self::route::{Bounds, Route};
use self::switch::Opening;
use self::table::Table;
use self::upstream::handshake::Handshake;
use self::upstream::shedding::Seats;
use self::upstream::vigil::Terms;
use self::window::Window;

/// What a gateway is made of.
pub struct Parts {
    pub settings: config::Gateway,
    pub documents: config::Documents,
    pub shows_legacy_names: bool,
    pub services: Vec<Behind>,
    pub metrics: Metrics,
    pub board: Arc<Board>,
    pub clock: Clock,
    pub means: Means,
}

/// A service behind the gateway, or what an added route leads to.
pub struct Behind {
    /// For logs and labels.
    pub name: Arc<str>,
    /// `None`: an added route leads here; these come in the order of the settings.
    pub service: Option<ServiceName>,
    pub instances: Vec<Arc<Instance>>,
    /// What its supervisor tells, if it is hosted in this process.
    pub news: Option<Arc<busbar_actors::Upstream>>,
}

/// What the worker threads share. Made once; only counters in it change.
pub struct Gateway {
    settings: config::Gateway,
    table: Table,
    destinations: Vec<Destination>,
    trusted: Vec<Cidr>,
    meters: Meters,
    mailboxes: Mailboxes,
    window: Window,
    cache: Arc<Cache>,
    metrics: Metrics,
    board: Arc<Board>,
    edge: Edge,
    seats: Arc<Seats>,
    states: console::States,
    started: Instant,
}

impl Gateway {
    /// # Errors
    /// When a metric is malformed.
    pub fn new(parts: Parts) -> Result<Arc<Gateway>, prometheus::Error> {
        let Parts {
            settings,
            documents,
            shows_legacy_names,
            services,
            metrics,
            board,
            clock,
            means,
        } = parts;
        let kept = cache::Bounds {
            entries_max: settings.cache_max_entries,
            bytes_max: settings.cache_max_bytes,
            entry_bytes_max: settings.cache_max_entry_bytes,
        };
        let cache = Cache::new(kept, clock.clone(), CacheMeters::register(&metrics)?);
        let bounds = Bounds {
            body_bytes_max: settings.max_body_bytes,
            wait: Duration::from_millis(settings.request_timeout_ms),
            document_bytes_max: documents.upload_bytes_max,
            transfer: Duration::from_secs(documents.transfer_seconds),
        };
        let meters = Meters::register(&metrics)?;
        let destination = |behind| Destination::new(behind, &settings, &meters, &board);
        let table = Table::new(bounds, &settings, &services);
        let destinations = services.into_iter().map(destination).collect();
        let trusted =
            settings.trusted_proxies.iter().filter_map(|net| net.to_string().parse().ok());
        let gateway = Arc::new(Gateway {
            table,
            destinations,
            trusted: trusted.collect(),
            meters,
            mailboxes: Mailboxes::register(&metrics)?,
            cache,
            window: Window::new(settings.max_latency_samples),
            edge: Edge::new(means, clock, &settings, &metrics)?,
            metrics,
            board,
            seats: Seats::new(settings.max_requests),
            states: console::States::default(),
            started: Instant::now(),
            settings,
        });
        figures::register(&gateway, shows_legacy_names)?;
        Ok(gateway)
    }

    /// The endpoints of one worker thread; to be called on it.
    pub fn configure(self: &Arc<Self>, incarnation: &Incarnation, config: &mut web::ServiceConfig) {
        config.app_data(Data::new(Clerk::hire(self, incarnation)));
        config.app_data(Data::from(self.clone()));
        config.app_data(self.edge.verifier());
        pages::routes().and(console::routes(self.settings.console)).register(config);
        config.default_service(web::to(edge::door));
    }

    /// The JSON of `/metrics`.
    pub fn figures(&self) -> serde_json::Value {
        figures::json(self)
    }

    /// The route table, a line each.
    pub fn listing(&self) -> Vec<String> {
        self.table.listing()
    }

    /// Answers from the cache among those that could have been, 0 to 1.
    fn hit_ratio(&self) -> f64 {
        let meters = self.cache.meters();
        let (hits, misses) = (meters.hits_total(), meters.misses_total());
        hits as f64 / (hits + misses).max(1) as f64
    }

    /// A request as the cache sees it.
    fn asked<'a>(
        &self,
        route: &Route,
        request: &'a HttpRequest,
        principal: Option<&'a str>,
    ) -> Asked<'a> {
        let settings = &self.settings;
        let defaults = cache::Defaults {
            sharing: route.rules.cache,
            ttl: route.rules.default_ttl,
            stale_while_revalidate: Duration::from_millis(settings.cache_swr_ms),
            stale_if_error: Duration::from_millis(settings.cache_sie_ms),
            shares_cookies: route.service.is_none(),
            collapses: route.service.is_none() || !route.rules.default_ttl.is_zero(),
        };
        // Our own services answer the same whatever they are called.
        let host = if route.service.is_some() { "" } else { cache::host(request) };
        Asked { request, defaults, principal, host }
    }

    /// What the gateway does besides: once in a process, for as long as it lives.
    pub async fn live(self: Arc<Self>) {
        self.edge.listen().await;
    }

    /// How long a stream of events may be silent.
    fn events_idle_max(&self) -> Duration {
        Duration::from_millis(self.settings.events_idle_ms)
    }

    fn destination(&self, route: &Route) -> Result<&Destination, Problem> {
        let found = self.destinations.get(route.to);
        found.ok_or_else(|| problem::SERVICE_UNAVAILABLE.problem())
    }
}

/// The road of every request that is for a service behind.
async fn road(
    request: HttpRequest,
    payload: web::Payload,
    gateway: Data<Gateway>,
    clerk: Data<Clerk>,
) -> Result<HttpResponse, Problem> {
    let id = identity(&request);
    let mut journey = Journey::start(gateway.clone().into_inner(), &request, &id);
    let route = gateway.table.find(request.method(), request.uri())?;
    let deadline = Deadline::after(route.wait(request.method(), request.path()));
    journey.takes(route);
    request.extensions_mut().insert(RoutePattern(route.prefix.clone()));

    let guest = edge::admit(&gateway, &request, route).await?;
    if hops::is_last(request.method(), request.headers()) {
        return Ok(outgoing::kept(hops::last(&request, route), &id, journey));
    }
    if let Some(handshake) = Handshake::of(&request)? {
        let opening = Opening { request: &request, payload, handshake, id: &id };
        return switch::switch(&gateway, &clerk, (route, deadline), opening, journey).await;
    }
    let asked = gateway.asked(route, &request, guest.principal());
    let sending = match gateway.cache.look(&asked, deadline).await? {
        Look::Answer(answer) => return Ok(outgoing::kept(answer, &id, journey)),
        Look::AnswerAndRefresh(answer, sending) => {
            refresh::start(gateway.clone(), clerk, request.clone(), sending);
            return Ok(outgoing::kept(answer, &id, journey));
        }
        Look::Send(sending) => sending,
    };

    let destination = gateway.destination(route)?;
    let body = Incoming::take(&request, payload, route.body_bytes_max, deadline).await?;
    let mut fields = fields(&gateway, &request, &id, deadline);
    hops::count_down(request.method(), &mut fields);
    sending.conditions(&mut fields);
    let target = route.target(request.uri());
    let mut order = Order::new(route, request.method(), target, fields, body, deadline);
    order.interim = Interim::of(&request);
    journey.sent();
    // Only now: a client that is slow with a body that is held takes nobody's place.
    let (place, answer) = match gateway.enter(route, request.method(), destination) {
        Ok(place) => (Some(place), clerk.forward(order, destination, deadline).await),
        Err(problem) => (None, Err(problem)),
    };
    match sending.came(answer)? {
        Came::Answer(answer) => Ok(outgoing::kept(answer, &id, journey)),
        Came::Pass(answer, way, keeper) => {
            journey.answered(answer.status());
            let terms = Terms { idle_max: gateway.events_idle_max(), draining: clerk.draining() };
            let passage = Passage { journey, deadline, keeper, terms, place };
            Ok(outgoing::answer(answer, &id, way, passage))
        }
    }
}

/// A method that the route does not take.
fn not_allowed(allow: HeaderValue) -> Problem {
    kinds::METHOD_NOT_ALLOWED.problem().header(actix_web::http::header::ALLOW, allow)
}

fn not_found() -> Problem {
    kinds::NOT_FOUND.problem()
}
