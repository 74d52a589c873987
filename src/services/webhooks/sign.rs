//! Standard Webhooks 1.0.0: secrets, and the signature of a message under them. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::types::Timestamp;

/// The specification wants 24 to 64.
pub(super) const SECRET_BYTES: usize = 32;

/// What an endpoint and Busbar share. Shows itself only where it is given out.
#[derive(Clone, PartialEq)]
pub(super) struct Secret(Vec<u8>);

impl Secret {
    pub(super) fn new(bytes: Vec<u8>) -> Secret {
        Secret(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// `whsec_` and the bytes in base64: as receivers configure it.
    pub(super) fn shown(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// `v1,` and the HMAC-SHA-256 over `id.timestamp.payload` in base64.
    fn sign(&self, id: &str, at: Timestamp, payload: &str) -> String {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = <Hmac<Sha256>>::new_from_slice(&self.0).expect("a key of any length");
        let content = format!("{id}.{}.{payload}", at.seconds());
        let signature = mac.chain_update(content).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(signature))
    }
}

/// The value of `webhook-signature`: one signature for each secret that lives, newest first.
pub(super) fn signatures(secrets: &[Secret], id: &str, at: Timestamp, payload: &str) -> String {
    let all: Vec<String> = secrets.iter().map(|secret| secret.sign(id, at, payload)).collect();
    all.join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(STANDARD.decode(text.strip_prefix("whsec_").unwrap()).unwrap())
    }

    /// The example of the specification and of its reference libraries.
    #[test]
    fn the_reference_signature_comes_out() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let at = Timestamp::from_seconds(1_614_265_330);
        let signed = signatures(
            std::slice::from_ref(&secret),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(secret.shown(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    }

    #[test]
    fn each_secret_signs() {
        let secrets = [Secret::new(vec![1; 32]), Secret::new(vec![2; 32])];
        let at = Timestamp::from_seconds(1);
        let both = signatures(&secrets, "m", at, "{}");
        let each: Vec<&str> = both.split(' ').collect();
        assert_eq!(each.len(), 2);
        assert_eq!(each[0], signatures(&secrets[..1], "m", at, "{}"));
        assert_eq!(each[1], signatures(&secrets[1..], "m", at, "{}"));
        assert_ne!(each[0], each[1]);
    }
}
