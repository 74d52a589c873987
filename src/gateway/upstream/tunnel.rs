//! A WebSocket that passes through: after the 101 the bytes of both sides are handed on as they are.
//!
//! Each way has its own pace. Towards the service a task writes what the client's connection brings;
//! towards the client the connection's own stream reads when there is room. So at most one buffer
//! is held each way, and a side that does not read stops only who writes to it.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_rt::task::JoinHandle;
use actix_web::HttpResponse;
use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::header::{HeaderMap, UPGRADE};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::web::Payload;
use awc::ClientResponse;
use busbar_http::lane::{Held, Switched};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::handshake::{Handshake, WEBSOCKET};
use super::vigil::{Terms, Vigil, Watched};
use crate::gateway::forward::Loss;
use crate::gateway::outgoing::Passage;

/// What is read from a service at a time, in bytes.
const PIECE_BYTES: usize = 16 * 1024;

/// Takes the connection of an answer of 101 that is one to `handshake`.
///
/// # Errors
/// When it is not.
pub(in crate::gateway) fn switched(
    answer: &ClientResponse,
    handshake: &Handshake,
) -> Result<Switched, Loss> {
    let is_answer = handshake.is_answered_by(answer.headers());
    let switched = Switched::of(answer).filter(|_| is_answer);
    switched.ok_or_else(|| Loss::Broken("it switched to something else".to_owned()))
}

/// The answer that opens the tunnel. `fields` are those of the service's answer.
pub(in crate::gateway) fn open(
    switched: Switched,
    fields: HeaderMap,
    payload: Payload,
    idle_max: Duration,
    mut passage: Passage,
) -> HttpResponse {
    passage.journey.lasts();
    let Switched { socket, ahead, held } = switched;
    let (read, write) = socket.into_split();
    let vigil = Vigil::keep(Terms { idle_max, draining: passage.terms.draining.clone() });
    let pump = actix_rt::spawn(pump(payload, write, vigil.watched()));
    let buffer = vec![0; PIECE_BYTES].into_boxed_slice();
    let tunnel = Tunnel { read, ahead, buffer, pump, vigil, passage, _held: held };
    let body = BodyStream::new(tunnel).boxed();
    let mut response = HttpResponse::with_body(StatusCode::SWITCHING_PROTOCOLS, body);
    *response.headers_mut() = fields;
    response.headers_mut().insert(UPGRADE, WEBSOCKET);
    response.head_mut().set_connection_type(ConnectionType::Upgrade);
    response
}

/// Towards the client; owns the other way, too. Fields drop in order: the socket, then its place.
struct Tunnel {
    read: OwnedReadHalf,
    /// What came together with the answer's head.
    ahead: Bytes,
    buffer: Box<[u8]>,
    pump: JoinHandle<()>,
    vigil: Vigil,
    passage: Passage,
    _held: Held,
}

impl Stream for Tunnel {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if !this.ahead.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut this.ahead))));
        }
        if let Some(end) = this.vigil.ended(cx.waker()) {
            this.passage.journey.cut(end.name(), "the tunnel was ended");
            return Poll::Ready(None);
        }
        let mut buffer = ReadBuf::new(&mut this.buffer);
        let outcome = ready!(Pin::new(&mut this.read).poll_read(cx, &mut buffer));
        let piece = buffer.filled();
        if outcome.is_err() || piece.is_empty() {
            this.passage.journey.done();
            return Poll::Ready(None);
        }
        this.vigil.moved();
        Poll::Ready(Some(Ok(Bytes::copy_from_slice(piece))))
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Towards the service, until the client has nothing more to say.
async fn pump(mut payload: Payload, mut write: OwnedWriteHalf, watched: Rc<Watched>) {
    while let Some(Ok(piece)) = payload.next().await {
        watched.moved();
        if write.write_all(&piece).await.is_err() {
            return;
        }
        watched.moved();
    }
    // The service learns that no more comes.
    drop(write.shutdown().await);
}
