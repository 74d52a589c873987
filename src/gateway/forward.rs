//! Asks an instance of a service, and another one or again where that is safe.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, HeaderValue};
use awc::error::SendRequestError;
use awc::{ClientResponse, FrozenClientRequest};
use busbar_http::client::Upstream;
use busbar_http::idempotency;
use busbar_http::lane::Failure;
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Interim, Problem};

use super::course::Course;
use super::destination::Destination;
use super::incoming::{BodyFault, Incoming};
use super::problem::{
    BODY_INCOMPLETE, BREAKER_REJECTING, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE, UPSTREAM_FAILED,
    UPSTREAM_OVERFLOW, UPSTREAM_TIMEOUT,
};
use super::retry::{self, Repeat};
use super::route::Route;
use super::upstream::ring::Asker;

/// What a client is told to wait, in seconds, when a service cannot take its request.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A request to be sent on. It goes from hand to hand, so that its place stays where it is.
pub(super) struct Order {
    /// Where it is to go; `None` until it is handed over.
    pub(super) to: Option<Arc<Destination>>,
    method: Method,
    /// Path and query at the service.
    target: String,
    fields: HeaderMap,
    /// What the service hears that it is called; else what it is called here.
    host: Option<HeaderValue>,
    body: Incoming,
    is_harmless: bool,
    is_keyed: bool,
    minds_breakers: bool,
    deadline: Deadline,
    /// Some of its time went before it was sent: that no answer comes in the rest is not the service's
    /// fault.
    is_late: bool,
    /// Where interim answers go.
    pub(super) interim: Option<Interim>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Too many are under way and in line.
    Overflow,
    /// All instances are left alone for so long. Nothing was sent.
    Rejecting(Duration),
    /// No instance took the connection. Nothing was sent.
    Unreachable(String),
    /// The connection broke, or the answer made no sense.
    Broken(String),
    /// The supervisor says that the incarnation will never answer.
    Cut,
    TimedOut,
    /// The client's body grew too long.
    TooLarge,
    /// The client's body broke.
    BodyIncomplete(String),
    /// The client's body stopped coming.
    BodyStalled,
    /// Sending it on panicked.
    Panicked(String),
}

impl Order {
    /// A `Host` among the fields is the one that the service hears.
    pub(super) fn new(
        route: &Route,
        method: &Method,
        target: String,
        mut fields: HeaderMap,
        body: Incoming,
        deadline: Deadline,
    ) -> Box<Order> {
        let is_kept = *method == Method::POST
            && fields.contains_key(idempotency::HEADER)
            && route.service.is_some_and(|service| retry::honours_keys(service, &target));
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        Box::new(Order {
            to: None,
            method: method.clone(),
            target,
            host: fields.remove(HOST).next(),
            fields,
            body,
            is_harmless: route.rules.retry && (is_kept || reads),
            is_keyed: is_kept,
            minds_breakers: route.rules.breaker,
            deadline,
            is_late: route.is_late(deadline),
            interim: None,
        })
    }
}

/// Asks the instances of a destination, which `upstreams` are this thread's clients of. Whoever waits
/// for it drops it when the deadline has passed.
pub(super) async fn forward(
    upstreams: Rc<[Upstream]>,
    destination: Arc<Destination>,
    order: Box<Order>,
) -> Result<ClientResponse, Loss> {
    let Order { fields, body, is_harmless, is_keyed, minds_breakers, deadline, .. } = *order;
    let is_timed = !(body.is_streamed() || order.is_late);
    let asker = Asker { deadline, minds_breakers, is_timed };
    let mut course = Course::start(&destination, asker);
    let mut leave = course.first()?;
    let Order { method, target, host, .. } = *order;
    let freeze = |index: usize, fields| {
        frozen(upstreams.get(index), (&method, &target), host.as_ref(), fields)
    };
    let mut request = freeze(course.index, fields)?;
    loop {
        let outcome = ask(&destination, &request, &body).await;
        course.judge(leave, &outcome);
        let has_body_still = body.can_be_sent_again();
        let repeat = Repeat { has_body_still, is_harmless, is_keyed };
        let asked = course.index;
        leave = match course.go_on(&outcome, repeat).await {
            Some(leave) => leave,
            None => return outcome,
        };
        if course.index != asked {
            let fields = request.headers().clone();
            request = freeze(course.index, fields)?;
        }
    }
}

