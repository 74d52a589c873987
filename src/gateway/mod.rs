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
//! What all worker threads share is a [`Gateway`]; it outlives the incarnations. What the settings say
//! is `live`, and exchanged as a whole.

mod actor;
mod again;
mod assets;
mod at_once;
mod cache;
mod changes;
mod clients;
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
mod live;
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

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use actix_web::http::header::HeaderValue;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use arc_swap::ArcSwap;
use busbar_actors::Incarnation;
use busbar_http::guard::RoutePattern;
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Interim, Metrics, Peer, Problem, RequestId};
use futures_util::future::{Either, select};

use crate::health::Board;
use crate::types::Clock;

use self::actor::Clerk;
use self::cache::{Cache, Came, Flight, Look};
pub use self::destination::limits;
pub use self::edge::Means;
use self::edge::{Edge, Marks};
use self::forward::Order;
use self::incoming::Incoming;
use self::journey::Journey;
use self::live::Live;
pub use self::live::{Behind, Plan};
use self::mailbox::Mailboxes;
use self::meters::{CacheMeters, Meters};
use self::onward::{arrival, fields, identity};
use self::outgoing::Passage;
use self::switch::Opening;
use self::upstream::handshake::Handshake;
use self::upstream::shedding::{Seats, urgency};
use self::upstream::vigil::Terms;
use self::window::Window;

/// What a gateway is made of.
pub struct Parts {
    pub plan: Plan,
    pub shows_legacy_names: bool,
    pub metrics: Metrics,
    pub board: Arc<Board>,
    pub clock: Clock,
    pub means: Means,
    /// The way to who says what has changed of what everybody may read.
    pub utilities: Option<Peer>,
}

/// What the worker threads share. Made once; counters change, and `live` is exchanged.
pub struct Gateway {
    live: ArcSwap<Live>,
    /// Held while `live` is exchanged.
    renewing: Mutex<()>,
    meters: Meters,
    mailboxes: Mailboxes,
    window: Window,
    cache: Arc<Cache>,
    metrics: Metrics,
    board: Arc<Board>,
    edge: Edge,
    utilities: Option<Peer>,
    seats: Arc<Seats>,
    states: console::States,
    started: Instant,
}

impl Gateway {
    /// # Errors
    /// When a metric is malformed.
    pub fn new(parts: Parts) -> Result<Arc<Gateway>, prometheus::Error> {
        let Parts { plan, shows_legacy_names, metrics, board, clock, means, utilities } = parts;
        let kept = cache::Bounds::of(&plan.settings);
        let cache = Cache::new(kept, clock.clone(), CacheMeters::register(&metrics)?);
        let meters = Meters::register(&metrics)?;
        let gateway = Arc::new(Gateway {
            window: Window::new(plan.settings.max_latency_samples),
            seats: Seats::new(plan.settings.max_requests),
            live: ArcSwap::from_pointee(Live::new(plan, &[], &meters, &board)),
            renewing: Mutex::default(),
            meters,
            mailboxes: Mailboxes::register(&metrics)?,
            cache,
            utilities,
            edge: Edge::new(means, clock, &metrics)?,
            metrics,
            board,
            states: console::States::default(),
            started: Instant::now(),
        });
        figures::register(&gateway, shows_legacy_names)?;
        Ok(gateway)
    }

    /// The endpoints of one worker thread; to be called on it.
    pub fn configure(self: &Arc<Self>, incarnation: &Incarnation, config: &mut web::ServiceConfig) {
        config.app_data(Data::new(Clerk::hire(self, incarnation)));
        config.app_data(Data::from(self.clone()));
        config.app_data(self.edge.verifier());
        pages::routes().and(console::routes(self.now().settings.console)).register_apart(config);
        config.default_service(web::to(edge::door));
    }

    /// The JSON of `/metrics`.
    pub fn figures(&self) -> serde_json::Value {
        figures::json(self)
    }

    /// The route table, a line each.
    pub fn listing(&self) -> Vec<String> {
        self.now().table.listing()
    }

    /// Answers from the cache among those that could have been, 0 to 1.
    fn hit_ratio(&self) -> f64 {
        let meters = self.cache.meters();
        let (hits, misses) = (meters.hits_total(), meters.misses_total());
        hits as f64 / (hits + misses).max(1) as f64
    }

    /// Hears which sessions have ended: once in a process, for as long as it lives.
    pub async fn hear_ended(self: Arc<Self>) {
        self.edge.listen().await;
    }

    /// Hears what has changed of what is kept, likewise.
    pub async fn hear_changes(self: Arc<Self>) {
        let Some(utilities) = &self.utilities else { return std::future::pending().await };
        changes::listen(&self.cache, utilities).await;
    }
}

