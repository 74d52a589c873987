//! The key of a service on which all its instances agree, wherever they are: the first one lays its own
//! into their database, sealed under the key that all services share.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use crate::storage::{Database, Script, Statement, StoreError, Transaction, params, sql};
use crate::types::Clock;

/// The key of the seal is derived, so that one for something else can be made of the same secret.
const PURPOSE: &[u8] = b"busbar/own-keys/v1";
/// Another instance may be faster; it cannot be faster again and again.
const TRIES_MAX: usize = 3;

/// Laid into every service's database.
pub const SCRIPT: Script = Script {
    version: 3,
    name: "own_keys",
    text: include_str!("../migrations/common/0003_own_keys.sql"),
};

sql! {
    FOUND = "SELECT sealed AS value FROM own_keys WHERE name = $1";
    LAY = "INSERT INTO own_keys (name, sealed, created_at) VALUES ($1, $2, $3)
           ON CONFLICT (name) DO NOTHING";
    SEAL_ANEW = "UPDATE own_keys SET sealed = $3 WHERE name = $1 AND sealed = $2";
}

/// All statements on agreed keys, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    STATEMENTS.to_vec()
}

type Key = [u8; 32];

/// Where a service's own key comes from. It shows itself nowhere.
#[derive(Clone)]
pub enum OwnKey {
    /// The settings name a file with it, for every instance.
    Given(Key),
    /// The instances agree on one.
    Agreed(Agreement),
}

/// What one instance brings along to agree with the others.
#[derive(Clone)]
pub struct Agreement {
    pub name: &'static str,
    /// The key that all services share.
    pub shared: Key,
    /// The key that is in this instance's data directory.
    pub kept: Option<Key>,
    /// Makes one there; called by the first instance alone.
    pub make: Arc<dyn Fn() -> Result<Key, String> + Send + Sync>,
}

/// There is no key that the instances could agree on.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    #[error("the key of {0} is of no use: {1}")]
    Own(&'static str, String),
    #[error(
        "the key of {0} in the database was sealed under another service key: start it with the one \
         of before (BUSBAR_SERVICE_KEY_FILE), or with its own key in data/keys"
    )]
    Sealed(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OwnKey {
    /// The key that all instances have.
    pub async fn agreed(&self, database: &Database, clock: &Clock) -> Result<Key, NoKey> {
        match self {
            OwnKey::Given(key) => Ok(*key),
            OwnKey::Agreed(agreement) => agreement.key(database, clock).await,
        }
    }
}

impl Agreement {
    async fn key(&self, database: &Database, clock: &Clock) -> Result<Key, NoKey> {
        let seal = Seal::under(&self.shared).map_err(|what| NoKey::Own(self.name, what))?;
        for _ in 0..TRIES_MAX {
            let found: Option<(String,)> = database.optional(FOUND, params![self.name]).await?;
            let opened = found.as_ref().map(|(sealed,)| seal.open(self.name, sealed));
            let key = match (opened, self.kept) {
                (Some(Some(key)), kept) => {
                    if kept.is_some_and(|kept| kept != key) {
                        let name = self.name;
                        log::warn!(
                            "the instances of {name} agree on another key than data/keys has"
                        );
                    }
                    return Ok(key);
                }
                (Some(None), Some(key)) => key,
                (Some(None), None) => return Err(NoKey::Sealed(self.name)),
                (None, _) => (self.make)().map_err(|what| NoKey::Own(self.name, what))?,
            };
            let sealed = seal.close(self.name, &key).map_err(|what| NoKey::Own(self.name, what))?;
            let (name, at) = (self.name, clock.now());
            let lay = async |tx: &mut Transaction<'_>| match &found {
                None => tx.execute(LAY, params![name, sealed, at]).await,
                Some((before,)) => tx.execute(SEAL_ANEW, params![name, before, sealed]).await,
            };
            // None: another instance was faster, and has laid down what holds.
            if database.transaction::<u64, StoreError, _>(lay).await? == 1 {
                log::info!("the instances of {name} agree on the key that this one has");
                return Ok(key);
            }
        }
        Err(NoKey::Own(self.name, "its instances do not agree".to_owned()))
    }
}

/// Closes a key for the database, bound to the name of its service.
struct Seal(LessSafeKey);

impl Seal {
    fn under(shared: &Key) -> Result<Seal, String> {
        let mac = <Hmac<Sha256>>::new_from_slice(shared).map_err(|error| error.to_string())?;
        let key = mac.chain_update(PURPOSE).finalize().into_bytes();
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).map_err(|error| error.to_string())?;
        Ok(Seal(LessSafeKey::new(key)))
    }

    fn close(&self, name: &str, key: &Key) -> Result<String, String> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| error.to_string())?;
        let (unique, mut content) = (Nonce::assume_unique_for_key(nonce), key.to_vec());
        let sealed = self.0.seal_in_place_append_tag(unique, Aad::from(name), &mut content);
        sealed.map_err(|error| error.to_string())?;
        Ok(STANDARD.encode([&nonce[..], &content].concat()))
    }

    /// `None`: it was closed under another key, or for another service.
    fn open(&self, name: &str, sealed: &str) -> Option<Key> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, content) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let (unique, mut content) = (Nonce::assume_unique_for_key(*nonce), content.to_vec());
        let opened = self.0.open_in_place(unique, Aad::from(name), &mut content).ok()?;
        Key::try_from(&*opened).ok()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_by_its_service_under_the_shared_key_alone() {
        let (seal, key) = (Seal::under(&[1; 32]).unwrap(), [7; 32]);
        let sealed = seal.close("users", &key).unwrap();
        assert_eq!(seal.open("users", &sealed), Some(key));
        assert_eq!(seal.open("webhooks", &sealed), None);
        assert_eq!(Seal::under(&[2; 32]).unwrap().open("users", &sealed), None);
        assert_eq!((seal.open("users", ""), seal.open("users", &sealed[4..])), (None, None));
        assert_ne!(seal.close("users", &key).unwrap(), sealed);
        assert!(!sealed.contains(&STANDARD.encode(key)));
    }
}
