//! Hands an answer to the client: its head with the right fields, its body as it comes.
//!
//! The deadline of the request holds for the body too. It is kept by an alarm that drops the
//! service's connection: also when the client has stopped reading and nobody asks for more.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use actix_rt::task::JoinHandle;
use actix_rt::time::sleep_until;
use actix_web::body::{BodyStream, BoxBody, MessageBody, SizedStream};
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, UPGRADE};
use actix_web::http::{Method, StatusCode, Version};
use actix_web::{HttpMessage, HttpResponse};
use awc::ClientResponse;
use busbar_http::{Deadline, RequestId, headers, trace};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::cache::{self, Keeper, Way};
use super::journey::Journey;
use super::onward::Place;
use super::problem::REASON;
use super::upstream::events::Events;
use super::upstream::vigil::Terms;

/// What is held until the last byte of an answer has gone.
pub(super) struct Passage {
    pub(super) journey: Journey,
    pub(super) deadline: Deadline,
    /// Copies what passes.
    pub(super) keeper: Option<Box<Keeper>>,
    /// When to end an answer that has no deadline.
    pub(super) terms: Terms,
    pub(super) place: Option<Place>,
}

/// The answer from what is kept.
pub(super) fn kept(
    mut answer: HttpResponse,
    id: &RequestId,
    journey: &mut Journey,
) -> HttpResponse {
    trace_to(answer.headers_mut(), id);
    journey.ends_here(answer.status());
    answer
}

pub(super) fn trace_to(fields: &mut HeaderMap, id: &RequestId) {
    fields.insert(trace::TRACEPARENT_NAME, id.traceparent_value().clone());
}

/// The answer for the client.
pub(super) fn answer(
    answer: ClientResponse,
    id: &RequestId,
    way: Way,
    passage: Passage,
) -> HttpResponse {
    let mut received = HeaderMap::default();
    let mut answer = answer.map_body(|head, payload| {
        received = std::mem::take(&mut head.headers);
        payload
    });
    let upgrade = received.get(UPGRADE).filter(|_| is_upgrade_wanted(answer.status())).cloned();
    let mut fields = fields(received, answer.version(), id, way);
    let status = answer.status();
    let length = length(&fields);
    let lasts = length.is_none() && are_events(&fields);
    let is_head = passage.journey.method() == Method::HEAD;
    let body = body(answer.take_payload(), length, is_head, passage, lasts);
    let mut response = HttpResponse::with_body(status, body);
    if let Some(upgrade) = upgrade {
        // The writer names it in `Connection`.
        fields.insert(UPGRADE, upgrade);
    }
    *response.headers_mut() = fields;
    if is_head {
        // The length in the head is that of the body that GET would have.
        response.head_mut().no_chunking(true);
    }
    response
}

impl Passage {
    fn ends_well(&mut self) {
        self.journey.done();
        if let Some(keeper) = self.keeper.take() {
            keeper.whole();
        }
    }
}

/// RFC 9110, section 15.5.22: such an answer names what is wanted.
fn is_upgrade_wanted(status: StatusCode) -> bool {
    status == StatusCode::UPGRADE_REQUIRED
}

/// The fields of a service's answer, which came in this version, as they are passed on.
pub(super) fn fields(received: HeaderMap, version: Version, id: &RequestId, way: Way) -> HeaderMap {
    let mut fields = headers::through_here(received, version);
    cache::tell(&mut fields, way);
    // Only for what the gateway itself has to say.
    fields.remove(REASON);
    trace_to(&mut fields, id);
    fields
}

/// Events come for as long as they come (WHATWG HTML, section 9.2).
fn are_events(fields: &HeaderMap) -> bool {
    let kind = fields.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/event-stream")
}

fn length(fields: &HeaderMap) -> Option<u64> {
    fields.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn body(
    payload: Payload,
    length: Option<u64>,
    is_head: bool,
    mut passage: Passage,
    lasts: bool,
) -> BoxBody {
    if is_head {
        passage.journey.done();
        // Not an empty body of known size: its length would stand in the head.
        return BodyStream::new(stream::empty::<Result<Bytes, Cut>>()).boxed();
    }
    if matches!(payload, Payload::None) {
        passage.ends_well();
        return BoxBody::new(());
    }
    if lasts {
        return BodyStream::new(Events::new(payload, passage)).boxed();
    }
    let outgoing = Outgoing::new(payload, passage);
    match length {
        Some(length) => SizedStream::new(length, outgoing).boxed(),
        None => BodyStream::new(outgoing).boxed(),
    }
}

/// The rest of an answer.
struct Outgoing {
    source: Rc<RefCell<Source>>,
    passage: Passage,
    has_begun: bool,
    alarm: Option<JoinHandle<()>>,
}

/// What the alarm may take away: a client that takes nothing keeps nobody's place.
struct Source {
    payload: Option<Payload>,
    place: Option<Place>,
    reader: Option<Waker>,
}

/// An answer was cut after its head; all that is left is to close the client's connection.
#[derive(Debug)]
pub(super) struct Cut(pub(super) String);

impl Outgoing {
    fn new(payload: Payload, mut passage: Passage) -> Outgoing {
        let place = passage.place.take();
        let source = Source { payload: Some(payload), place, reader: None };
        let source = Rc::new(RefCell::new(source));
        Outgoing { source, passage, has_begun: false, alarm: None }
    }

    /// A body that comes whole with its head needs no alarm.
    fn set_alarm(&mut self) {
        let (source, deadline) = (Rc::downgrade(&self.source), self.passage.deadline);
        self.alarm.get_or_insert_with(|| {
            actix_rt::spawn(async move {
                sleep_until(deadline.at().into()).await;
                let Some(source) = source.upgrade() else { return };
                let reader = {
                    let mut source = source.borrow_mut();
                    source.payload = None;
                    source.place = None;
                    source.reader.take()
                };
                if let Some(reader) = reader {
                    reader.wake();
                }
            })
        });
    }

    fn cut(&mut self, reason: &'static str, cause: String) -> Cut {
        self.passage.journey.cut(reason, &cause);
        Cut(cause)
    }
}

impl Stream for Outgoing {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = {
            let mut source = self.source.borrow_mut();
            let polled = source.payload.as_mut().map(|payload| payload.poll_next_unpin(cx));
            if matches!(polled, Some(Poll::Pending)) {
                source.reader = Some(cx.waker().clone());
            }
            polled
        };
        match polled {
            None => {
                let cut = self.cut("deadline", "the deadline passed".to_owned());
                Poll::Ready(Some(Err(cut)))
            }
            Some(Poll::Pending) => {
                self.set_alarm();
                Poll::Pending
            }
            Some(Poll::Ready(Some(Ok(piece)))) => {
                if self.has_begun {
                    self.set_alarm();
                }
                self.has_begun = true;
                if let Some(keeper) = &mut self.passage.keeper {
                    keeper.piece(&piece);
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Poll::Ready(Some(Err(error)))) => {
                let cut = self.cut("upstream", error.to_string());
                Poll::Ready(Some(Err(cut)))
            }
            Some(Poll::Ready(None)) => {
                self.passage.ends_well();
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if let Some(alarm) = &self.alarm {
            alarm.abort();
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer was cut: {}", self.0)
    }
}

impl std::error::Error for Cut {}
