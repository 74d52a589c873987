//! A connection that has left HTTP: its answer was 101 to a request that asked for it (RFC 9110,
//! section 7.8). Found among the extensions of such an answer.

use actix_http::HttpMessage;
use actix_rt::net::TcpStream;
use awc::ClientResponse;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use super::wire::{Lease, Wire};

/// What is spoken on it from now on is none of this crate's business.
pub struct Switched {
    pub socket: TcpStream,
    /// What came together with the head.
    pub ahead: Bytes,
    /// To be kept until the connection is closed.
    pub held: Held,
}

/// The place of an open socket and of an exchange under way.
pub struct Held {
    _lease: Lease,
    _exchange: OwnedSemaphorePermit,
}

impl Switched {
    pub(super) fn new(wire: Wire, exchange: OwnedSemaphorePermit) -> Switched {
        let Wire { framed, lease } = wire;
        let parts = framed.into_parts();
        let held = Held { _lease: lease, _exchange: exchange };
        Switched { socket: parts.io, ahead: parts.read_buf.freeze(), held }
    }

    /// Takes it out of an answer of 101.
    pub fn of(answer: &ClientResponse) -> Option<Switched> {
        answer.extensions_mut().remove()
    }
}