/// The request to one instance, so that sending it copies nothing.
fn frozen(
    upstream: Option<&Upstream>,
    (method, target): (&Method, &str),
    host: Option<&HeaderValue>,
    fields: HeaderMap,
) -> Result<FrozenClientRequest, Loss> {
    let upstream = upstream.ok_or_else(|| Loss::Unreachable("no instance is known".into()))?;
    let request = upstream.request(method.clone(), target);
    let mut request = request.map_err(|error| Loss::Unreachable(error.to_string()))?;
    *request.headers_mut() = fields;
    // The lane would add it, in a map of its own for each request.
    let host = host.unwrap_or(upstream.instance().base().host());
    request.headers_mut().insert(HOST, host.clone());
    request.freeze().map_err(|error| Loss::Unreachable(error.to_string()))
}

/// One exchange, up to the answer's head.
async fn ask(
    destination: &Destination,
    request: &FrozenClientRequest,
    body: &Incoming,
) -> Result<ClientResponse, Loss> {
    let sent = body.send(request);
    let Some(news) = &destination.news else { return Ok(sent.await?) };
    let mut cut = news.cut();
    tokio::select! {
        biased;
        answer = sent => Ok(answer?),
        // An error means that there is no supervisor any more, and nobody to serve either.
        _ = cut.changed() => Err(Loss::Cut),
    }
}

impl Loss {
    pub(super) fn nothing_was_sent(&self) -> bool {
        matches!(self, Loss::Overflow | Loss::Unreachable(_))
    }

    pub(super) fn may_have_been_seen(&self) -> bool {
        matches!(self, Loss::Broken(_) | Loss::Cut)
    }

    /// What the client is told. The cause is for the log.
    pub(super) fn problem(self, service: &str) -> Problem {
        let cause = format!("{service}: {self}");
        let problem = match self {
            Loss::Overflow => UPSTREAM_OVERFLOW.problem().retry_after(RETRY_AFTER_SECONDS),
            Loss::Rejecting(wait) => BREAKER_REJECTING.problem().retry_after(whole_seconds(wait)),
            Loss::Unreachable(_) => SERVICE_UNAVAILABLE.problem().retry_after(RETRY_AFTER_SECONDS),
            Loss::Broken(_) | Loss::Cut => UPSTREAM_FAILED.problem(),
            Loss::TimedOut => UPSTREAM_TIMEOUT.problem(),
            Loss::TooLarge => kinds::BODY_TOO_LARGE.problem(),
            Loss::BodyIncomplete(_) => BODY_INCOMPLETE.problem(),
            Loss::BodyStalled => REQUEST_TIMEOUT.problem(),
            Loss::Panicked(_) => kinds::INTERNAL.problem(),
        };
        problem.cause(cause)
    }
}

/// As many as it takes for the wait to be over.
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(RETRY_AFTER_SECONDS)
}

impl From<SendRequestError> for Loss {
    fn from(error: SendRequestError) -> Loss {
        if let SendRequestError::Body(cause) = &error {
            return match cause.downcast_ref::<BodyFault>() {
                Some(BodyFault::TooLarge) => Loss::TooLarge,
                Some(BodyFault::Stalled) => Loss::BodyStalled,
                _ => Loss::BodyIncomplete(error.to_string()),
            };
        }
        match Failure::of(&error) {
            Failure::Busy => Loss::Overflow,
            Failure::Unreachable | Failure::ConnectTimeout => Loss::Unreachable(error.to_string()),
            Failure::Timeout => Loss::TimedOut,
            Failure::RequestBody => Loss::BodyIncomplete(error.to_string()),
            Failure::Broken => Loss::Broken(error.to_string()),
        }
    }
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Loss::Overflow => f.write_str("all connections are busy"),
            Loss::Rejecting(wait) => write!(f, "left alone for {} ms", wait.as_millis()),
            Loss::Unreachable(why) => write!(f, "not reached: {why}"),
            Loss::Broken(why) => write!(f, "the exchange broke: {why}"),
            Loss::Cut => f.write_str("its incarnation hangs"),
            Loss::TimedOut => f.write_str("no answer in time"),
            Loss::TooLarge => f.write_str("the request's body is too large"),
            Loss::BodyIncomplete(why) => write!(f, "the request's body broke: {why}"),
            Loss::BodyStalled => f.write_str("the request's body stopped coming"),
            Loss::Panicked(said) => write!(f, "forwarding panicked: {said}"),
        }
    }
}
