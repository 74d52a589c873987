//! A stream of events on its way to the client: piece by piece as it comes, without a deadline, and
//! ended when it falls silent or when this server is about to go.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use super::vigil::Vigil;
use crate::gateway::outgoing::{Cut, Passage};

/// See the module. Fields drop in order: the service's connection, then its place.
pub(in crate::gateway) struct Events {
    payload: Payload,
    vigil: Vigil,
    passage: Passage,
}

impl Events {
    pub(in crate::gateway) fn new(payload: Payload, mut passage: Passage) -> Events {
        passage.journey.lasts();
        let vigil = Vigil::keep(passage.terms.clone());
        Events { payload, vigil, passage }
    }

    fn cut(&mut self, reason: &'static str, cause: String) -> Cut {
        self.passage.journey.cut(reason, &cause);
        Cut(cause)
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(end) = self.vigil.ended(cx.waker()) {
            let cut = self.cut(end.name(), format!("the stream was ended: {}", end.name()));
            return Poll::Ready(Some(Err(cut)));
        }
        Poll::Ready(match ready!(self.payload.poll_next_unpin(cx)) {
            Some(Ok(piece)) => {
                self.vigil.moved();
                Some(Ok(piece))
            }
            Some(Err(error)) => Some(Err(self.cut("upstream", error.to_string()))),
            None => {
                self.passage.journey.done();
                None
            }
        })
    }
}
