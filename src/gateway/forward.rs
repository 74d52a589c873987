//! Asks an instance of a service, and another one or again where that is safe.

use std::rc::Rc;
use std::time::Duration;

use actix_rt::time::sleep;
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, RETRY_AFTER};
use awc::error::SendRequestError;
use awc::{ClientResponse, FrozenClientRequest};
use busbar_http::client::Upstream;
use busbar_http::idempotency;
use busbar_http::lane::Failure;
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Interim, Problem};

use super::destination::Destination;
use super::incoming::{BodyFault, Incoming};
use super::problem::{
    BODY_INCOMPLETE, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE, UPSTREAM_FAILED, UPSTREAM_OVERFLOW,
    UPSTREAM_TIMEOUT,
};
use super::retry::{self, Next, Repeat, Tries};
use super::route::Route;

/// Before a lost request is sent again: time for the next incarnation to take the port over.
const BREATH: Duration = Duration::from_millis(25);
/// What a client is told to wait, in seconds, when a service cannot take its request.
const RETRY_AFTER_SECONDS: u64 = 1;

/// A request to be sent on.
pub(super) struct Order {
    /// The place of its destination among the gateway's.
    pub(super) to: usize,
    method: Method,
    /// Path and query at the service.
    target: String,
    fields: HeaderMap,
    body: Incoming,
    is_harmless: bool,
    deadline: Deadline,
    /// Where interim answers go.
    pub(super) interim: Option<Interim>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Too many are under way and in line.
    Overflow,
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
    pub(super) fn new(
        route: &Route,
        method: &Method,
        target: String,
        fields: HeaderMap,
        body: Incoming,
        deadline: Deadline,
    ) -> Order {
        let has_key = fields.contains_key(idempotency::HEADER);
        let is_kept = has_key
            && *method == Method::POST
            && route.service.is_some_and(|service| retry::honours_keys(service, &target));
        let is_harmless =
            route.rules.retry && (is_kept || matches!(*method, Method::GET | Method::HEAD));
        let (to, method) = (route.to, method.clone());
        Order { to, method, target, fields, body, is_harmless, deadline, interim: None }
    }
}

/// Asks the instances of a destination, which `upstreams` are this thread's clients of.
pub(super) async fn forward(
    upstreams: Rc<[Upstream]>,
    destination: &Destination,
    order: Order,
) -> Result<ClientResponse, Loss> {
    let Order { method, target, fields, mut body, is_harmless, deadline, .. } = order;
    let mut index = destination.first();
    let mut tries = Tries::new(upstreams.len());
    let mut request = frozen(&upstreams, index, &method, &target, fields, deadline)?;
    loop {
        let repeat = Repeat { has_body_still: body.can_be_sent_again(), is_harmless };
        let loss = match ask(destination, &request, &mut body).await {
            Ok(answer) => match tries.is_replay().then(|| time_to_wait(&answer, deadline)) {
                Some(Some(wait)) => {
                    sleep(wait).await;
                    continue;
                }
                _ => return Ok(answer),
            },
            Err(loss) => loss,
        };
        match tries.next(&loss, repeat) {
            Next::GiveUp => return Err(loss),
            Next::Elsewhere => destination.meters.retried_elsewhere(),
            Next::Again => {
                destination.meters.retried_again();
                log::info!("{}: {loss}; sent once more", destination.name);
                sleep(BREATH).await;
            }
        }
        if upstreams.len() > 1 {
            index = (index + 1) % upstreams.len();
            let fields = request.headers().clone();
            request = frozen(&upstreams, index, &method, &target, fields, deadline)?;
        }
    }
}

/// For how long a replay waits before it asks again, if it has to.
fn time_to_wait(answer: &ClientResponse, deadline: Deadline) -> Option<Duration> {
    let retry_after = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok();
    retry::wait_for_the_first(answer.status(), retry_after, deadline.left())
}

/// The request to one instance, so that sending it copies nothing.
fn frozen(
    upstreams: &[Upstream],
    index: usize,
    method: &Method,
    target: &str,
    fields: HeaderMap,
    deadline: Deadline,
) -> Result<FrozenClientRequest, Loss> {
    let upstream =
        upstreams.get(index).ok_or_else(|| Loss::Unreachable("no instance is known".into()))?;
    let request = upstream.request(method.clone(), target);
    let request = request.map_err(|error| Loss::Unreachable(error.to_string()))?;
    // A large body may take longer than most requests have in all.
    let mut request = request.timeout(deadline.left());
    *request.headers_mut() = fields;
    // The lane would add it, in a map of its own for each request.
    request.headers_mut().insert(HOST, upstream.instance().base().host().clone());
    request.freeze().map_err(|error| Loss::Unreachable(error.to_string()))
}

/// One exchange, up to the answer's head.
async fn ask(
    destination: &Destination,
    request: &FrozenClientRequest,
    body: &mut Incoming,
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
