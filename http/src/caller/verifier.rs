//! Verifies user tokens with a key set from elsewhere.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use super::{AUDIENCE_API, ISSUER, UserClaims, refusal};
use crate::problem::{Problem, kinds};
use crate::token::{KeySet, TokenError, VerifyingKeys};

/// Keys older than this are fetched anew, in seconds: a withdrawn key is out after that time.
pub const KEYS_AGE_SECONDS_MAX: i64 = 300;
/// A token with an unknown key leads to a fetch, but not more often than this, in seconds.
const KEYS_FETCH_SECONDS_MIN: i64 = 1;
/// The longest wait for a key set.
const KEYS_FETCH_WAIT: Duration = Duration::from_secs(2);

/// The time in Unix seconds.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;
/// Brings the key set of the users service.
pub type FetchKeys = Arc<dyn Fn() -> LocalBoxFuture<'static, Result<KeySet, String>> + Send + Sync>;

/// Verifies user tokens with the key set of the users service, which it fetches when it must.
///
/// Keys that were fetched once go on working while the users service is away.
pub struct Verifier {
    fetch: FetchKeys,
    now: Now,
    /// Written by whoever fetched.
    known: RwLock<Known>,
    /// One fetch at a time; the others wait for it.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<VerifyingKeys>,
    /// When keys came last, Unix seconds.
    fetched_at: i64,
    /// When a fetch was last tried, Unix seconds.
    tried_at: i64,
    /// How often a fetch was tried: who waited for somebody else's sees that it has moved.
    tries: u64,
}

impl Verifier {
    pub fn new(fetch: FetchKeys, now: Now) -> Verifier {
        let fetching = tokio::sync::Mutex::new(());
        Verifier { fetch, now, known: RwLock::default(), fetching }
    }

    fn known(&self) -> Known {
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The claims of a user token; fetches the key set if the token's key is not known.
    pub async fn verify(&self, token: &str) -> Result<UserClaims, Problem> {
        let known = self.known();
        let age = (self.now)() - known.fetched_at;
        let first = self.check(&known.keys, token);
        let is_unknown = matches!(first, Err(TokenError::UnknownKey));
        if is_unknown || (age > KEYS_AGE_SECONDS_MAX && first.is_ok()) {
            // What verifies with an old key need not wait for somebody else's fetch.
            if first.is_ok() && self.fetching.try_lock().is_err() {
                return first.map_err(refusal);
            }
            self.refresh(known.tries).await;
            let fresh = self.known();
            if fresh.keys.is_empty() {
                return Err(kinds::KEYS_UNAVAILABLE.problem().retry_after(1));
            }
            return self.check(&fresh.keys, token).map_err(refusal);
        }
        first.map_err(refusal)
    }

    /// Fetches the key set when it has reached half its age, so that no request has to wait for it.
    pub async fn renew(&self) {
        let known = self.known();
        if (self.now)() - known.fetched_at > KEYS_AGE_SECONDS_MAX / 2 {
            self.refresh(known.tries).await;
        }
    }

    fn check(&self, keys: &VerifyingKeys, token: &str) -> Result<UserClaims, TokenError> {
        keys.verify(token, ISSUER, AUDIENCE_API, (self.now)())
    }

    /// Fetches unless somebody else did while this call waited, or has just tried.
    async fn refresh(&self, tries_seen: u64) {
        let _alone = self.fetching.lock().await;
        let known = self.known();
        let now = (self.now)();
        let just_tried = now - known.tried_at < KEYS_FETCH_SECONDS_MIN && !known.keys.is_empty();
        if known.tries != tries_seen || just_tried {
            return;
        }
        let fetched = tokio::time::timeout(KEYS_FETCH_WAIT, (self.fetch)()).await;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.tried_at = now;
        known.tries += 1;
        match fetched {
            Ok(Ok(set)) => {
                known.keys = Arc::new(VerifyingKeys::from(&set));
                known.fetched_at = now;
            }
            Ok(Err(error)) => log::warn!("the key set of the users service did not come: {error}"),
            Err(_) => log::warn!("the key set of the users service did not come in time"),
        }
    }
}
