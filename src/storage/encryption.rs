//! Whether the way to PostgreSQL is encrypted, and who is believed to be the server: `sslmode` and
//! `sslrootcert`, as libpq has them ("Protection Provided in Different Modes" of its documentation).

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

/// The public authorities, by the name that libpq has for them.
const PUBLIC: &str = "system";

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Encryption {
    pub(super) mode: Mode,
    /// A PEM file. Without one, the authorities that browsers trust.
    pub(super) roots: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) enum Mode {
    Disable,
    /// Where the server can; whoever it is.
    #[default]
    Prefer,
    /// Whoever the server is.
    Require,
    /// The server has a certificate of a trusted authority for the host in the URL.
    VerifyFull,
}

impl Encryption {
    pub(super) fn set_mode(&mut self, word: &str) -> Result<(), String> {
        self.mode = match word {
            "disable" => Mode::Disable,
            "prefer" => Mode::Prefer,
            "require" => Mode::Require,
            "verify-full" => Mode::VerifyFull,
            _ => {
                return Err(format!(
                    "sslmode={word} is not known; there are disable, prefer, require and verify-full"
                ));
            }
        };
        Ok(())
    }

    pub(super) fn set_roots(&mut self, path: &str) -> Result<(), String> {
        self.roots = (path != PUBLIC).then(|| PathBuf::from(path));
        self.authorities().map(drop).map_err(|what| format!("sslrootcert={path}: {what}"))
    }

    /// Whether all that was said holds: authorities that nobody asks would be a false comfort.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.roots.is_some() && self.mode != Mode::VerifyFull {
            true => Err("sslrootcert is of use with sslmode=verify-full only".to_owned()),
            false => Ok(()),
        }
    }

    fn authorities(&self) -> Result<RootCertStore, String> {
        let Some(path) = &self.roots else {
            return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        match roots.is_empty() {
            true => Err("it holds no certificates".to_owned()),
            false => Ok(roots),
        }
    }

    /// None where nothing is encrypted.
    pub(super) fn connector(&self) -> Result<Option<TlsConnector>, String> {
        let provider = Arc::new(ring::default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = match self.mode {
            Mode::Disable => return Ok(None),
            Mode::Prefer | Mode::Require => {
                config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(algorithms)))
            }
            Mode::VerifyFull => config.with_root_certificates(self.authorities()?),
        };
        Ok(Some(TlsConnector::from(Arc::new(config.with_no_client_auth()))))
    }
}

/// Believes every certificate whose key the server has.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
