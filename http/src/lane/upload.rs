//! A request's body on its way out, also when its answer has begun already.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_codec::{Encoder, Framed};
use actix_http::{
    RequestHeadType,
    body::{BodySize, BoxBody, MessageBody},
    h1::Message,
};
use actix_rt::net::TcpStream;
use awc::error::SendRequestError;
use bytes::Bytes;

/// What is written: a request's head, pieces of its body, their end.
pub(super) type Item = Message<(RequestHeadType, BodySize)>;

/// See the module.
pub(super) struct Outgoing<B> {
    body: B,
    pub(super) size: BodySize,
    /// Taken from the stream to learn whether there is one at all.
    first: Option<Bytes>,
    has_more: bool,
    /// The head has its body's first piece beside it, or needs none: it may leave. Sending a bare
    /// head first would make two packets of one.
    is_fed: bool,
}

/// Why a body is sent no further.
pub(super) enum Broken {
    /// It does not come.
    Body(SendRequestError),
    /// Nobody takes it. An answer may lie unread all the same.
    Wire(io::Error),
}

impl<B> Outgoing<B>
where
    B: MessageBody + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    pub(super) fn new(body: B) -> Outgoing<B> {
        let mut outgoing =
            Outgoing { size: body.size(), body, first: None, has_more: true, is_fed: false };
        outgoing.note_empty();
        outgoing
    }

    /// To be sent on while its answer is read.
    pub(super) fn boxed(self) -> Outgoing<BoxBody> {
        let Outgoing { body, size, first, has_more, is_fed } = self;
        Outgoing { body: body.boxed(), size, first, has_more, is_fed }
    }

    fn note_empty(&mut self) {
        if self.is_empty() {
            (self.has_more, self.is_fed) = (false, true);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self.size, BodySize::None | BodySize::Sized(0))
    }

    /// Looks at a stream once: an empty one is sent as no body, not as an empty chunked one.
    pub(super) async fn look(&mut self) -> Result<(), SendRequestError> {
        if self.size != BodySize::Stream {
            return Ok(());
        }
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut self.body).poll_next(cx))).await {
            Poll::Ready(None) => self.size = BodySize::Sized(0),
            Poll::Ready(Some(Ok(chunk))) => self.first = Some(chunk),
            Poll::Ready(Some(Err(error))) => return Err(SendRequestError::Body(error.into())),
            Poll::Pending => {}
        }
        self.note_empty();
        Ok(())
    }

    /// Fills the buffer from the body and empties it into the socket, as far as both go; whether that
    /// was all.
    pub(super) fn poll_into<C>(
        &mut self,
        framed: &mut Framed<TcpStream, C>,
        cx: &mut Context<'_>,
    ) -> Result<bool, Broken>
    where
        C: Encoder<Item, Error = io::Error>,
    {
        loop {
            self.fill(framed, cx)?;
            if framed.is_write_buf_empty() || !self.is_fed {
                return Ok(!self.has_more);
            }
            match Pin::new(&mut *framed).flush::<Item>(cx) {
                Poll::Ready(flushed) => flushed.map_err(Broken::Wire)?,
                Poll::Pending => return Ok(false),
            }
        }
    }

    fn fill<C>(
        &mut self,
        framed: &mut Framed<TcpStream, C>,
        cx: &mut Context<'_>,
    ) -> Result<(), Broken>
    where
        C: Encoder<Item, Error = io::Error>,
    {
        while self.has_more && !framed.is_write_buf_full() {
            let next = match self.first.take() {
                Some(first) => Some(Ok(first)),
                None => match Pin::new(&mut self.body).poll_next(cx) {
                    Poll::Ready(next) => next,
                    Poll::Pending => return Ok(()),
                },
            };
            let piece = match next {
                // It would read as the end of the body.
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(Ok(piece)) => Some(piece),
                Some(Err(error)) => return Err(Broken::Body(SendRequestError::Body(error.into()))),
                None => None,
            };
            self.has_more = piece.is_some();
            self.is_fed = true;
            let written = Pin::new(&mut *framed).write(Message::Chunk(piece));
            written.map_err(|error| Broken::Body(error.into()))?;
        }
        Ok(())
    }
}
