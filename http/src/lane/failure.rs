//! Why an exchange failed, and whether its request can have been seen.

use std::{error::Error, fmt, io};

use actix_http::error::{ParseError, PayloadError};
use awc::error::{ConnectError, SendRequestError};

/// No connection came free within the bounds of the waiting line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("all upstream connections are busy")
    }
}

impl Error for Busy {}

impl From<Busy> for SendRequestError {
    fn from(busy: Busy) -> SendRequestError {
        SendRequestError::Custom(Box::new(busy), Box::new("upstream"))
    }
}

/// awc's many errors, sorted by what a caller has to do about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The waiting line was full or too slow. Nothing was sent.
    Busy,
    /// No connection could be made. Nothing was sent.
    Unreachable,
    /// No connection was made in time. Nothing was sent.
    ConnectTimeout,
    /// No answer in time. The upstream may have done what was asked.
    Timeout,
    /// The sender's own request body failed; the upstream is not to blame.
    RequestBody,
    /// The connection broke or the answer made no sense. The upstream may have done what was asked.
    Broken,
}

impl Failure {
    pub fn of(error: &SendRequestError) -> Failure {
        match error {
            SendRequestError::Custom(cause, _) if cause.is::<Busy>() => Failure::Busy,
            SendRequestError::Connect(ConnectError::Timeout) => Failure::ConnectTimeout,
            // awc's word for a connection that ended without an answer.
            SendRequestError::Connect(ConnectError::Disconnected) => Failure::Broken,
            SendRequestError::Connect(_) | SendRequestError::Url(_) => Failure::Unreachable,
            SendRequestError::Timeout => Failure::Timeout,
            SendRequestError::Body(_) => Failure::RequestBody,
            _ => Failure::Broken,
        }
    }

    /// Certain that the upstream has seen nothing: another instance may be asked.
    pub fn nothing_was_sent(self) -> bool {
        matches!(self, Failure::Busy | Failure::Unreachable | Failure::ConnectTimeout)
    }
}

/// An answer that breaks the rules of HTTP.
pub(super) fn malformed(what: &'static str) -> SendRequestError {
    SendRequestError::Response(ParseError::Io(io::Error::new(io::ErrorKind::InvalidData, what)))
}

/// A body that broke before its first byte was handed out.
pub(super) fn broken_body(error: PayloadError) -> SendRequestError {
    SendRequestError::Response(ParseError::Io(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_lost_before_the_answer_may_have_been_heard() {
        let lost = Failure::of(&ConnectError::Disconnected.into());
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let refused = Failure::of(&ConnectError::Io(refused).into());

        assert_eq!(lost, Failure::Broken);
        assert!(!lost.nothing_was_sent());
        assert!(refused.nothing_was_sent());
        assert_eq!(Failure::of(&Busy.into()), Failure::Busy);
    }
}
