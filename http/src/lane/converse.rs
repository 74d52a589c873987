//! Speaks on one connection: sends a request and reads up to the final head of its answer.
//!
//! Writing and reading run in one `poll_fn`, so an answer that comes early (413, say) is seen while
//! the body is still being sent.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::{
    ConnectionType, RequestHeadType, ResponseHead, StatusCode,
    body::{BodySize, MessageBody},
    error::ParseError,
    h1::{Message, MessageType},
};
use awc::error::{ConnectError, SendRequestError};
use bytes::Bytes;
use futures_util::ready;

use super::interim;
use super::wire::Wire;

/// An upstream that sends more 1xx answers than this is cut off.
const INTERIM_MAX: usize = 100;

type Item = Message<(RequestHeadType, BodySize)>;

/// The request's body on its way out.
pub(super) struct Outgoing<'a, B> {
    body: Pin<&'a mut B>,
    size: BodySize,
    /// Taken from the stream to learn whether there is one at all.
    first: Option<Bytes>,
}

/// A final head.
pub(super) struct Answer {
    pub(super) head: ResponseHead,
    /// The request was written whole and nothing failed on the way.
    pub(super) is_request_done: bool,
}

pub(super) struct Fault {
    pub(super) error: SendRequestError,
    /// Not one byte of an answer was seen.
    pub(super) is_untouched: bool,
}

impl<'a, B> Outgoing<'a, B>
where
    B: MessageBody,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    /// Looks at a stream once: an empty one is sent as no body, not as an empty chunked one.
    pub(super) async fn new(mut body: Pin<&'a mut B>) -> Result<Outgoing<'a, B>, SendRequestError> {
        let mut size = body.size();
        let mut first = None;
        if size == BodySize::Stream {
            match poll_fn(|cx| Poll::Ready(body.as_mut().poll_next(cx))).await {
                Poll::Ready(None) => size = BodySize::Sized(0),
                Poll::Ready(Some(Ok(chunk))) => first = Some(chunk),
                Poll::Ready(Some(Err(error))) => return Err(SendRequestError::Body(error.into())),
                Poll::Pending => {}
            }
        }
        Ok(Outgoing { body, size, first })
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.size, BodySize::None | BodySize::Sized(0))
    }
}

pub(super) async fn converse<B>(
    wire: &mut Wire,
    head: RequestHeadType,
    outgoing: &mut Outgoing<'_, B>,
) -> Result<Answer, Fault>
where
    B: MessageBody,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    let takes_switch = head.as_ref().connection_type() == ConnectionType::Upgrade;
    let mut talk = Talk {
        has_more: !outgoing.is_empty(),
        is_fed: outgoing.is_empty(),
        wire,
        outgoing,
        write_error: None,
        interim: 0,
        takes_switch,
    };
    talk.write(Message::Item((head, talk.outgoing.size)))?;
    if let Some(first) = talk.outgoing.first.take() {
        talk.write_chunk(first)?;
    }
    poll_fn(|cx| {
        talk.poll_write(cx)?;
        talk.poll_head(cx)
    })
    .await
}

/// One request and its answer, up to the head.
struct Talk<'t, 'b, B> {
    wire: &'t mut Wire,
    outgoing: &'t mut Outgoing<'b, B>,
    has_more: bool,
    /// The head has its body's first piece beside it, or needs none: it may leave. Sending a bare
    /// head first would make two packets of one.
    is_fed: bool,
    /// Writing failed. Not the end: an early answer may lie unread.
    write_error: Option<io::Error>,
    interim: usize,
    /// The request asks for another protocol.
    takes_switch: bool,
}

impl<B> Talk<'_, '_, B>
where
    B: MessageBody,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    fn write(&mut self, item: Item) -> Result<(), Fault> {
        let written = Pin::new(&mut self.wire.framed).write(item);
        written.map_err(|error| fault(error.into()))
    }

    /// An empty chunk would read as the end of the body.
    fn write_chunk(&mut self, chunk: Bytes) -> Result<(), Fault> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.is_fed = true;
        self.write(Message::Chunk(Some(chunk)))
    }

    /// Fills the buffer from the body and empties it into the socket, as far as both go.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        while self.write_error.is_none() {
            self.fill(cx)?;
            if self.wire.framed.is_write_buf_empty() || !self.is_fed {
                return Ok(());
            }
            match Pin::new(&mut self.wire.framed).flush::<Item>(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.write_error = Some(error),
                Poll::Pending => return Ok(()),
            }
        }
        Ok(())
    }

    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        while self.has_more && !self.wire.framed.is_write_buf_full() {
            match self.outgoing.body.as_mut().poll_next(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Ok(chunk))) => self.write_chunk(chunk)?,
                Poll::Ready(Some(Err(error))) => {
                    return Err(fault(SendRequestError::Body(error.into())));
                }
                Poll::Ready(None) => {
                    self.has_more = false;
                    self.is_fed = true;
                    self.write(Message::Chunk(None))?;
                }
            }
        }
        Ok(())
    }

    /// Reads heads until one is final (RFC 9110, section 15.2: interim ones may come unasked).
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Fault>> {
        loop {
            match ready!(Pin::new(&mut self.wire.framed).next_item(cx)) {
                Some(Ok(head)) if self.is_interim(&head) => self.skip(&head)?,
                Some(Ok(head)) => {
                    let is_request_done = !self.has_more
                        && self.write_error.is_none()
                        && self.wire.framed.is_write_buf_empty();
                    return Poll::Ready(Ok(Answer { head, is_request_done }));
                }
                Some(Err(error)) => {
                    let is_untouched = self.is_untouched() && matches!(error, ParseError::Io(_));
                    return Poll::Ready(Err(Fault { error: error.into(), is_untouched }));
                }
                None => return Poll::Ready(Err(self.hung_up())),
            }
        }
    }

    fn is_interim(&self, head: &ResponseHead) -> bool {
        let is_agreed = self.takes_switch && head.status == StatusCode::SWITCHING_PROTOCOLS;
        head.status.is_informational() && !is_agreed
    }

    /// A protocol nobody asked to switch to, an endless row, a body where none can be: the end.
    fn skip(&mut self, head: &ResponseHead) -> Result<(), Fault> {
        self.interim += 1;
        let has_body = self.wire.framed.codec_ref().message_type() != MessageType::None;
        let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
        if is_switch || has_body || self.interim > INTERIM_MAX {
            return Err(fault(SendRequestError::Response(ParseError::Status)));
        }
        interim::pass_on(head.status, &head.headers);
        Ok(())
    }

    fn hung_up(&mut self) -> Fault {
        let error = match self.write_error.take() {
            Some(error) => SendRequestError::Send(error),
            None => ConnectError::Disconnected.into(),
        };
        Fault { error, is_untouched: self.is_untouched() }
    }

    fn is_untouched(&self) -> bool {
        self.interim == 0 && self.wire.framed.is_read_buf_empty()
    }
}

fn fault(error: SendRequestError) -> Fault {
    Fault { error, is_untouched: false }
}
