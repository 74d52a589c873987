//! Tokens: JWT (RFC 7519) signed with Ed25519 (EdDSA, RFC 8037), and the key sets that verify them.
//!
//! Pure: the time is an argument. No other algorithm is taken, whatever the header of a token says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// How far the clocks of two machines may be apart, in seconds.
pub const CLOCK_SKEW_SECONDS: i64 = 30;
/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 4096;

/// Why a token is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not valid")]
    Invalid,
    #[error("the token has expired")]
    Expired,
    #[error("the token is signed with a key that is not known")]
    UnknownKey,
}

/// A key that could not be read or used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key is not usable: {0}")]
pub struct KeyError(String);

/// A private key with its id.
#[derive(Clone)]
pub struct PrivateKey {
    id: String,
    der: Vec<u8>,
    encoding: EncodingKey,
    public: [u8; 32],
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", self.id)
    }
}

impl PrivateKey {
    /// From 32 random bytes of the caller.
    pub fn from_seed(seed: &[u8; 32]) -> Result<PrivateKey, KeyError> {
        PrivateKey::of(SigningKey::from_bytes(seed))
    }

    /// From PKCS #8 (RFC 5958), as [`PrivateKey::der`] gives it.
    pub fn from_der(der: &[u8]) -> Result<PrivateKey, KeyError> {
        PrivateKey::of(SigningKey::from_pkcs8_der(der).map_err(|e| KeyError(e.to_string()))?)
    }

    fn of(key: SigningKey) -> Result<PrivateKey, KeyError> {
        let der = key.to_pkcs8_der().map_err(|e| KeyError(e.to_string()))?.as_bytes().to_vec();
        let public = key.verifying_key().to_bytes();
        let encoding = EncodingKey::from_ed_der(&der);
        Ok(PrivateKey { id: thumbprint(&public), der, encoding, public })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// PKCS #8, DER. A secret.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    pub fn public(&self) -> PublicKey {
        PublicKey {
            kty: "OKP".into(),
            crv: "Ed25519".into(),
            alg: "EdDSA".into(),
            usage: "sig".into(),
            kid: self.id.clone(),
            x: URL_SAFE_NO_PAD.encode(self.public),
        }
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.encoding).map_err(|e| KeyError(e.to_string()))
    }
}

/// The JWK thumbprint of an Ed25519 key (RFC 7638).
fn thumbprint(public: &[u8; 32]) -> String {
    use sha2::{Digest, Sha256};
    let x = URL_SAFE_NO_PAD.encode(public);
    let digest = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    URL_SAFE_NO_PAD.encode(digest)
}

/// A public key as JWK (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    pub kty: String,
    pub crv: String,
    pub alg: String,
    #[serde(rename = "use")]
    pub usage: String,
    pub kid: String,
    pub x: String,
}

/// What `/.well-known/jwks.json` serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    pub keys: Vec<PublicKey>,
}

/// A key set, ready to verify.
#[derive(Clone, Default)]
pub struct VerifyingKeys(Vec<(String, DecodingKey)>);

impl From<&KeySet> for VerifyingKeys {
    /// Keys of other kinds are passed over.
    fn from(set: &KeySet) -> VerifyingKeys {
        let usable = set.keys.iter().filter(|key| key.kty == "OKP" && key.crv == "Ed25519");
        VerifyingKeys(
            usable
                .filter_map(|key| {
                    Some((key.kid.clone(), DecodingKey::from_ed_components(&key.x).ok()?))
                })
                .collect(),
        )
    }
}

/// What every token of Busbar says besides its own claims.
#[derive(Deserialize)]
struct Standard {
    iss: String,
    aud: Option<String>,
    iat: i64,
    exp: i64,
}

impl VerifyingKeys {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims of a token for this issuer and audience at `now` (Unix seconds).
    pub fn verify<T: DeserializeOwned>(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
        now: i64,
    ) -> Result<T, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Invalid);
        }
        let kid = header.kid.ok_or(TokenError::Invalid)?;
        let (_, key) = self.0.iter().find(|(id, _)| *id == kid).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<serde_json::Value>(token, key, &signature_only())
            .map_err(|_| TokenError::Invalid)?
            .claims;
        let standard = Standard::deserialize(&claims).map_err(|_| TokenError::Invalid)?;
        if standard.iss != issuer || standard.aud.as_deref() != Some(audience) {
            return Err(TokenError::Invalid);
        }
        if standard.iat > now + CLOCK_SKEW_SECONDS {
            return Err(TokenError::Invalid);
        }
        if standard.exp <= now {
            return Err(TokenError::Expired);
        }
        T::deserialize(claims).map_err(|_| TokenError::Invalid)
    }
}

/// Times, issuer and audience are checked here, against the caller's clock.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn claims(exp: i64) -> Value {
        json!({"iss": "busbar", "aud": "users", "iat": 100, "exp": exp, "sub": "u"})
    }

    fn keys(key: &PrivateKey) -> VerifyingKeys {
        VerifyingKeys::from(&KeySet { keys: vec![key.public()] })
    }

    #[test]
    fn a_token_is_good_for_its_time_issuer_audience_and_key() {
        let key = PrivateKey::from_seed(&[7; 32]).unwrap();
        let again = PrivateKey::from_der(key.der()).unwrap();
        assert_eq!(again.id(), key.id());
        let token = key.sign(&claims(200)).unwrap();
        let verify = |issuer, audience, now| {
            keys(&key)
                .verify::<Value>(&token, issuer, audience, now)
                .map(|claims| claims["sub"].clone())
        };
        assert_eq!(verify("busbar", "users", 150), Ok(json!("u")));
        assert_eq!(verify("busbar", "users", 200), Err(TokenError::Expired));
        assert_eq!(
            verify("busbar", "users", 100 - CLOCK_SKEW_SECONDS - 1),
            Err(TokenError::Invalid)
        );
        assert_eq!(verify("other", "users", 150), Err(TokenError::Invalid));
        assert_eq!(verify("busbar", "internal", 150), Err(TokenError::Invalid));

        let other = PrivateKey::from_seed(&[8; 32]).unwrap();
        let unknown = keys(&other).verify::<Value>(&token, "busbar", "users", 150);
        assert_eq!(unknown, Err(TokenError::UnknownKey));
    }

    #[test]
    fn a_token_of_another_algorithm_or_with_changed_claims_is_refused() {
        let key = PrivateKey::from_seed(&[7; 32]).unwrap();
        let token = key.sign(&claims(200)).unwrap();
        let parts: Vec<&str> = token.split('.').collect();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let mut changed = claims(200);
        changed["sub"] = json!("somebody else");
        let forged = [
            format!("{}.{}.{}", parts[0], part(changed), parts[2]),
            format!("{}.{}.", part(json!({"alg": "none", "kid": key.id()})), parts[1]),
            format!("{}.{}.{}", part(json!({"alg": "HS256", "kid": key.id()})), parts[1], parts[2]),
            String::new(),
            "a.b.c".into(),
            "x".repeat(TOKEN_BYTES_MAX + 1),
        ];
        for token in forged {
            let verified = keys(&key).verify::<Value>(&token, "busbar", "users", 150);
            assert_eq!(verified, Err(TokenError::Invalid), "{token:.60}");
        }
    }
}
