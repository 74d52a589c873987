//! The socket to a server, encrypted where the URL says so.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::storage::encryption::Mode;
use crate::storage::url::Server;

/// After this long without an acknowledgement of what was sent, the connection counts as lost.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVES_MAX: u32 = 3;
/// Its length, and a number that is no version of the protocol.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// Addresses of a name that are tried.
const TRIES_MAX: usize = 4;

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection on which nothing was said yet. `limit` is for all addresses of the server together.
pub(super) async fn open(
    server: &Server,
    encryption: Option<&TlsConnector>,
    limit: Option<Duration>,
) -> io::Result<Box<dyn Stream>> {
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
            Ok(stream) => return encrypted(stream, server, encryption).await,
            Err(error) => fault = error,
        }
    }
    Err(fault)
}

/// Whether it may be is asked before anything is said ("SSL Session Encryption" of the protocol).
async fn encrypted(
    mut stream: TcpStream,
    server: &Server,
    encryption: Option<&TlsConnector>,
) -> io::Result<Box<dyn Stream>> {
    let Some(encryption) = encryption else { return Ok(Box::new(stream)) };
    stream.write_all(&SSL_REQUEST).await?;
    // No more is read than this: what follows unencrypted is no handshake.
    match stream.read_u8().await? {
        b'S' => {
            let name = ServerName::try_from(server.host.clone()).map_err(io::Error::other)?;
            Ok(Box::new(encryption.connect(name, stream).await?))
        }
        b'N' if server.encryption.mode == Mode::Prefer => Ok(Box::new(stream)),
        _ => Err(io::Error::other("the server takes no encryption, and sslmode wants it")),
    }
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
