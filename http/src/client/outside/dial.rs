//! From addresses to an open connection, encrypted where the URL says so.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::Failure;

/// Addresses of a name that are tried.
const TRIES_MAX: usize = 4;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// TLS 1.2 and 1.3 with the certificate authorities that browsers trust. Cheap to clone.
#[derive(Clone)]
pub struct Tls(TlsConnector);

/// TLS cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsFault(#[from] rustls::Error);

impl Tls {
    /// # Errors
    /// When the library has none of its protocols.
    pub fn new() -> Result<Tls, TlsFault> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Tls(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn over(
        &self,
        stream: TcpStream,
        url: &Url,
    ) -> Result<Box<dyn Stream>, Failure> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure::Tls)?;
        match self.0.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(_) => Err(Failure::Tls),
        }
    }
}

/// The first connection that comes about; `dialled` is the address of the last try.
pub(super) async fn first(
    addresses: &[IpAddr],
    url: &Url,
    dialled: &mut Option<IpAddr>,
) -> Result<TcpStream, Failure> {
    let port = url.port_or_known_default().ok_or(Failure::Unreachable)?;
    for address in addresses.iter().take(TRIES_MAX) {
        *dialled = Some(*address);
        if let Ok(stream) = TcpStream::connect((*address, port)).await {
            // Without it a small request may wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
    }
    Err(Failure::Unreachable)
}
