//! The outermost layer of every server: request id and trace, access line, metrics, problems with
//! their place, and `Connection: close` while the server drains.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use futures_util::FutureExt;

use crate::guard::{self, RoutePattern};
use crate::metrics::{AtHand, Metrics, UNMATCHED};
use crate::problem::Problem;
use crate::pulse;
use crate::strict;
use crate::trace::{REQUEST_ID_NAME, RequestId};
use crate::underway::Desk;

/// The log target of access lines.
pub const TARGET: &str = "access";

/// In a request's extensions: it is asked so often that a line for each would say little.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

/// Questions about health come every few seconds, and say little.
fn level(path: &str, is_quiet: bool) -> log::Level {
    let is_quiet = is_quiet || path.starts_with("/health");
    if is_quiet { log::Level::Debug } else { log::Level::Info }
}

/// A request that was answered.
struct Answered<'a> {
    metrics: &'a Metrics,
    route: Option<&'a RoutePattern>,
    method: &'a Method,
    path: &'a str,
    status: u16,
    level: log::Level,
}

impl Answered<'_> {
    /// Its access line, and itself as an example of how long such take.
    fn log(&self, took: Duration, id: &RequestId) {
        let Answered { metrics, route, method, path, status, level } = *self;
        if !log::log_enabled!(target: TARGET, level) {
            return;
        }
        metrics.traced(route, method, took, id);
        let (service, dur_ms) = (metrics.service(), took.as_secs_f64() * 1000.0);
        log::log!(
            target: TARGET, level,
            service, request_id = id.id(), trace_id = id.trace(),
            route = route.map_or(UNMATCHED, |route| &route.0),
            method = method.as_str(), status, dur_ms;
            "{service} {method} {path} {status} {dur_ms:.1} ms"
        );
    }
}

/// The access line of requests that come again and again.
pub(crate) struct Line {
    metrics: Metrics,
    route: RoutePattern,
    method: Method,
    path: Box<str>,
    status: u16,
    level: log::Level,
}

impl Line {
    pub(crate) fn new(
        metrics: &Metrics,
        route: &Arc<str>,
        method: &Method,
        path: &str,
        status: u16,
    ) -> Line {
        let (metrics, route) = (metrics.clone(), RoutePattern(route.clone()));
        let level = level(path, false);
        Line { metrics, route, method: method.clone(), path: path.into(), status, level }
    }

    pub(crate) fn log(&self, took: Duration, id: &RequestId) {
        let Line { metrics, route, method, path, status, level } = self;
        let (status, level) = (*status, *level);
        Answered { metrics, route: Some(route), method, path, status, level }.log(took, id);
    }
}

/// What the layer needs of its server.
pub(crate) struct Access {
    pub metrics: Metrics,
    /// Set by the supervisor when this incarnation is about to go.
    pub draining: Arc<AtomicBool>,
    pub at_once: Option<AtOnce>,
    /// Where they are counted when they are answered.
    pub series: AtHand,
    /// Where the thread's requests are listed.
    pub desk: Arc<Desk>,
}

/// Asked before a request goes its way through routes and handlers, and told when it came; what it
/// knows is the answer.
pub type AtOnce = Arc<dyn Fn(&HttpRequest, Instant) -> Option<HttpResponse> + Send + Sync>;

/// The answer to a request of the usual form.
async fn settled<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    at_once: Option<&AtOnce>,
    start: Instant,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Err(problem) = strict::settle(request.head_mut()) {
        return Ok(request.error_response(problem));
    }
    if let Some(answer) = strict::of_server(request.head()) {
        return Ok(request.into_response(answer));
    }
    if let Some(answer) = at_once.and_then(|at_once| at_once(request.request(), start)) {
        return Ok(request.into_response(answer));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Counts a request as over even when its future is dropped half way.
struct InFlight<'a> {
    metrics: &'a Metrics,
    is_finished: bool,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.metrics.abandoned();
        }
    }
}

