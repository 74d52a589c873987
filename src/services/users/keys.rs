//! What is made from the service's one secret: the key that signs access tokens, refresh, device,
//! verification and reset tokens, and keyed digests. Pure.
//!
//! A sealed token is its content followed by a MAC over it, so nothing of it has to be stored.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use busbar_http::caller::{FetchKeys, Verifier};
use busbar_http::token::{KeyError, KeySet, PrivateKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::types::{Clock, SessionId, Timestamp, UserId};

use super::model::{DeviceId, ResetId, VerificationId};

const MAC_BYTES: usize = 32;
/// The longest token that is looked at, in bytes.
const SEALED_LENGTH_MAX: usize = 128;

/// A key for one purpose. Shows itself nowhere.
#[derive(Clone)]
struct MacKey(Hmac<Sha256>);

/// All keys of the service.
#[derive(Clone)]
pub(super) struct Keys {
    signing: PrivateKey,
    refresh: MacKey,
    verification: MacKey,
    reset: MacKey,
    device: MacKey,
    digest: MacKey,
}

/// A device that somebody has logged in from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Device {
    pub(super) id: DeviceId,
    pub(super) user: UserId,
    pub(super) issued_at: Timestamp,
}

impl Keys {
    /// Each key is an HMAC of the secret over its purpose: none tells anything about another.
    pub(super) fn derive(secret: &[u8; 32]) -> Result<Keys, KeyError> {
        let root = MacKey::new(secret);
        let key = |purpose: &str| root.mac(format!("busbar/users/{purpose}/v1").as_bytes());
        Ok(Keys {
            signing: PrivateKey::from_seed(&key("signing"))?,
            refresh: MacKey::new(&key("refresh")),
            verification: MacKey::new(&key("verification")),
            reset: MacKey::new(&key("password-reset")),
            device: MacKey::new(&key("device")),
            digest: MacKey::new(&key("digest")),
        })
    }

    pub(super) fn signing(&self) -> &PrivateKey {
        &self.signing
    }

    /// What `/.well-known/jwks.json` shows.
    pub(super) fn key_set(&self) -> KeySet {
        KeySet { keys: vec![self.signing.public()] }
    }

    /// Knows these keys; nothing is fetched.
    pub(super) fn verifier(&self, clock: Clock) -> Verifier {
        let keys = self.key_set();
        let fetch: FetchKeys = Arc::new(move || {
            let keys = keys.clone();
            Box::pin(async move { Ok(keys) })
        });
        Verifier::new(fetch, Arc::new(move || clock.now().seconds()))
    }

    /// The `counter`-th refresh token of a session; always the same one.
    pub(super) fn refresh_token(&self, session: SessionId, counter: i64) -> String {
        self.refresh.seal(&[&session.uuid().as_bytes()[..], &counter.to_be_bytes()].concat())
    }

    pub(super) fn read_refresh_token(&self, token: &str) -> Option<(SessionId, i64)> {
        let content: [u8; 24] = self.refresh.open(token)?;
        let (id, counter) = content.split_first_chunk::<16>()?;
        Some((Uuid::from_bytes(*id).into(), i64::from_be_bytes(counter.try_into().ok()?)))
    }

    pub(super) fn verification_token(&self, id: VerificationId) -> String {
        self.verification.seal(id.uuid().as_bytes())
    }

    pub(super) fn read_verification_token(&self, token: &str) -> Option<VerificationId> {
        self.verification.open(token).map(|id| Uuid::from_bytes(id).into())
    }

    pub(super) fn reset_token(&self, id: ResetId) -> String {
        self.reset.seal(id.uuid().as_bytes())
    }

    pub(super) fn read_reset_token(&self, token: &str) -> Option<ResetId> {
        self.reset.open(token).map(|id| Uuid::from_bytes(id).into())
    }

