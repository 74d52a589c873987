//! How long a request took and in which part; slow ones are told, also when the client has gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};
use busbar_http::RequestId;

use super::Gateway;
use super::route::Route;

/// What is written for a request whose client left before it had an answer (as nginx does).
const CLIENT_GONE: u16 = 499;

/// One request from its head to the last byte of its answer. What is to be told is told on drop:
/// that comes in any case.
#[derive(Clone)]
pub(super) struct Journey {
    gateway: Arc<Gateway>,
    slow_from: Option<Duration>,
    start: Instant,
    /// Of its path only what stands before the query, which may hold what nobody should read in a log.
    request: HttpRequest,
    id: RequestId,
    /// `None`: no route was found.
    route: Option<Arc<str>>,
    /// From the start to the moment it was sent on.
    sent: Option<Duration>,
    /// To the answer's head.
    answered: Option<Duration>,
    status: u16,
    is_done: bool,
    /// A stream or a tunnel: that it takes long says nothing.
    is_lasting: bool,
    /// An answer has taken it along.
    has_left: bool,
}

impl Journey {
    /// It is told as slow when it takes as long as `slow_from`.
    pub(super) fn start(
        gateway: Arc<Gateway>,
        slow_from: Option<Duration>,
        request: &HttpRequest,
        id: &RequestId,
    ) -> Journey {
        Journey {
            gateway,
            slow_from,
            start: Instant::now(),
            request: request.clone(),
            id: id.clone(),
            route: None,
            sent: None,
            answered: None,
            status: CLIENT_GONE,
            is_done: false,
            is_lasting: false,
            has_left: false,
        }
    }

    pub(super) fn method(&self) -> &Method {
        self.request.method()
    }

    pub(super) fn takes(&mut self, route: &Route) {
        self.route = Some(route.prefix.clone());
    }

    pub(super) fn sent(&mut self) {
        self.sent = Some(self.start.elapsed());
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        self.answered = Some(self.start.elapsed());
        self.status = status.as_u16();
    }

    /// For an answer that ends later than who made it.
    pub(super) fn leaves(&mut self) -> Journey {
        let onward = self.clone();
        self.has_left = true;
        onward
    }

    /// It was answered at once, from what is kept or by the gateway itself.
    pub(super) fn ends_here(&mut self, status: StatusCode) {
        self.status = status.as_u16();
        self.is_done = true;
    }

    /// It is a stream of events or a tunnel.
    pub(super) fn lasts(&mut self) {
        self.is_lasting = true;
    }

    /// The last byte has been handed out.
    pub(super) fn done(&mut self) {
        self.is_done = true;
    }

    /// The answer broke off in its body: nothing can be said to the client any more.
    pub(super) fn cut(&mut self, reason: &'static str, cause: &str) {
        self.is_done = true;
        self.gateway.meters.cuts.with_label_values(&[reason]).inc();
        let (method, path, id) = (self.method(), self.request.path(), &self.id);
        log::warn!(
            service = "gateway", request_id = id.id(), trace_id = id.trace();
            "{method} {path}: the answer was cut in its body: {cause}"
        );
    }

    fn tell_slow(&self, took: Duration) {
        self.gateway.meters.slow.inc();
        let ms = |from: Option<Duration>, to: Option<Duration>| {
            let took = to.unwrap_or(took).saturating_sub(from.unwrap_or_default());
            format!("{:.1}", took.as_secs_f64() * 1000.0)
        };
        let (id, status) = (&self.id, self.status);
        let route = self.route.as_deref().unwrap_or("unmatched");
        log::warn!(
            service = "gateway", request_id = id.id(), trace_id = id.trace(), route, status,
            dur_ms = took.as_secs_f64() * 1000.0;
            "slow_request: {} {} took {} ms; route={route} status={status} received_ms={} upstream_ms={} body_ms={}{}",
            self.method(),
            self.request.path(),
            ms(None, None),
            ms(None, self.sent),
            ms(self.sent.or(Some(took)), self.answered),
            ms(self.answered.or(Some(took)), None),
            if self.is_done { "" } else { " (not taken to its end)" },
        );
    }
}

impl Drop for Journey {
    fn drop(&mut self) {
        if self.is_lasting || self.has_left {
            return;
        }
        let took = self.start.elapsed();
        self.gateway.window.record(took);
        if self.slow_from.is_some_and(|slow_from| took >= slow_from) {
            self.tell_slow(took);
        }
    }
}