impl Access {
    pub(crate) async fn handle<B: MessageBody + 'static>(
        self: Rc<Self>,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let start = Instant::now();
        pulse::takes_up_a_request();
        self.metrics.started();
        let mut in_flight = InFlight { metrics: &self.metrics, is_finished: false };
        let id = RequestId::of_headers(request.headers());
        let (method, path) = (request.method().clone(), request.path().to_owned());
        request.extensions_mut().insert(id.clone());
        let _listed = self.desk.seat(&request, &method, &id, start);

        let answered = AssertUnwindSafe(settled(request, next, self.at_once.as_ref(), start))
            .catch_unwind()
            .await;
        let mut response = match answered {
            Ok(Ok(response)) => self.placed(response, &path, &id),
            Ok(Err(error)) => {
                in_flight.is_finished = true;
                self.series.finished(UNMATCHED, &method, 500, start.elapsed());
                return Err(self.lost(error.to_string(), &method, &path, &id));
            }
            Err(panic) => {
                in_flight.is_finished = true;
                self.metrics.panicked(UNMATCHED);
                self.series.finished(UNMATCHED, &method, 500, start.elapsed());
                let said = format!("a layer panicked: {}", guard::message(&*panic));
                return Err(self.lost(said, &method, &path, &id));
            }
        };

        response.headers_mut().insert(REQUEST_ID_NAME, id.id_value().clone());
        if self.draining.load(Ordering::Relaxed) {
            // An inserted `Connection` header would be dropped by the encoder.
            response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
        }
        let pattern = response.request().extensions().get::<RoutePattern>().cloned();
        let route = pattern.as_ref().map_or(UNMATCHED, |pattern| &pattern.0);
        let (status, took) = (response.status().as_u16(), start.elapsed());
        let is_quiet = response.request().extensions().contains::<Quiet>();
        in_flight.is_finished = true;
        self.series.finished(route, &method, status, took);
        let (route, level) = (pattern.as_ref(), level(&path, is_quiet));
        let metrics = &self.metrics;
        Answered { metrics, route, method: &method, path: &path, status, level }.log(took, &id);
        Ok(response)
    }

    /// A problem gets the path and the id of its request; the cause of a 5xx is logged, once, here.
    fn placed(
        &self,
        response: ServiceResponse<BoxBody>,
        path: &str,
        id: &RequestId,
    ) -> ServiceResponse<BoxBody> {
        let Some(error) = response.response().error() else { return response };
        let Some(problem) = error.as_error::<Problem>() else {
            let made = Problem::internal(error);
            let made = if response.status().is_server_error() { made } else { return response };
            self.log(&made, path, id);
            let http = made.response(Some((path, id.id())));
            return ServiceResponse::new(response.into_parts().0, http);
        };
        self.log(problem, path, id);
        let http = problem.response(Some((path, id.id())));
        ServiceResponse::new(response.into_parts().0, http)
    }

    fn log(&self, problem: &Problem, path: &str, id: &RequestId) {
        let service = self.metrics.service();
        let (request_id, trace_id, code) = (id.id(), id.trace(), problem.code());
        if problem.status().is_server_error() {
            log::error!(
                service, request_id, trace_id, code;
                "{service}: {path} answered {problem}"
            );
        } else if let Some(cause) = problem.cause_text() {
            log::debug!(
                service, request_id, trace_id, code;
                "{service}: {path} answered {code}: {cause}"
            );
        }
    }

    /// The answer to a request that was lost in the layers: it can be told nothing but a 500.
    fn lost(&self, said: String, method: &Method, path: &str, id: &RequestId) -> Error {
        let mut problem = Problem::internal(said);
        problem.set_place(path, id.id());
        let service = self.metrics.service();
        log::error!(
            service, request_id = id.id(), trace_id = id.trace();
            "{service}: {method} {path} answered {problem}"
        );
        problem.into()
    }
}
