//! A client whose request was refused: it is told why, and may go on sending for a while.

use std::io;
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::super::refusal::Refusal;
use super::{Incoming, LINGER_MAX, Stream};

impl Stream {
    /// Takes back what lies in the buffer, says why, and listens no more.
    pub(super) fn refuse(
        &mut self,
        refusal: Refusal,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        before: usize,
    ) -> Poll<io::Result<()>> {
        buffer.set_filled(before);
        self.ahead.clear();
        self.incoming = Incoming::Refused(Instant::now() + LINGER_MAX);
        self.connection.refuse(refusal);
        self.poll_refused(cx, buffer)
    }

    /// Reads on without looking, so that closing does not take the refusal back.
    pub(super) fn poll_refused(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Incoming::Refused(until) = self.incoming else { return Poll::Ready(Ok(())) };
        let before = buffer.filled().len();
        loop {
            if self.alarm.has_passed(until, cx) {
                return Poll::Ready(Ok(()));
            }
            let read = ready!(self.poll_socket(cx, buffer))?;
            buffer.set_filled(before);
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
