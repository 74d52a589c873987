//! A connection whose server takes what it is asked and says nothing more: a stopped or stuck process
//! acknowledges bytes for ever, so neither TCP nor the server's own time limit ends it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// Types of messages, from "Message Formats" of the protocol's documentation. For each of the first
/// two the server says the third when it is done.
const QUERY: u8 = b'Q';
const SYNC: u8 = b'S';
const READY_FOR_QUERY: u8 = b'Z';

/// Reading fails when an answer is due and nothing was heard for longer than the limit, whoever waits
/// for it, and if nobody does.
pub(super) struct Watched<S> {
    stream: S,
    /// None is for ever.
    limit: Option<Duration>,
    sent: Messages,
    received: Messages,
    due: usize,
    /// When something was read, or asked while nothing was due.
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Watched<S> {
    /// Of a connection on which nothing was said yet, within a runtime.
    pub(super) fn new(stream: S, limit: Option<Duration>) -> Watched<S> {
        Watched {
            stream,
            limit,
            // The first message has no type, and is answered as a query is.
            sent: Messages { head: [QUERY, 0, 0, 0, 0], known: 1, body: 0 },
            received: Messages::default(),
            due: 0,
            heard: Instant::now(),
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
        }
    }

    /// Ready with an error when the limit is over.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let Some(limit) = self.limit.filter(|_| self.due > 0) else { return Poll::Pending };
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let over = self.heard + limit;
            if over <= Instant::now() {
                let what = format!("no answer within {} ms", limit.as_millis());
                return Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, what));
            }
            self.alarm.as_mut().reset(over);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let known = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.poll_silence(context).map(Err),
            done => {
                let answered = self.received.count(&buffer.filled()[known..], &[READY_FOR_QUERY]);
                self.due = self.due.saturating_sub(answered);
                self.heard = Instant::now();
                done
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        let asked = self.sent.count(&bytes[..written], &[QUERY, SYNC]);
        if self.due == 0 && asked > 0 {
            self.heard = Instant::now();
        }
        self.due += asked;
        // Nobody reads before something comes or the alarm rings.
        match self.poll_silence(context) {
            Poll::Ready(error) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Ready(Ok(written)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The messages of one direction: a type of one byte, then a length of four that counts itself.
#[derive(Debug, Default)]
struct Messages {
    head: [u8; 5],
    known: usize,
    /// What is left of the message under way.
    body: usize,
}

impl Messages {
    /// How many messages of these types have their head completed by `bytes`.
    fn count(&mut self, mut bytes: &[u8], types: &[u8]) -> usize {
        let mut found = 0;
        loop {
            let passed = self.body.min(bytes.len());
            self.body -= passed;
            let Some((&byte, rest)) = bytes[passed..].split_first() else { return found };
            bytes = rest;
            self.head[self.known] = byte;
            self.known += 1;
            if self.known == self.head.len() {
                let [kind, length @ ..] = self.head;
                self.known = 0;
                self.body = (u32::from_be_bytes(length) as usize).saturating_sub(length.len());
                found += usize::from(types.contains(&kind));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(300);
    const STARTUP: &[u8] = &[0, 0, 0, 8, 0, 3, 0, 0];
    const READY: &[u8] = &[b'Z', 0, 0, 0, 5, b'I'];
    const SYNCED: &[u8] = &[b'S', 0, 0, 0, 4];
    /// A row that looks as if the server were ready within.
    const ROW: &[u8] = &[b'D', 0, 0, 0, 10, b'Z', 0, 0, 0, 5, b'I'];

    /// Past the startup, with a server that is ready.
    async fn greeted(limit: Option<Duration>) -> (Watched<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(1024);
        let (mut near, mut far) = (Watched::new(near, limit), far);
        near.write_all(STARTUP).await.unwrap();
        hear(&mut near, &mut far, READY).await;
        (near, far)
    }

    async fn hear(near: &mut Watched<DuplexStream>, far: &mut DuplexStream, said: &[u8]) {
        far.write_all(said).await.unwrap();
        near.read_exact(&mut vec![0; said.len()]).await.unwrap();
    }

    /// Whether reading fails for want of an answer, and not before the limit; else it does not fail
    /// within twice the limit.
    async fn is_given_up(near: &mut Watched<DuplexStream>) -> bool {
        let start = Instant::now();
        let Ok(read) = timeout(LIMIT * 2, near.read_u8()).await else { return false };
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(start.elapsed() >= LIMIT * 9 / 10);
        true
    }

    #[actix_rt::test]
    async fn an_idle_connection_may_be_silent() {
        let (mut near, mut far) = greeted(Some(LIMIT)).await;
        assert!(!is_given_up(&mut near).await);
        for _ in 0..3 {
            near.write_all(SYNCED).await.unwrap();
            for byte in READY {
                hear(&mut near, &mut far, &[*byte]).await;
            }
        }
        assert!(!is_given_up(&mut near).await);
    }

    #[actix_rt::test]
    async fn an_answer_that_is_due_is_waited_for_until_the_limit() {
        let (mut near, _far) = greeted(Some(LIMIT)).await;
        for part in SYNCED.chunks(2) {
            near.write_all(part).await.unwrap();
        }
        assert!(is_given_up(&mut near).await);
    }

    #[actix_rt::test]
    async fn a_server_that_does_not_greet_is_given_up() {
        let (near, _far) = duplex(64);
        let mut near = Watched::new(near, Some(LIMIT));
        near.write_all(STARTUP).await.unwrap();
        assert!(is_given_up(&mut near).await);
    }

    #[actix_rt::test]
    async fn the_half_of_an_answer_is_not_the_whole() {
        let (mut near, mut far) = greeted(Some(LIMIT)).await;
        near.write_all(SYNCED).await.unwrap();
        hear(&mut near, &mut far, ROW).await;
        assert!(is_given_up(&mut near).await);
    }

    #[actix_rt::test]
    async fn each_of_several_questions_is_owed_its_answer() {
        let (mut near, mut far) = greeted(Some(LIMIT)).await;
        near.write_all(&[SYNCED, SYNCED].concat()).await.unwrap();
        hear(&mut near, &mut far, &[ROW, READY].concat()).await;
        assert!(is_given_up(&mut near).await);
    }

    #[actix_rt::test]
    async fn without_a_limit_it_is_waited_for() {
        let (mut near, _far) = greeted(None).await;
        near.write_all(SYNCED).await.unwrap();
        assert!(!is_given_up(&mut near).await);
    }
}
