//! The request's body on its way in: bounded, streamed, or held when it is small.
//!
//! A small body is read before anything is sent on: then a slow client holds no connection to a
//! service, and the request can be sent a second time. A large one passes through as it comes, as
//! long as it comes.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::body::{BodyStream, None as NoBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use actix_web::web;
use awc::{FrozenClientRequest, SendClientRequest};
use busbar_http::body::BODY_WAIT_MAX;
use busbar_http::problem::kinds;
use busbar_http::{Deadline, Problem};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::problem::{BODY_INCOMPLETE, REQUEST_TIMEOUT};

/// Bodies up to this are held. In bytes.
const HELD_MAX: u64 = 64 * 1024;
/// How long a body that passes through may bring nothing.
const STALL_MAX: Duration = Duration::from_secs(15);

/// A request's body.
pub(super) enum Incoming {
    Nothing,
    Held(Bytes),
    /// With its length, if it was announced.
    Streamed(Lent, Option<u64>),
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
            return held(hold_chunks(payload, bytes_max), deadline).await;
        }
        let length = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let Some(length): Option<u64> = length else { return Ok(Incoming::Nothing) };
        if length == 0 {
            return Ok(Incoming::Held(Bytes::new()));
        }
        if length > bytes_max as u64 {
            return Err(too_large(bytes_max));
        }
        if length > HELD_MAX {
            let body = Metered::new(payload, bytes_max);
            return Ok(Incoming::Streamed(Lent::new(body), Some(length)));
        }
        held(hold(payload, length), deadline).await
    }

    /// A body that passes through is there as long as nobody has taken any of it.
    pub(super) fn can_be_sent_again(&self) -> bool {
        match self {
            Incoming::Nothing | Incoming::Held(_) => true,
            Incoming::Streamed(body, _) => !body.is_touched.get(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Incoming::Nothing => true,
            Incoming::Held(bytes) => bytes.is_empty(),
            Incoming::Streamed(..) => false,
        }
    }

    pub(super) fn is_streamed(&self) -> bool {
        matches!(self, Incoming::Streamed(..))
    }

    /// Sends a request with this as its body.
    pub(super) fn send(&self, request: &FrozenClientRequest) -> SendClientRequest {
        match self {
            Incoming::Nothing => request.send_body(NoBody::new()),
            Incoming::Held(bytes) => request.send_body(bytes.clone()),
            Incoming::Streamed(body, Some(length)) => {
                request.send_body(SizedStream::new(*length, body.clone()))
            }
            Incoming::Streamed(body, None) => request.send_body(BodyStream::new(body.clone())),
        }
    }
}

/// A body that passes through, lent to one exchange after another until one takes of it.
#[derive(Clone)]
pub(super) struct Lent {
    body: Rc<RefCell<Metered>>,
    is_touched: Rc<Cell<bool>>,
}

impl Lent {
    fn new(body: Metered) -> Lent {
        Lent { body: Rc::new(RefCell::new(body)), is_touched: Rc::default() }
    }
}

impl Stream for Lent {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.is_touched.set(true);
        Pin::new(&mut *self.body.borrow_mut()).poll_next(cx)
    }
}

/// What is held comes soon, also where the request has more time.
async fn held(
    holding: impl Future<Output = Result<Incoming, Problem>>,
    deadline: Deadline,
) -> Result<Incoming, Problem> {
    let until = deadline.sooner(BODY_WAIT_MAX).at();
    let held = timeout_at(until.into(), holding).await;
    held.unwrap_or_else(|_| Err(REQUEST_TIMEOUT.problem()))
}

async fn hold(mut payload: Payload, length: u64) -> Result<Incoming, Problem> {
    let Some(first) = payload.next().await.transpose().map_err(incomplete)? else {
        return Ok(Incoming::Held(Bytes::new()));
    };
    if first.len() as u64 == length {
        return Ok(Incoming::Held(first)); // As it nearly always is: whole, and not copied.
    }
    let mut held = BytesMut::from(first);
    while (held.len() as u64) < length {
        let Some(piece) = payload.next().await.transpose().map_err(incomplete)? else { break };
        held.extend_from_slice(&piece);
    }
    if held.len() as u64 > length {
        return Err(BODY_INCOMPLETE.problem().cause("longer than it was announced"));
    }
    Ok(Incoming::Held(held.freeze()))
}

/// Nobody knows how much will come: what turns out to be large passes through after all.
async fn hold_chunks(mut payload: Payload, bytes_max: usize) -> Result<Incoming, Problem> {
    let mut held = BytesMut::new();
    while let Some(piece) = payload.next().await.transpose().map_err(incomplete)? {
        held.extend_from_slice(&piece);
        if held.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        if held.len() as u64 > HELD_MAX {
            let left = bytes_max - held.len();
            let body = Metered { ahead: Some(held.freeze()), ..Metered::new(payload, left) };
            return Ok(Incoming::Streamed(Lent::new(body), None));
        }
    }
    Ok(Incoming::Held(held.freeze()))
}

fn incomplete(error: PayloadError) -> Problem {
    BODY_INCOMPLETE.problem().cause(error)
}

fn too_large(bytes_max: usize) -> Problem {
    kinds::BODY_TOO_LARGE.problem().detail(format!("at most {bytes_max} bytes are taken"))
}

/// A body that ends with an error when it grows too long or stops coming.
pub(super) struct Metered {
    /// What was held before it turned out to be large.
    ahead: Option<Bytes>,
    payload: Payload,
    /// Bytes that may still come.
    left: usize,
    /// Rings when nothing has come for too long since somebody asked.
    alarm: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
}

impl Metered {
    fn new(payload: Payload, left: usize) -> Metered {
        Metered { ahead: None, payload, left, alarm: None, is_waiting: false }
    }

    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let until = Instant::now() + STALL_MAX;
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if !std::mem::replace(&mut self.is_waiting, true) {
            alarm.as_mut().reset(until);
        }
        alarm.as_mut().poll(cx)
    }
}

/// Why a body ended before its end.
#[derive(Debug)]
pub(super) enum BodyFault {
    TooLarge,
    /// Nothing came for too long.
    Stalled,
    Broken(PayloadError),
}

impl Stream for Metered {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(ahead) = self.ahead.take() {
            return Poll::Ready(Some(Ok(ahead)));
        }
        let piece = match self.payload.poll_next_unpin(cx) {
            Poll::Pending => return self.poll_alarm(cx).map(|()| Some(Err(BodyFault::Stalled))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(piece)) => piece,
        };
        self.is_waiting = false;
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
            BodyFault::Stalled => f.write_str("nothing came for too long"),
            BodyFault::Broken(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BodyFault {}
