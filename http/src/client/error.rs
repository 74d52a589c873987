//! What can go wrong when one service calls another.

use awc::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Nothing was sent: the call may be made again.
    #[error("{peer} was not reached: {reason}")]
    Unreachable { peer: &'static str, reason: String },
    /// Whether the call was carried out is unknown.
    #[error("the exchange with {peer} broke: {reason}")]
    Broken { peer: &'static str, reason: String },
    /// Whether the call was carried out is unknown.
    #[error("{peer} did not answer in time")]
    Timeout { peer: &'static str },
    /// It answered, and not with success. `code` is that of its problem, if it sent one.
    #[error("{peer} answered {status} ({})", code.as_deref().unwrap_or("no code"))]
    Status { peer: &'static str, status: StatusCode, code: Option<String>, body: Bytes },
    /// It answered with success, but not with what was expected; or the request has no JSON form.
    #[error("no usable body in the exchange with {peer}: {reason}")]
    Body { peer: &'static str, reason: String },
}

impl PeerError {
    pub(super) fn of_status(peer: &'static str, status: StatusCode, body: Bytes) -> PeerError {
        #[derive(Deserialize)]
        struct Coded {
            code: String,
        }
        let code = serde_json::from_slice(&body).ok().map(|problem: Coded| problem.code);
        PeerError::Status { peer, status, code, body }
    }

    /// The code of the other's problem, if it answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            PeerError::Status { code, .. } => code.as_deref(),
            _ => None,
        }
    }
}