    pub(super) fn device_token(&self, device: Device) -> String {
        let (id, user) = (device.id.uuid(), device.user.uuid());
        let at = device.issued_at.micros().to_be_bytes();
        self.device.seal(&[&id.as_bytes()[..], &user.as_bytes()[..], &at].concat())
    }

    pub(super) fn read_device_token(&self, token: &str) -> Option<Device> {
        let content: [u8; 40] = self.device.open(token)?;
        let (id, rest) = content.split_first_chunk::<16>()?;
        let (user, at) = rest.split_first_chunk::<16>()?;
        Some(Device {
            id: Uuid::from_bytes(*id).into(),
            user: Uuid::from_bytes(*user).into(),
            issued_at: Timestamp::from_micros(i64::from_be_bytes(at.try_into().ok()?)),
        })
    }

    /// A name for `text` that only this service can make: equal texts of a kind have equal names.
    pub(super) fn digest(&self, kind: &'static str, text: &str) -> String {
        let mac = self.digest.mac(format!("{kind}\0{text}").as_bytes());
        format!("{kind}:{}", URL_SAFE_NO_PAD.encode(mac))
    }
}

impl MacKey {
    fn new(key: &[u8; 32]) -> MacKey {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        MacKey(Hmac::new_from_slice(key).expect("a key of 32 bytes"))
    }

    fn mac(&self, content: &[u8]) -> [u8; MAC_BYTES] {
        self.0.clone().chain_update(content).finalize().into_bytes().into()
    }

    fn seal(&self, content: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([content, &self.mac(content)].concat())
    }

    /// The content of a token of ours; compared in constant time.
    fn open<const BYTES: usize>(&self, token: &str) -> Option<[u8; BYTES]> {
        if token.len() > SEALED_LENGTH_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (content, mac) = bytes.split_first_chunk::<BYTES>()?;
        self.0.clone().chain_update(content).verify_slice(mac).ok()?;
        Some(*content)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn keys(seed: u8) -> Keys {
        Keys::derive(&[seed; 32]).unwrap()
    }

    #[test]
    fn a_token_reads_back_and_is_the_same_each_time() {
        let (keys, session) = (keys(1), SessionId::new());
        let token = keys.refresh_token(session, 7);
        assert_eq!(token, keys.refresh_token(session, 7));
        assert_eq!(keys.read_refresh_token(&token), Some((session, 7)));
        assert_ne!(token, keys.refresh_token(session, 8));

        let id = VerificationId::new();
        assert_eq!(keys.read_verification_token(&keys.verification_token(id)), Some(id));
        let reset = ResetId::new();
        assert_eq!(keys.read_reset_token(&keys.reset_token(reset)), Some(reset));
        assert_eq!(keys.read_verification_token(&keys.reset_token(reset)), None);
        let issued_at = Timestamp::from_seconds(1_793_000_000);
        let device = Device { id: DeviceId::new(), user: UserId::new(), issued_at };
        assert_eq!(keys.read_device_token(&keys.device_token(device)), Some(device));
    }

    #[test]
    fn a_token_of_another_key_purpose_or_content_is_none() {
        let (ours, session) = (keys(1), SessionId::new());
        let token = ours.refresh_token(session, 1);
        assert_eq!(keys(2).read_refresh_token(&token), None);
        assert_eq!(ours.read_verification_token(&token), None);
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(ours.read_refresh_token(&changed), None, "at {at}");
        }
        for bad in ["", "a", &token[1..], &format!("{token}A"), &"A".repeat(1_000)] {
            assert_eq!(ours.read_refresh_token(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_names_one_text_of_one_kind() {
        let keys = keys(1);
        assert_eq!(keys.digest("account", "a@b.c"), keys.digest("account", "a@b.c"));
        assert_ne!(keys.digest("account", "a@b.c"), keys.digest("network", "a@b.c"));
        assert!(!keys.digest("account", "a@b.c").contains("a@b.c"));
    }
}
