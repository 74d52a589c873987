//! What is sent on of a request's head, and what the services are told besides.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use busbar_http::headers::{self, Arrival};
use busbar_http::{Deadline, RequestId, deadline, trace};

use super::{Gateway, edge};

/// What a request is known by.
pub(super) fn identity(request: &HttpRequest) -> RequestId {
    let known = request.extensions().get::<RequestId>().cloned();
    known.unwrap_or_else(|| RequestId::of_headers(request.headers()))
}

/// What is sent on of the request's head, and what the services are told besides.
pub(super) fn fields(
    gateway: &Gateway,
    request: &HttpRequest,
    id: &RequestId,
    deadline: Deadline,
) -> HeaderMap {
    let mut fields = headers::for_upstream(request.headers(), arrival(gateway, request));
    edge::tell(request, &mut fields);
    let left_ms = u64::try_from(deadline.left().as_millis()).unwrap_or(u64::MAX);
    fields.insert(HeaderName::from_static(deadline::HEADER), HeaderValue::from(left_ms));
    for (name, value) in [(trace::REQUEST_ID, &id.id), (trace::TRACEPARENT, &id.traceparent)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            fields.insert(HeaderName::from_static(name), value);
        }
    }
    fields
}

/// How a request reached the gateway.
pub(super) fn arrival<'a>(gateway: &'a Gateway, request: &HttpRequest) -> Arrival<'a> {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    Arrival { peer, scheme: "http", trusted: &gateway.trusted }
}
