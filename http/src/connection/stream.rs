//! The stream under the server: hands on the bytes of one request at a time, and keeps its times.

mod again;
mod refused;
mod write;

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_rt::net::TcpStream;
use bytes::{Buf, Bytes, BytesMut};
use prometheus::IntCounterVec;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::head::{Follows, HeadReader, Seen};
use super::incoming::Incoming;
use super::refusal::Refusal;
use super::repeat::Repeats;
use super::{Answer, Connection};

/// What is taken of a next request before the one in hand is answered, in bytes.
const AHEAD_BYTES_MAX: usize = 16 * 1024;
/// How long a client may go on sending what nobody wants, so that it can read why (RFC 9112,
/// section 9.6).
const LINGER_MAX: Duration = Duration::from_secs(1);

/// A client's connection.
pub(crate) struct Stream {
    connection: Rc<Connection>,
    incoming: Incoming,
    /// Bytes that came too early.
    ahead: BytesMut,
    /// What is left of an answer that was given again.
    rest: Bytes,
    times: Times,
    head_since: Option<Instant>,
    /// When the last answer went.
    idle_since: Instant,
    /// When a request was answered whose body still comes: nobody wants the rest.
    answered_at: Option<Instant>,
    /// Since when the socket takes nothing.
    full_since: Option<Instant>,
    alarm: Alarm,
}

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// For each head from its first byte, for the first one from the connection's; zero: for ever.
    pub(crate) head_max: Duration,
    /// Between two requests.
    pub(crate) idle_max: Duration,
}

impl Stream {
    pub(crate) fn new(
        socket: TcpStream,
        times: Times,
        refused: IntCounterVec,
        repeats: Option<Rc<Repeats>>,
    ) -> Stream {
        let now = Instant::now();
        Stream {
            connection: Connection::new(socket, refused, repeats),
            incoming: Incoming::Head(HeadReader::default()),
            ahead: BytesMut::new(),
            rest: Bytes::new(),
            times,
            head_since: Some(now),
            idle_since: now,
            answered_at: None,
            full_since: None,
            alarm: Alarm::default(),
        }
    }

    pub(super) fn connection(&self) -> Rc<Connection> {
        self.connection.clone()
    }

