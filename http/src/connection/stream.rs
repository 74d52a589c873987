//! The stream under the server: hands on the bytes of one request at a time, and keeps its times.

mod write;

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_rt::net::TcpStream;
use bytes::{Buf, BytesMut};
use prometheus::IntCounterVec;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::Instant;

use super::alarm::Alarm;
use super::head::{Follows, HeadReader, Seen};
use super::incoming::Incoming;
use super::refusal::Refusal;
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
    /// For each head from its first byte; for the first one from the connection's.
    head_max: Option<Duration>,
    head_since: Option<Instant>,
    /// When a request was answered whose body still comes: nobody wants the rest.
    answered_at: Option<Instant>,
    /// Since when the socket takes nothing.
    full_since: Option<Instant>,
    alarm: Alarm,
}

impl Stream {
    pub(crate) fn new(socket: TcpStream, head_max: Duration, refused: IntCounterVec) -> Stream {
        Stream {
            connection: Connection::new(socket, refused),
            incoming: Incoming::Head(HeadReader::default()),
            ahead: BytesMut::new(),
            head_max: Some(head_max).filter(|max| !max.is_zero()),
            head_since: Some(Instant::now()),
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
        let Poll::Ready(read) = self.poll_bytes(cx, buffer)? else {
            return self.poll_late_head(cx, buffer);
        };
        let Incoming::Head(head) = &mut self.incoming else { return Poll::Ready(Ok(())) };
        if read == 0 {
            return Poll::Ready(Ok(()));
        }
        match head.read(&buffer.filled()[before..]) {
            Seen::Part => Poll::Ready(Ok(())),
            Seen::End(at, follows) => {
                self.head_since = None;
                self.connection.follows.set(follows);
                self.incoming = Incoming::body(follows);
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

    /// Waits for a head, until its time is over. Between requests the server's own clock runs.
    fn poll_late_head(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let has_begun = matches!(&self.incoming, Incoming::Head(head) if head.has_begun());
        if has_begun {
            self.head_since.get_or_insert_with(Instant::now);
        }
        match (self.head_since, self.head_max) {
            (Some(since), Some(max)) if self.alarm.has_passed(since + max, cx) => {
                let before = buffer.filled().len();
                self.refuse(Refusal::TooSlow, cx, buffer, before)
            }
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

    /// Takes back what lies in the buffer, says why, and listens no more.
    fn refuse(
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
    fn poll_refused(
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

    /// The answer has gone out and the request has come in whole: the next one's turn.
    fn turn(&mut self) {
        let is_whole = matches!(self.incoming, Incoming::Ahead);
        if is_whole && self.connection.answer.get() == Answer::Gone {
            self.connection.answer.set(Answer::NotAsked);
            self.answered_at = None;
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
        // Reading does not wait for it.
        if let Poll::Ready(Err(error)) = this.poll_unsent(cx) {
            return Poll::Ready(Err(error));
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
