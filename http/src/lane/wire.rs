//! One upstream connection: a socket with its codec, and the questions asked of it when idle.

use std::{io, mem::MaybeUninit, time::Duration};

use actix_codec::Framed;
use actix_rt::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};
use tokio::sync::OwnedSemaphorePermit;

use super::codec::HeadCodec;

/// The kernel refuses less.
const KEEP_ALIVE_PROBE_MIN: Duration = Duration::from_secs(1);

/// A connection between two requests or under one. Fields drop in order: the socket is closed
/// before its place is free.
pub(super) struct Wire {
    pub(super) framed: Framed<TcpStream, HeadCodec>,
    pub(super) lease: Lease,
}

/// The place of one open socket, and the epoch of the upstream in which it was opened.
pub(super) struct Lease {
    pub(super) epoch: u64,
    pub(super) _socket: OwnedSemaphorePermit,
}

impl Wire {
    /// Idle means silent: an end, an error and unasked bytes all say that this connection is over.
    /// Costs no system call unless the reactor has reported something.
    pub(super) fn is_silent(&self) -> bool {
        let mut byte = [0];
        would_block(self.framed.io_ref().try_read(&mut byte))
    }

    /// As `is_silent`, but asks the kernel.
    pub(super) fn is_surely_silent(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        would_block(SockRef::from(self.framed.io_ref()).peek(&mut byte))
    }

    /// Nothing half-read, nothing half-written.
    pub(super) fn is_clean(&self) -> bool {
        self.framed.is_read_buf_empty() && self.framed.is_write_buf_empty()
    }
}

fn would_block(outcome: io::Result<usize>) -> bool {
    matches!(outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// A dialled socket with the options every upstream connection has.
pub(super) async fn dial(address: &str, keep_alive_probe: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let probe = TcpKeepalive::new().with_time(keep_alive_probe.max(KEEP_ALIVE_PROBE_MIN));
    SockRef::from(&stream).set_tcp_keepalive(&probe)?;
    Ok(stream)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// `GATEWAY_KEEP_ALIVE_MS` reaches the kernel, and small packets do not wait for each other.
    #[actix_web::test]
    async fn a_dialled_socket_has_its_options() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        for (asked, given) in [(7_000, 7), (10, 1)] {
            let stream = dial(&address, Duration::from_millis(asked)).await.unwrap();

            let socket = SockRef::from(&stream);
            assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(given));
        }
    }
}
