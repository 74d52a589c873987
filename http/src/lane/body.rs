//! The body of an answer: a stream that owns its connection and reads only when it is polled.

use std::{
    future::ready,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_codec::Framed;
use actix_http::{Payload, body::BoxBody, error::PayloadError};
use actix_rt::net::TcpStream;
use awc::error::SendRequestError;
use bytes::Bytes;
use futures_util::{Stream, ready, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    codec::{BodyCodec, HeadCodec},
    failure::broken_body,
    framing::Follows,
    pool::Pool,
    upload::{Broken, Outgoing},
    wire::{Lease, Wire},
};

/// The rest of an answer's body. Dropped before its end, it closes the connection.
pub(super) struct Rest {
    /// What was read before anybody asked; handed out first.
    ahead: Ahead,
    /// Gone when the body has ended.
    held: Option<Held>,
    /// What is still to be sent of the request.
    upload: Option<Outgoing<BoxBody>>,
    pool: Rc<Pool>,
    /// If the request has been sent whole by the end.
    is_reusable: bool,
}

#[derive(Default)]
struct Ahead(Option<Bytes>, Option<Bytes>);

/// Fields drop in order: socket, its place, the right to the exchange.
struct Held {
    framed: Framed<TcpStream, BodyCodec>,
    lease: Lease,
    exchange: OwnedSemaphorePermit,
}

/// What one look at the connection showed.
enum Seen {
    Piece(Bytes),
    End,
    Cut(PayloadError),
}

impl Rest {
    pub(super) fn new(
        pool: Rc<Pool>,
        wire: Wire,
        exchange: OwnedSemaphorePermit,
        (follows, is_reusable): (Follows, bool),
        upload: Option<Outgoing<BoxBody>>,
    ) -> Rest {
        let Wire { framed, lease } = wire;
        let framed = framed.into_map_codec(|codec: HeadCodec| codec.into_body(follows));
        let held = Some(Held { framed, lease, exchange });
        Rest { ahead: Ahead::default(), held, upload, pool, is_reusable }
    }

    /// Takes what came together with the head; the body, if that is all of it. One that came whole frees
    /// its connection before the caller even looks; one that breaks here is still an error instead of a
    /// cut answer.
    pub(super) fn look_ahead(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Result<Option<Payload>, SendRequestError> {
        let first = match self.poll_wire(cx) {
            Poll::Pending => return Ok(None),
            Poll::Ready(None) => return Ok(Some(Payload::None)),
            Poll::Ready(Some(piece)) => piece.map_err(broken_body)?,
        };
        let second = match self.poll_wire(cx) {
            Poll::Ready(None) => {
                let whole = stream::once(ready(Ok(first)));
                return Ok(Some(Payload::Stream { payload: Box::pin(whole) }));
            }
            Poll::Pending => None,
            Poll::Ready(Some(piece)) => Some(piece.map_err(broken_body)?),
        };
        self.ahead = Ahead(Some(first), second);
        Ok(None)
    }

    /// As it comes.
    pub(super) fn into_payload(self) -> Payload {
        Payload::Stream { payload: Box::pin(self) }
    }

    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        if let Err(error) = self.poll_upload(cx) {
            self.held = None;
            return Poll::Ready(Some(Err(error)));
        }
        let Some(held) = &mut self.held else { return Poll::Ready(None) };
        match ready!(held.poll_seen(cx)) {
            Seen::Piece(piece) => Poll::Ready(Some(Ok(piece))),
            Seen::Cut(error) => {
                self.held = None;
                Poll::Ready(Some(Err(error)))
            }
            Seen::End => {
                self.give_back();
                Poll::Ready(None)
            }
        }
    }

    /// A request that breaks off ends its answer; one that nobody takes leaves it to be read.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), PayloadError> {
        let (Some(upload), Some(held)) = (&mut self.upload, &mut self.held) else { return Ok(()) };
        match upload.poll_into(&mut held.framed, cx) {
            Ok(false) => {}
            Ok(true) => self.upload = None,
            Err(Broken::Wire(_)) => (self.upload, self.is_reusable) = (None, false),
            Err(Broken::Body(error)) => {
                return Err(PayloadError::Io(io::Error::other(error.to_string())));
            }
        }
        Ok(())
    }

    fn give_back(&mut self) {
        let Some(Held { framed, lease, exchange }) = self.held.take() else { return };
        if !self.is_reusable || self.upload.is_some() {
            return;
        }
        let framed = framed.into_map_codec(|codec: BodyCodec| {
            codec.into_head().unwrap_or_else(|| self.pool.fresh_codec())
        });
        self.pool.put(Wire { framed, lease }, exchange);
    }
}

impl Held {
    fn poll_seen(&mut self, cx: &mut Context<'_>) -> Poll<Seen> {
        Poll::Ready(match ready!(Pin::new(&mut self.framed).next_item(cx)) {
            Some(Ok(Some(piece))) => Seen::Piece(piece),
            Some(Ok(None)) => Seen::End,
            Some(Err(error)) => Seen::Cut(error),
            None if self.framed.codec_ref().is_until_close() => Seen::End,
            // The end of the connection is no error to `Framed`; a cut answer would look whole.
            None => Seen::Cut(PayloadError::Incomplete(None)),
        })
    }
}

impl Stream for Rest {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.ahead.0.take() {
            Some(piece) => {
                self.ahead.0 = self.ahead.1.take();
                Poll::Ready(Some(Ok(piece)))
            }
            None => self.poll_wire(cx),
        }
    }
}
