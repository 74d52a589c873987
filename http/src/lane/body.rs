//! The body of an answer: a stream that owns its connection and reads only when it is polled.

use std::{
    future::{poll_fn, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use actix_codec::{BytesCodec, Framed};
use actix_http::{Payload, error::PayloadError, h1::ClientPayloadCodec};
use actix_rt::net::TcpStream;
use awc::error::SendRequestError;
use bytes::Bytes;
use futures_util::{Stream, ready, stream};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    codec::HeadCodec,
    failure::broken_body,
    framing::Follows,
    pool::Pool,
    wire::{Lease, Wire},
};

/// The rest of an answer's body. Dropped before its end, it closes the connection.
pub(super) struct Rest {
    /// What was read before anybody asked; handed out first.
    ahead: Ahead,
    /// Gone when the body has ended.
    held: Option<Held>,
    pool: Rc<Pool>,
    is_reusable: bool,
}

#[derive(Default)]
struct Ahead(Option<Bytes>, Option<Bytes>);

/// Fields drop in order: socket, its place, the right to the exchange.
struct Held {
    incoming: Incoming,
    lease: Lease,
    exchange: OwnedSemaphorePermit,
}

enum Incoming {
    Coded(Framed<TcpStream, ClientPayloadCodec>),
    UntilClose(Framed<TcpStream, BytesCodec>),
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
        follows: Follows,
        is_reusable: bool,
    ) -> Rest {
        let Wire { framed, lease } = wire;
        let incoming = match follows {
            Follows::UntilClose => Incoming::UntilClose(framed.replace_codec(BytesCodec)),
            _ => Incoming::Coded(framed.into_map_codec(HeadCodec::into_payload_codec)),
        };
        let held = Some(Held { incoming, lease, exchange });
        Rest { ahead: Ahead::default(), held, pool, is_reusable }
    }

    fn poll_wire(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let Some(mut held) = self.held.take() else { return Poll::Ready(None) };
        match held.incoming.poll_seen(cx) {
            Poll::Pending => {
                self.held = Some(held);
                Poll::Pending
            }
            Poll::Ready(Seen::Piece(piece)) => {
                self.held = Some(held);
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Seen::Cut(error)) => Poll::Ready(Some(Err(error))),
            Poll::Ready(Seen::End) => {
                self.give_back(held);
                Poll::Ready(None)
            }
        }
    }

    fn give_back(&self, held: Held) {
        let Held { incoming, lease, exchange } = held;
        if let (true, Incoming::Coded(framed)) = (self.is_reusable, incoming) {
            let framed = framed.into_map_codec(HeadCodec::of_payload_codec);
            self.pool.put(Wire { framed, lease }, exchange);
        }
    }
}

impl Incoming {
    fn poll_seen(&mut self, cx: &mut Context<'_>) -> Poll<Seen> {
        Poll::Ready(match self {
            Incoming::Coded(framed) => match ready!(Pin::new(framed).next_item(cx)) {
                Some(Ok(Some(piece))) => Seen::Piece(piece),
                Some(Ok(None)) => Seen::End,
                Some(Err(error)) => Seen::Cut(error),
                // The end of the connection is no error to `Framed`; a cut answer would look whole.
                None => Seen::Cut(PayloadError::Incomplete(None)),
            },
            Incoming::UntilClose(framed) => match ready!(Pin::new(framed).next_item(cx)) {
                Some(Ok(piece)) => Seen::Piece(piece.freeze()),
                Some(Err(error)) => Seen::Cut(error.into()),
                None => Seen::End,
            },
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

/// Takes what came together with the head. A body that came whole frees its connection before the
/// caller even looks; one that breaks here is still an error instead of a cut answer.
pub(super) async fn first_pieces(mut rest: Rest) -> Result<Payload, SendRequestError> {
    let first = match look(&mut rest).await {
        Poll::Pending => return Ok(stream_of(rest)),
        Poll::Ready(None) => return Ok(Payload::None),
        Poll::Ready(Some(piece)) => piece.map_err(broken_body)?,
    };
    let second = match look(&mut rest).await {
        Poll::Ready(None) => {
            let whole = stream::once(ready(Ok(first)));
            return Ok(Payload::Stream { payload: Box::pin(whole) });
        }
        Poll::Pending => None,
        Poll::Ready(Some(piece)) => Some(piece.map_err(broken_body)?),
    };
    rest.ahead = Ahead(Some(first), second);
    Ok(stream_of(rest))
}

async fn look(rest: &mut Rest) -> Poll<Option<Result<Bytes, PayloadError>>> {
    poll_fn(|cx| Poll::Ready(rest.poll_wire(cx))).await
}

fn stream_of(rest: Rest) -> Payload {
    Payload::Stream { payload: Box::pin(rest) }
}
