//! What was given at the door, for requests that say the same in the same words: all of the answer
//! that does not change is written already.

use std::io::Write;
use std::sync::{Arc, Weak};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody, to_bytes};
use actix_web::http::header::{AGE, CONTENT_LENGTH};
use actix_web::http::{Method, StatusCode};
use busbar_http::{Repeat, Repeatable, RequestId, headers, trace};
use bytes::Bytes;
use futures_util::FutureExt;

use super::Gateway;
use super::cache::{Asked, CACHE_STATUS, Given, Used};
use super::edge;
use super::live::Live;

/// An answer, and what it hangs on.
struct Again {
    gateway: Arc<Gateway>,
    live: Weak<Live>,
    given: Given,
    /// Its head, without what is of the moment.
    head: Vec<u8>,
    body: Body,
}

enum Body {
    None,
    /// That of the entry.
    Kept,
    /// Another form of it.
    Packed(Bytes),
}

/// Has an answer given again below the server, if it may be. `route` is what it counts for. `None`
/// when the answer was lost; there is another way to it.
pub(super) fn offer(
    (gateway, live): (&Arc<Gateway>, &Arc<Live>),
    (asked, used): (&Asked<'_>, &Used),
    route: &Arc<str>,
    answer: HttpResponse,
) -> Option<HttpResponse> {
    let request = asked.request;
    let Some(repeatable) = Repeatable::of(request) else { return Some(answer) };
    let status = answer.status();
    // What counts of it hangs on who brings it.
    let hangs_on_peer = !live.trusted.is_empty() && headers::tells_how(request.headers());
    let is_usual = *request.method() == Method::GET
        && matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED)
        && !hangs_on_peer;
    let given = if is_usual { gateway.cache.given(asked, used) } else { None };
    let Some(given) = given else { return Some(answer) };
    let (answer, body) = match answer.body().size() {
        BodySize::None | BodySize::Sized(0) if status == StatusCode::NOT_MODIFIED => {
            (answer, Some(Body::None))
        }
        BodySize::Sized(length) if length == given.length as u64 => (answer, Some(Body::Kept)),
        BodySize::Stream if given.length <= edge::PACKED_AT_ONCE_MAX => packed(answer)?,
        _ => (answer, None),
    };
    if let Some(body) = body {
        let (gateway, live) = (gateway.clone(), Arc::downgrade(live));
        let again = Again { gateway, live, given, head: head(&answer, &body), body };
        repeatable.keep(request, route, status.as_u16(), Box::new(again));
    }
    Some(answer)
}

/// A packed answer, its body in one piece.
fn packed(answer: HttpResponse) -> Option<(HttpResponse, Option<Body>)> {
    let (answer, body) = answer.into_parts();
    let whole = to_bytes(body).now_or_never()?.ok()?;
    let body = Some(Body::Packed(whole.clone()));
    Some((answer.set_body(BoxBody::new(whole)), body))
}

/// The head of an answer, but for what is of the moment.
fn head(answer: &HttpResponse, body: &Body) -> Vec<u8> {
    let of_the_moment =
        [AGE, CACHE_STATUS, CONTENT_LENGTH, trace::TRACEPARENT_NAME, trace::REQUEST_ID_NAME];
    let status = answer.status();
    let mut head = Vec::with_capacity(512);
    let reason = status.canonical_reason().unwrap_or_default();
    head.extend_from_slice(format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).as_bytes());
    for (name, value) in answer.headers().iter().filter(|(name, _)| !of_the_moment.contains(name)) {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    if let (BodySize::Sized(length), true) = (answer.body().size(), !matches!(body, Body::None)) {
        head.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    head
}

impl Repeat for Again {
    fn again(&self, id: &RequestId, head: &mut Vec<u8>) -> Option<Bytes> {
        if Arc::as_ptr(&self.gateway.live.load()) != self.live.as_ptr() {
            return None;
        }
        let moment = self.gateway.cache.again(&self.given)?;
        head.extend_from_slice(&self.head);
        // Nothing is written to but memory.
        let _ = write!(
            head,
            "age: {}\r\ncache-status: busbar; hit; ttl={}\r\ntraceparent: {}\r\n",
            moment.age,
            moment.left,
            id.traceparent()
        );
        Some(match &self.body {
            Body::None => Bytes::new(),
            Body::Kept => moment.body,
            Body::Packed(body) => body.clone(),
        })
    }

    fn given(&self, took: Duration) {
        self.gateway.window.record(took);
    }

    fn size(&self) -> usize {
        let packed = if let Body::Packed(body) = &self.body { body.len() } else { 0 };
        size_of::<Again>() + self.head.len() + packed
    }
}
