//! Speaks on one connection: sends a request and reads up to the final head of its answer.
//!
//! Writing and reading run in one `poll_fn`, so an answer that comes early (413, say) is seen while
//! the body is still being sent.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::{
    ConnectionType, RequestHeadType, ResponseHead, StatusCode,
    body::MessageBody,
    error::ParseError,
    h1::{Message, MessageType},
};
use awc::error::{ConnectError, SendRequestError};
use futures_util::ready;

use super::interim;
use super::upload::{Broken, Outgoing};
use super::wire::Wire;

/// An upstream that sends more 1xx answers than this is cut off.
const INTERIM_MAX: usize = 100;

/// A final head.
pub(super) struct Answer {
    pub(super) head: ResponseHead,
    pub(super) request: Sent,
}

/// How much of a request had been written when its answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Whole,
    /// More of it can follow.
    Partly,
    /// Nobody takes the rest.
    Cut,
}

pub(super) struct Fault {
    pub(super) error: SendRequestError,
    /// Not one byte of an answer was seen.
    pub(super) is_untouched: bool,
}

pub(super) async fn converse<B>(
    wire: &mut Wire,
    head: RequestHeadType,
    outgoing: &mut Outgoing<B>,
) -> Result<Answer, Fault>
where
    B: MessageBody + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    let takes_switch = head.as_ref().connection_type() == ConnectionType::Upgrade;
    let written = Pin::new(&mut wire.framed).write(Message::Item((head, outgoing.size)));
    written.map_err(|error| fault(error.into()))?;
    let mut talk =
        Talk { wire, outgoing, is_sent: false, write_error: None, interim: 0, takes_switch };
    poll_fn(|cx| {
        talk.poll_write(cx)?;
        talk.poll_head(cx)
    })
    .await
}

/// One request and its answer, up to the head.
struct Talk<'t, B> {
    wire: &'t mut Wire,
    outgoing: &'t mut Outgoing<B>,
    is_sent: bool,
    /// Writing failed. Not the end: an early answer may lie unread.
    write_error: Option<io::Error>,
    interim: usize,
    /// The request asks for another protocol.
    takes_switch: bool,
}

impl<B> Talk<'_, B>
where
    B: MessageBody + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error>>,
{
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        if self.is_sent || self.write_error.is_some() {
            return Ok(());
        }
        match self.outgoing.poll_into(&mut self.wire.framed, cx) {
            Ok(is_sent) => self.is_sent = is_sent,
            Err(Broken::Wire(error)) => self.write_error = Some(error),
            Err(Broken::Body(error)) => return Err(fault(error)),
        }
        Ok(())
    }

    /// Reads heads until one is final (RFC 9110, section 15.2: interim ones may come unasked).
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Fault>> {
        loop {
            match ready!(Pin::new(&mut self.wire.framed).next_item(cx)) {
                Some(Ok(head)) if self.is_interim(&head) => self.skip(&head)?,
                Some(Ok(head)) => {
                    let request = match (self.is_sent, &self.write_error) {
                        (true, _) => Sent::Whole,
                        (false, None) => Sent::Partly,
                        (false, Some(_)) => Sent::Cut,
                    };
                    return Poll::Ready(Ok(Answer { head, request }));
                }
                Some(Err(error)) => {
                    let is_untouched = self.is_untouched() && matches!(error, ParseError::Io(_));
                    return Poll::Ready(Err(Fault { error: error.into(), is_untouched }));
                }
                None => return Poll::Ready(Err(self.hung_up())),
            }
        }
    }

    fn is_interim(&self, head: &ResponseHead) -> bool {
        let is_agreed = self.takes_switch && head.status == StatusCode::SWITCHING_PROTOCOLS;
        head.status.is_informational() && !is_agreed
    }

    /// A protocol nobody asked to switch to, an endless row, a body where none can be: the end.
    fn skip(&mut self, head: &ResponseHead) -> Result<(), Fault> {
        self.interim += 1;
        let has_body = self.wire.framed.codec_ref().message_type() != MessageType::None;
        let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
        if is_switch || has_body || self.interim > INTERIM_MAX {
            return Err(fault(SendRequestError::Response(ParseError::Status)));
        }
        interim::pass_on(head.status, &head.headers);
        Ok(())
    }

    fn hung_up(&mut self) -> Fault {
        let error = match self.write_error.take() {
            Some(error) => SendRequestError::Send(error),
            None => ConnectError::Disconnected.into(),
        };
        Fault { error, is_untouched: self.is_untouched() }
    }

    fn is_untouched(&self) -> bool {
        self.interim == 0 && self.wire.framed.is_read_buf_empty()
    }
}

fn fault(error: SendRequestError) -> Fault {
    Fault { error, is_untouched: false }
}
