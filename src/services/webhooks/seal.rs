//! How secrets are kept: encrypted under a key of the service, bound to their endpoint.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use super::model::endpoint::EndpointId;
use super::sign::{SECRET_BYTES, Secret};

const PURPOSE: &[u8] = b"busbar/webhooks/secrets/v1";

/// The key under which secrets are kept. Shows itself nowhere.
pub(super) struct Seal(LessSafeKey);

/// What was kept cannot be read, or nothing can be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum SealFault {
    #[error("no random bytes: {0}")]
    Random(String),
    #[error("the key of the webhooks service is of no use")]
    Key,
    #[error("a secret was kept under another key, or for another endpoint")]
    Unreadable,
}

impl Seal {
    /// The key is an HMAC of the service's secret over its purpose.
    pub(super) fn derive(secret: &[u8; 32]) -> Result<Seal, SealFault> {
        let mac = <Hmac<Sha256>>::new_from_slice(secret).map_err(|_| SealFault::Key)?;
        let key = mac.chain_update(PURPOSE).finalize().into_bytes();
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|_| SealFault::Key)?;
        Ok(Seal(LessSafeKey::new(key)))
    }

    /// A new secret, and how it is kept.
    pub(super) fn fresh(&self, endpoint: EndpointId) -> Result<(Secret, String), SealFault> {
        let secret = Secret::new(random::<SECRET_BYTES>()?.to_vec());
        let sealed = self.close(&secret, endpoint)?;
        Ok((secret, sealed))
    }

    fn close(&self, secret: &Secret, endpoint: EndpointId) -> Result<String, SealFault> {
        let nonce = random::<NONCE_LEN>()?;
        let mut content = secret.bytes().to_vec();
        let (unique, bound) = (Nonce::assume_unique_for_key(nonce), bound_to(endpoint));
        let sealed = self.0.seal_in_place_append_tag(unique, bound, &mut content);
        sealed.map_err(|_| SealFault::Key)?;
        Ok(STANDARD.encode([&nonce[..], &content].concat()))
    }

    pub(super) fn open(&self, sealed: &str, endpoint: EndpointId) -> Result<Secret, SealFault> {
        let bytes = STANDARD.decode(sealed).map_err(|_| SealFault::Unreadable)?;
        let (nonce, content) =
            bytes.split_first_chunk::<NONCE_LEN>().ok_or(SealFault::Unreadable)?;
        let mut content = content.to_vec();
        let unique = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(unique, bound_to(endpoint), &mut content);
        opened.map(|bytes| Secret::new(bytes.to_vec())).map_err(|_| SealFault::Unreadable)
    }
}

fn bound_to(endpoint: EndpointId) -> Aad<[u8; 16]> {
    Aad::from(endpoint.uuid().into_bytes())
}

fn random<const BYTES: usize>() -> Result<[u8; BYTES], SealFault> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| SealFault::Random(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_for_its_endpoint_and_under_its_key_alone() {
        let (seal, endpoint) = (Seal::derive(&[7; 32]).unwrap(), EndpointId::new());
        let (secret, sealed) = seal.fresh(endpoint).unwrap();
        assert_eq!(secret.bytes().len(), SECRET_BYTES);
        assert!(seal.open(&sealed, endpoint).unwrap() == secret);
        assert!(seal.open(&sealed, EndpointId::new()).is_err());
        assert!(Seal::derive(&[8; 32]).unwrap().open(&sealed, endpoint).is_err());
        assert!(seal.open(&sealed[4..], endpoint).is_err() && seal.open("", endpoint).is_err());
        assert!(!sealed.contains(secret.shown().trim_start_matches("whsec_")));
    }

    #[test]
    fn no_two_secrets_are_kept_alike() {
        let (seal, endpoint) = (Seal::derive(&[7; 32]).unwrap(), EndpointId::new());
        let (secret, first) = seal.fresh(endpoint).unwrap();
        assert_ne!(seal.close(&secret, endpoint).unwrap(), first);
        assert!(seal.fresh(endpoint).unwrap().0 != secret);
    }
}
