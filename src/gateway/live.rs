//! What the settings say, made ready for requests. It is exchanged as a whole when they are read
//! again; a request goes by what it has found at its beginning, to its end.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use busbar_http::Problem;
use busbar_http::headers::{self, Cidr};
use busbar_http::lane::{Base, Limits};

use crate::config;
use crate::health::Board;
use crate::types::ServiceName;

use super::Gateway;
use super::cache::{self, Asked};
use super::destination::Destination;
use super::edge::Cors;
use super::meters::Meters;
use super::onward::arrival;
use super::problem;
use super::route::{Bounds, Route};
use super::table::Table;

/// What of a gateway the settings may change while it runs.
pub struct Plan {
    pub settings: config::Gateway,
    pub documents: config::Documents,
    pub services: Vec<Behind>,
}

/// A service behind the gateway, or what an added route leads to.
pub struct Behind {
    /// For logs and labels.
    pub name: Arc<str>,
    /// `None`: an added route leads here; these come in the order of the settings.
    pub service: Option<ServiceName>,
    /// Where its instances are, each with its number, and the bounds of each.
    pub bases: Vec<(usize, Base)>,
    pub limits: Limits,
    /// What its supervisor tells, if it is hosted in this process.
    pub news: Option<Arc<busbar_actors::Upstream>>,
}

/// See the module.
pub(super) struct Live {
    pub(super) settings: config::Gateway,
    pub(super) table: Table,
    pub(super) destinations: Vec<Arc<Destination>>,
    pub(super) trusted: Vec<Cidr>,
    pub(super) cors: Cors,
    /// Requests that take longer are told; `None`: none is.
    pub(super) slow_from: Option<Duration>,
    /// Moves when what is kept would not be kept by these settings.
    generation: u64,
}

impl Live {
    /// Takes over from `earlier` whatever is not another: kept connections, what breakers know.
    pub(super) fn new(
        plan: Plan,
        earlier: &[Arc<Destination>],
        meters: &Meters,
        board: &Arc<Board>,
    ) -> Live {
        let Plan { settings, documents, services } = plan;
        let bounds = Bounds {
            body_bytes_max: settings.max_body_bytes,
            wait: Duration::from_millis(settings.request_timeout_ms),
            document_bytes_max: documents.upload_bytes_max,
            transfer: Duration::from_secs(documents.transfer_seconds),
        };
        let table = Table::new(bounds, &settings, &services);
        let destination = |behind: Behind| {
            let known = earlier.iter().find(|known| known.is_of(&behind));
            Destination::renewed(known, behind, &settings, meters, board)
        };
        let networks = settings.trusted_proxies.iter();
        Live {
            table,
            destinations: services.into_iter().map(destination).collect(),
            trusted: networks.filter_map(|network| network.to_string().parse().ok()).collect(),
            cors: Cors::new(&settings.cors_origins),
            slow_from: match settings.slow_request_threshold_ms {
                0 => None,
                ms => Some(Duration::from_millis(ms)),
            },
            generation: 0,
            settings,
        }
    }

    /// Whether what is kept by `earlier` would be kept by this. An entry says whose host it is, and not who
    /// has answered; and it has its time in it.
    fn keeps_as(&self, earlier: &Live) -> bool {
        let (own, before) = (&self.settings, &earlier.settings);
        own.routes == before.routes && own.cache_ttl_ms == before.cache_ttl_ms
    }

    /// A request as the cache sees it.
    pub(super) fn asked<'a>(
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
        let host = match route.service {
            Some(_) => "".into(),
            None => named(
                cache::host(request),
                headers::believed(arrival(self, request), request.headers()),
            ),
        };
        Asked { request, defaults, principal, host, generation: self.generation }
    }

    /// How long a stream of events may be silent.
    pub(super) fn events_idle_max(&self) -> Duration {
        Duration::from_millis(self.settings.events_idle_ms)
    }

    pub(super) fn destination(&self, route: &Route) -> Result<&Arc<Destination>, Problem> {
        let found = self.destinations.get(route.to);
        found.ok_or_else(|| problem::SERVICE_UNAVAILABLE.problem())
    }
}

/// The host that is asked for, with what proxies that are trusted say of how it was called.
fn named<'a>(host: &'a str, believed: Option<String>) -> Cow<'a, str> {
    match believed {
        Some(believed) => format!("{believed} {host}").into(),
        None => host.into(),
    }
}

impl Gateway {
    /// What holds now.
    pub(super) fn now(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Goes by another plan from now on. It is made when nobody else makes one, so that the last one
    /// that is made is the one that stays.
    pub fn renew(&self, plan: impl FnOnce() -> Plan) {
        let _one = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let (plan, earlier) = (plan(), self.now());
        self.seats.resize(plan.settings.max_requests);
        self.cache.resize(cache::Bounds::of(&plan.settings));
        let mut next = Live::new(plan, &earlier.destinations, &self.meters, &self.board);
        for known in &earlier.destinations {
            let same = next.destinations.iter().filter(|kept| kept.name == known.name);
            let kept: Vec<usize> = same.flat_map(|kept| kept.ring.numbers()).collect();
            let gone = known.ring.numbers().filter(|number| !kept.contains(number));
            gone.for_each(|number| self.meters.forget(&known.name, number));
        }
        next.generation = earlier.generation;
        if !next.keeps_as(&earlier) {
            next.generation += 1;
            self.cache.begin(next.generation);
        }
        self.live.store(Arc::new(next));
    }
}