    /// Bytes that came too early go first. None of either is the end.
    fn poll_bytes(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.ahead.is_empty() {
            return self.poll_socket(cx, buffer);
        }
        let taken = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..taken]);
        self.ahead.advance(taken);
        Poll::Ready(Ok(taken))
    }

    fn poll_socket(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let before = buffer.filled().len();
        let mut socket = self.connection.socket.borrow_mut();
        ready!(Pin::new(&mut *socket).poll_read(cx, buffer))?;
        Poll::Ready(Ok(buffer.filled().len() - before))
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let Poll::Ready(read) = self.poll_new_bytes(cx, buffer)? else {
            return self.poll_late_head(cx, buffer);
        };
        let Incoming::Head(head) = &mut self.incoming else { return Poll::Ready(Ok(())) };
        if read == 0 {
            return Poll::Ready(Ok(()));
        }
        // Of a head that comes in parts not all of its bytes are here.
        let is_whole = !head.has_begun();
        let seen = head.read(&mut buffer.filled_mut()[before..]);
        self.connection.line.set(head.request());
        match seen {
            Seen::Part => Poll::Ready(Ok(())),
            Seen::End(at, follows) => {
                self.head_since = None;
                self.connection.follows.set(follows);
                self.incoming = Incoming::body(follows);
                self.note(is_whole.then_some(&buffer.filled()[before..before + at]));
                match self.hand_on(buffer, before + at) {
                    Ok(()) => {
                        let has_come = buffer.filled().len() > before + at;
                        self.connection.has_body_come.set(has_come);
                        Poll::Ready(Ok(()))
                    }
                    Err(refusal) => self.refuse(refusal, cx, buffer, before),
                }
            }
            Seen::Refused(refusal) => self.refuse(refusal, cx, buffer, before),
        }
    }

    /// Waits for a head, until its time is over, or that of an idle connection.
    fn poll_late_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let has_begun = matches!(&self.incoming, Incoming::Head(head) if head.has_begun());
        if has_begun {
            self.head_since.get_or_insert_with(Instant::now);
        }
        let Times { head_max, idle_max } = self.times;
        match self.head_since {
            Some(_) if head_max.is_zero() => Poll::Pending,
            // Who has said nothing is told nothing: to the server it looks as if the client had gone.
            Some(since) if !has_begun && self.alarm.has_passed(since + head_max, cx) => {
                Poll::Ready(Ok(()))
            }
            Some(since) if self.alarm.has_passed(since + head_max, cx) => {
                let before = buffer.filled().len();
                self.refuse(Refusal::TooSlow, cx, buffer, before)
            }
            None if self.alarm.has_passed(self.idle_since + idle_max, cx) => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    }

    /// Of what lies in the buffer from here on, what belongs to the body stays; the rest waits.
    fn hand_on(&mut self, buffer: &mut ReadBuf<'_>, from: usize) -> Result<(), Refusal> {
        let there = buffer.filled().len() - from;
        if there == 0 {
            return Ok(());
        }
        let belongs = self.incoming.take(&buffer.filled()[from..])?;
        if belongs < there {
            self.keep(&buffer.filled()[from + belongs..]);
            buffer.set_filled(from + belongs);
        }
        Ok(())
    }

    /// Puts bytes before those that came too early and were not looked at.
    fn keep(&mut self, bytes: &[u8]) {
        if self.ahead.is_empty() {
            self.ahead.extend_from_slice(bytes);
        } else {
            let later = std::mem::replace(&mut self.ahead, BytesMut::from(bytes));
            self.ahead.unsplit(later);
        }
    }

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.answered_at.is_some_and(|at| self.alarm.has_passed(at + LINGER_MAX, cx)) {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(self.poll_bytes(cx, buffer))?;
        match self.hand_on(buffer, before) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(refusal) => self.refuse(refusal, cx, buffer, before),
        }
    }

    /// The request has been handed on whole. What comes now waits for its turn; that nothing will
    /// come any more is told at once.
    fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        while self.ahead.len() < AHEAD_BYTES_MAX {
            match self.poll_socket(cx, buffer)? {
                Poll::Ready(0) => return Poll::Ready(Ok(())),
                Poll::Ready(_) => {
                    self.ahead.extend_from_slice(&buffer.filled()[before..]);
                    buffer.set_filled(before);
                }
                Poll::Pending => break,
            }
        }
        let mut server = self.connection.server.borrow_mut();
        if !server.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            *server = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// The answer has gone out and the request has come in whole: the next one's turn.
    fn turn(&mut self) {
        let is_whole = matches!(self.incoming, Incoming::Ahead);
        if is_whole && self.connection.answer.get() == Answer::Gone {
            self.connection.answer.set(Answer::NotAsked);
            self.answered_at = None;
            self.idle_since = Instant::now();
            self.incoming = Incoming::Head(HeadReader::default());
        } else if self.connection.follows.get() == Follows::Everything
            && !matches!(self.incoming, Incoming::Refused(_))
        {
            self.incoming = Incoming::Everything;
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        // Reading does not wait for it, except for what was answered here.
        if this.poll_unsent(cx)?.is_pending() && !this.rest.is_empty() {
            return this.poll_unread(cx).map(Err);
        }
        this.turn();
        match &this.incoming {
            Incoming::Head(_) => this.poll_head(cx, buffer),
            Incoming::Ahead => this.poll_ahead(cx, buffer),
            Incoming::Refused(_) => this.poll_refused(cx, buffer),
            _ => this.poll_body(cx, buffer),
        }
    }
}