/// The road of every request that is for a service behind.
async fn road(
    (request, payload): (HttpRequest, web::Payload),
    (gateway, live): (Data<Gateway>, &Live),
    clerk: Data<Clerk>,
    marks: &mut Marks,
) -> Result<HttpResponse, Problem> {
    let id = identity(&request);
    let mut journey = Journey::start(gateway.clone().into_inner(), live.slow_from, &request, &id);
    let known = (&id, marks, &mut journey);
    let outcome = walk((request, payload), (gateway, live), clerk, known).await;
    if let Err(problem) = &outcome {
        journey.ends_here(problem.status());
    }
    outcome
}

async fn walk(
    (request, payload): (HttpRequest, web::Payload),
    (gateway, live): (Data<Gateway>, &Live),
    clerk: Data<Clerk>,
    (id, marks, journey): (&RequestId, &mut Marks, &mut Journey),
) -> Result<HttpResponse, Problem> {
    let route = live.table.find(request.method(), request.uri())?;
    let deadline = Deadline::after(route.wait(request.method(), request.path()));
    journey.takes(route);
    RoutePattern(route.prefix.clone()).note(&request);

    let guest = edge::admit(&gateway, live, (&request, route), marks).await?;
    if hops::is_last(request.method(), request.headers()) {
        return Ok(outgoing::kept(hops::last(&request, route), id, journey));
    }
    let urgency = urgency(route.service, request.method(), guest.is_known());
    if let Some(handshake) = Handshake::of(&request)? {
        let opening = Opening { request: &request, marks, payload, handshake, id, urgency };
        // Apart: it is rare, and takes more room than all else together.
        let switched =
            switch::switch((&gateway, live), &clerk, (route, deadline), opening, journey);
        return Box::pin(switched).await;
    }
    let asked = live.asked(route, &request, guest.principal());
    let mut sending = match gateway.cache.look(&asked, deadline).await? {
        Look::Answer(answer) => return Ok(outgoing::kept(answer, id, journey)),
        Look::AnswerAndRefresh(answer, sending) => {
            refresh::start(gateway.clone(), clerk, (request.clone(), marks.clone()), sending);
            return Ok(outgoing::kept(answer, id, journey));
        }
        Look::Send(sending) => sending,
    };

    let destination = live.destination(route)?;
    let body = Incoming::take(&request, payload, route.body_bytes_max, deadline).await?;
    hops::check_content(request.method(), &body)?;
    let mut fields = fields(live, (&request, route, marks), id, deadline);
    hops::count_down(request.method(), &mut fields);
    sending.conditions(&mut fields);
    let target = route.target(request.uri());
    let mut order = Order::new(route, request.method(), target, fields, body, deadline);
    order.interim = Interim::of(&request);
    journey.sent();
    // Only now: a client that is slow with a body that is held takes nobody's place.
    let (place, answer) = match gateway.enter(urgency, destination) {
        Ok(place) => {
            let forwarded = clerk.forward(order, destination, deadline);
            let answer = match sending.beside() {
                None => forwarded.await,
                Some(flight) => {
                    let given = || gateway.cache.at_once(&asked).map(|(answer, _)| answer);
                    match Box::pin(unless_overtaken(forwarded, flight, given)).await {
                        Ok(answer) => answer,
                        Err(answer) => return Ok(outgoing::kept(answer, id, journey)),
                    }
                }
            };
            (Some(place), answer)
        }
        Err(problem) => (None, Err(problem)),
    };
    match sending.came(answer)? {
        Came::Answer(answer) => Ok(outgoing::kept(answer, id, journey)),
        Came::Pass(answer, way, keeper) => {
            journey.answered(answer.status());
            let terms = Terms { idle_max: live.events_idle_max(), draining: clerk.draining() };
            let passage = Passage { journey: journey.leaves(), deadline, keeper, terms, place };
            Ok(outgoing::answer(answer, id, way, passage))
        }
    }
}

/// What comes of a request, unless another's for the same has brought what is given before that.
async fn unless_overtaken<T>(
    forwarded: impl Future<Output = T>,
    flight: Flight,
    given: impl FnOnce() -> Option<HttpResponse>,
) -> Result<T, HttpResponse> {
    let (forwarded, kept) = (pin!(forwarded), pin!(flight.kept()));
    match select(forwarded, kept).await {
        Either::Left((answer, _)) => Ok(answer),
        Either::Right(((), forwarded)) => match given() {
            Some(answer) => Err(answer),
            None => Ok(forwarded.await),
        },
    }
}

/// A method that the route does not take.
fn not_allowed(allow: HeaderValue) -> Problem {
    kinds::METHOD_NOT_ALLOWED.problem().header(actix_web::http::header::ALLOW, allow)
}

fn not_found() -> Problem {
    kinds::NOT_FOUND.problem()
}
