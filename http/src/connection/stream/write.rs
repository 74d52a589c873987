//! The way out: what is written for a client, and what is not any more.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use socket2::SockRef;
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::super::Answer;
use super::super::head::Follows;
use super::super::refusal::Refusal;
use super::{Incoming, Stream};

/// How long a client may take nothing of its answer.
const UNREAD_MAX: Duration = Duration::from_secs(15);

impl Stream {
    /// Writes what is left of an interim answer, or of one that was given again.
    pub(super) fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut unsent = self.connection.unsent.borrow_mut();
        let mut socket = self.connection.socket.borrow_mut();
        while !unsent.is_empty() {
            let written = ready!(Pin::new(&mut *socket).poll_write(cx, &unsent))?;
            unsent.advance(written);
            self.full_since = None;
        }
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut *socket).poll_write(cx, &self.rest))?;
            self.rest.advance(written);
            self.full_since = None;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for a client that takes nothing of its answer, for a while.
    pub(super) fn poll_unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let since = *self.full_since.get_or_insert_with(Instant::now);
        match self.alarm.has_passed(since + UNREAD_MAX, cx) {
            true => Poll::Ready(io::ErrorKind::TimedOut.into()),
            false => Poll::Pending,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.connection.answer.get() == Answer::NotAsked {
            // No handler has seen the request: these are the parser's own words.
            this.connection.refuse(Refusal::of_parser(bytes));
        }
        if this.connection.is_refused.get() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = match this.poll_unsent(cx)? {
            Poll::Ready(()) => {
                let mut socket = this.connection.socket.borrow_mut();
                Pin::new(&mut *socket).poll_write(cx, bytes)?
            }
            Poll::Pending => Poll::Pending,
        };
        if written.is_ready() {
            this.full_since = None;
            return written.map(Ok);
        }
        this.poll_unread(cx).map(Err)
    }

    /// The server calls this when it has written all that there is.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.answer.get() == Answer::Made {
            self.connection.answer.set(Answer::Gone);
            if !matches!(self.incoming, Incoming::Ahead) {
                self.answered_at = Some(Instant::now());
                cx.waker().wake_by_ref();
                // Behind another protocol comes no request: its end is that of the connection, and told at
                // once (RFC 9112, section 9.6).
                if self.connection.follows.get() == Follows::Everything {
                    let socket = self.connection.socket.borrow();
                    drop(SockRef::from(&*socket).shutdown(Shutdown::Write));
                }
            }
            if !self.ahead.is_empty() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(cx))?;
        let mut socket = self.connection.socket.borrow_mut();
        Pin::new(&mut *socket).poll_shutdown(cx)
    }
}
