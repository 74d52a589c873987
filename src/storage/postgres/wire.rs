//! The socket to a server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::storage::url::Server;

/// After this long without an acknowledgement of what was sent, the connection counts as lost.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVES_MAX: u32 = 3;
/// Addresses of a name that are tried.
const TRIES_MAX: usize = 4;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection on which nothing was said yet. `limit` is for all addresses of the server together.
pub(super) async fn open(server: &Server, limit: Option<Duration>) -> io::Result<Box<dyn Stream>> {
    if server.host.starts_with('/') {
        let path = format!("{}/.s.PGSQL.{}", server.host, server.port);
        return Ok(Box::new(UnixStream::connect(path).await?));
    }
    let until = limit.map(|limit| Instant::now() + limit);
    let addresses: Vec<SocketAddr> =
        lookup_host((&*server.host, server.port)).await?.take(TRIES_MAX).collect();
    let mut fault = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (tried, address) in addresses.iter().enumerate() {
        let left = (addresses.len() - tried) as u32;
        let share = until.map(|until| until.saturating_duration_since(Instant::now()) / left);
        match dial(*address, share).await {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

async fn dial(address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
    let dialled = TcpStream::connect(address);
    let stream = match limit {
        None => dialled.await?,
        Some(limit) => timeout(limit, dialled).await.map_err(io::Error::from)??,
    };
    // Without it a small request may wait for an acknowledgement.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(&stream);
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVES_MAX);
    socket.set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}
