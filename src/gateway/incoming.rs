//! The request's body on its way in: bounded, streamed, or held when it is small.
//!
//! A small body is read before anything is sent on: then a slow client holds no connection to a
//! service, and the request can be sent a second time. A large one passes through as it comes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, None as NoBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::web;
use awc::{FrozenClientRequest, SendClientRequest};
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Problem};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout_at;

use super::problem::{BODY_INCOMPLETE, REQUEST_TIMEOUT};

/// Bodies up to this are held. In bytes.
const HELD_MAX: u64 = 64 * 1024;

/// A request's body.
pub(super) enum Incoming {
    Nothing,
    Held(Bytes),
    /// With its length, if it was announced.
    Streamed(Metered, Option<u64>),
    /// Was streamed and has been sent.
    Gone,
}

impl Incoming {
    /// # Errors
    /// 413 when it is known to be too large; 400 and 408 when it does not come whole.
    pub(super) async fn take(
        request: &HttpRequest,
        payload: web::Payload,
        bytes_max: usize,
        deadline: Deadline,
    ) -> Result<Incoming, Problem> {
        let payload = payload.into_inner();
        let fields = request.headers();
        if fields.contains_key(TRANSFER_ENCODING) {
            return Ok(Incoming::Streamed(Metered { payload, left: bytes_max }, None));
        }
        let length = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let Some(length): Option<u64> = length else { return Ok(Incoming::Nothing) };
        if length > bytes_max as u64 {
            return Err(too_large(bytes_max));
        }
        if length > HELD_MAX {
            return Ok(Incoming::Streamed(Metered { payload, left: bytes_max }, Some(length)));
        }
        match timeout_at(deadline.at().into(), hold(payload, length)).await {
            Ok(held) => held.map(Incoming::Held),
            Err(_) => Err(REQUEST_TIMEOUT.problem()),
        }
    }

    pub(super) fn can_be_sent_again(&self) -> bool {
        matches!(self, Incoming::Nothing | Incoming::Held(_))
    }

    /// Sends a request with this as its body.
    pub(super) fn send(&mut self, request: &FrozenClientRequest) -> SendClientRequest {
        match self {
            Incoming::Nothing | Incoming::Gone => request.send_body(NoBody::new()),
            Incoming::Held(bytes) => request.send_body(bytes.clone()),
            Incoming::Streamed(..) => match std::mem::replace(self, Incoming::Gone) {
                Incoming::Streamed(body, Some(length)) => {
                    request.send_body(SizedStream::new(length, body))
                }
                Incoming::Streamed(body, None) => request.send_body(BodyStream::new(body)),
                _ => request.send_body(NoBody::new()),
            },
        }
    }
}

async fn hold(mut payload: Payload, length: u64) -> Result<Bytes, Problem> {
    let incomplete = |error: PayloadError| BODY_INCOMPLETE.problem().cause(error);
    let Some(first) = payload.next().await.transpose().map_err(incomplete)? else {
        return Ok(Bytes::new());
    };
    if first.len() as u64 == length {
        return Ok(first); // As it nearly always is: whole, and not copied.
    }
    let mut held = BytesMut::from(first);
    while let Some(piece) = payload.next().await.transpose().map_err(incomplete)? {
        held.extend_from_slice(&piece);
    }
    Ok(held.freeze())
}

fn too_large(bytes_max: usize) -> Problem {
    kinds::BODY_TOO_LARGE.problem().detail(format!("at most {bytes_max} bytes are taken"))
}

/// A body that ends with an error when it grows too long.
pub(super) struct Metered {
    payload: Payload,
    /// Bytes that may still come.
    left: usize,
}

/// Why a body ended before its end.
#[derive(Debug)]
pub(super) enum BodyFault {
    TooLarge,
    Broken(PayloadError),
}

impl Stream for Metered {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = match self.payload.poll_next_unpin(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(piece)) => piece,
        };
        Poll::Ready(Some(match piece {
            Err(error) => Err(BodyFault::Broken(error)),
            Ok(piece) if piece.len() > self.left => Err(BodyFault::TooLarge),
            Ok(piece) => {
                self.left -= piece.len();
                Ok(piece)
            }
        }))
    }
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyFault::TooLarge => f.write_str("too large"),
            BodyFault::Broken(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BodyFault {}
