//! What is sent on of a request's head, and what the services are told besides.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use busbar_actors::mailbox::Permit;
use busbar_http::headers::{self, Arrival};
use busbar_http::trace::TRACEPARENT_NAME;
use busbar_http::{Deadline, Problem, RequestId, deadline};

use super::destination::Destination;
use super::edge::Marks;
use super::problem::OVERLOADED;
use super::route::Route;
use super::upstream::shedding::{Seat, Urgency};
use super::{Gateway, Live};

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// What a client is told to wait, in seconds, when there is no seat for it.
const RETRY_AFTER_SECONDS: u64 = 1;

/// What a request holds while it is under way.
pub(super) struct Place {
    _seat: Seat,
    _permit: Permit,
}

impl Gateway {
    /// A seat among all requests, and a place before a destination.
    pub(super) fn enter(
        &self,
        urgency: Urgency,
        destination: &Destination,
    ) -> Result<Place, Problem> {
        let seat = self.seats.take(urgency);
        let overloaded = || OVERLOADED.problem().retry_after(RETRY_AFTER_SECONDS);
        let seat = seat.ok_or_else(overloaded)?;
        Ok(Place { _seat: seat, _permit: destination.enter()? })
    }
}

/// What a request is known by.
pub(super) fn identity(request: &HttpRequest) -> RequestId {
    let known = request.extensions().get::<RequestId>().cloned();
    known.unwrap_or_else(|| RequestId::of_headers(request.headers()))
}

/// What is sent on of the request's head, and what the services are told besides.
pub(super) fn fields(
    live: &Live,
    (request, route, marks): (&HttpRequest, &Route, &Marks),
    id: &RequestId,
    deadline: Deadline,
) -> HeaderMap {
    let mut fields = headers::for_upstream(request.headers(), arrival(live, request));
    // Ours are called by what they are; another one may go by the name that its clients know.
    if let (None, Some(host)) = (route.service, request.headers().get(HOST)) {
        fields.insert(HOST, host.clone());
    }
    marks.tell(&mut fields);
    let left_ms = u64::try_from(deadline.left().as_millis()).unwrap_or(u64::MAX);
    fields.insert(deadline::HEADER, HeaderValue::from(left_ms));
    // What vendors add belongs to the trace that they added it to (W3C Trace Context, section 3.4).
    if fields.get(TRACEPARENT_NAME).is_none_or(|came| came != id.traceparent_value()) {
        fields.remove(TRACESTATE);
    }
    headers::trace(&mut fields, id);
    fields
}

/// How a request reached the gateway.
pub(super) fn arrival<'a>(live: &'a Live, request: &HttpRequest) -> Arrival<'a> {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    Arrival { peer, scheme: "http", version: request.version(), trusted: &live.trusted }
}
