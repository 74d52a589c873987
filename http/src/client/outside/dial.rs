//! From addresses to an open connection, encrypted where the URL says so.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
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
pub enum TlsFault {
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
    #[error("{path} holds no certificates that can be trusted: {what}")]
    Roots { path: PathBuf, what: String },
}

impl Tls {
    /// # Errors
    /// When the file with `more` certificates, if there is one, is of no use.
    pub fn trusting(more: Option<&Path>) -> Result<Tls, TlsFault> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = more {
            add(&mut roots, path)
                .map_err(|what| TlsFault::Roots { path: path.to_owned(), what })?;
        }
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

/// Adds every certificate of a PEM file, which has at least one.
fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    let known = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() > known { Ok(()) } else { Err("it has none".to_owned()) }
}

/// The first connection that comes about before `until`; `dialled` is the address of the last try. An
/// address that is silent has its share of the time, and leaves the others theirs.
pub(super) async fn first(
    addresses: &[IpAddr],
    url: &Url,
    until: Instant,
    dialled: &mut Option<IpAddr>,
) -> Result<TcpStream, Failure> {
    let port = url.port_or_known_default().ok_or(Failure::Unreachable)?;
    let mut left = u32::try_from(addresses.len().min(TRIES_MAX)).unwrap_or(1);
    let mut is_silent = false;
    for address in addresses.iter().take(TRIES_MAX) {
        *dialled = Some(*address);
        let share = until.saturating_duration_since(Instant::now()) / left.max(1);
        left = left.saturating_sub(1);
        let tried = timeout(share, TcpStream::connect((*address, port))).await;
        is_silent = tried.is_err();
        if let Ok(Ok(stream)) = tried {
            // Without it a small request may wait for an acknowledgement.
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
    }
    Err(if is_silent { Failure::ConnectTimeout } else { Failure::Unreachable })
}
