//! Requests that are answered here, with what the same bytes were answered with before.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use super::super::repeat::Repeats;
use super::{Incoming, Stream};
use bytes::Bytes;
use tokio::io::ReadBuf;

/// Bodies up to this are written in one piece with their head, in bytes: copying them costs less than
/// a second piece.
const COPIED_MAX: usize = 4 * 1024;
/// Answers in a row before others on the thread have their turn.
const ANSWERS_MAX: usize = 16;

impl Stream {
    /// The next bytes of a head that is not answered here.
    pub(super) fn poll_new_bytes(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let before = buffer.filled().len();
        for _ in 0..ANSWERS_MAX {
            let read = std::task::ready!(self.poll_bytes(cx, buffer))?;
            if !self.answers_again(buffer, before)? {
                return Poll::Ready(Ok(read));
            }
            if self.poll_unsent(cx)?.is_pending() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether what was read from here on began with a head that could be answered, and is.
    fn answers_again(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> io::Result<bool> {
        let Some(repeats) = self.connection.repeats.clone() else { return Ok(false) };
        let is_new = matches!(&self.incoming, Incoming::Head(head) if !head.has_begun());
        let read = &buffer.filled()[before..];
        let is_clear = self.rest.is_empty() && self.connection.unsent.borrow().is_empty();
        let Some(head) = Repeats::head(read).filter(|_| is_new && is_clear) else {
            return Ok(false);
        };
        let (connection, rest) = (&self.connection, &mut self.rest);
        let written = repeats.answer(head, |head, mut body| {
            if body.len() <= COPIED_MAX {
                head.extend_from_slice(&std::mem::take(&mut body));
            }
            let socket = connection.socket.borrow();
            let written = match body.is_empty() {
                true => socket.try_write(head),
                false => socket.try_write_vectored(&[IoSlice::new(head), IoSlice::new(&body)]),
            };
            let written = match written {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                outcome => outcome?,
            };
            let unsent = head.get(written..).unwrap_or_default();
            if body.is_empty() {
                *rest = Bytes::copy_from_slice(unsent);
            } else {
                connection.unsent.borrow_mut().extend_from_slice(unsent);
                *rest = body.slice(written.saturating_sub(head.len())..);
            }
            Ok(())
        });
        let Some((written, at)) = written else { return Ok(false) };
        let after = before + head.len();
        self.head_since = None;
        self.idle_since = at.into();
        if buffer.filled().len() > after {
            self.keep(&buffer.filled()[after..]);
        }
        buffer.set_filled(before);
        written.map(|()| true)
    }

    /// Notes a head that came in one piece, so that whoever answers it can have it answered here.
    pub(super) fn note(&self, head: Option<&[u8]>) {
        let is_bare = matches!(self.incoming, Incoming::Ahead);
        let repeats = self.connection.repeats.as_ref().filter(|_| is_bare);
        let known = repeats.zip(head).and_then(|(repeats, head)| repeats.known(head));
        *self.connection.repeated.borrow_mut() = known;
    }
}
