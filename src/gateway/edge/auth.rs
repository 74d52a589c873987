//! Tokens at the edge: what is there must be good, and there must be one where a route says so.
//!
//! The services of the house verify each token again, so this may let through what it cannot verify
//! for the moment; what stands before services of others may not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use busbar_http::Problem;
use busbar_http::caller::{UserClaims, Verifier};
use busbar_http::problem::{Kind, kinds};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use crate::config::Auth;
use crate::gateway::problem::TOKEN_REVOKED;
use crate::gateway::route::Route;
use crate::types::Clock;

use super::ended::Ended;
use super::recent::Recent;

/// Tokens that were found good are known for a while: a signature costs more than all the rest.
const TOKENS_MAX: usize = 10_000;
/// A key that was withdrawn is out for good this long after it is out of the key set.
const TOKEN_KEPT: Duration = Duration::from_secs(60);
/// While there are no keys they are not asked for more often.
const KEYS_REST: Duration = Duration::from_secs(1);

const SCHEME: &str = "bearer";
/// RFC 6750, section 3: what is asked for, and what was wrong.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");
const CHALLENGE_INVALID: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

type TokenDigest = [u8; SHA256_OUTPUT_LEN];

/// Looks at the tokens of requests.
pub(super) struct Gatekeeper {
    verifier: Arc<Verifier>,
    clock: Clock,
    ended: Arc<Ended>,
    good: Recent<TokenDigest, Good>,
    /// Written by whoever found that there are no keys.
    no_keys_since: Mutex<Option<Instant>>,
}

#[derive(Clone)]
struct Good {
    claims: Arc<UserClaims>,
    found: Instant,
}

impl Gatekeeper {
    pub(super) fn verifier(&self) -> Arc<Verifier> {
        self.verifier.clone()
    }

    pub(super) fn new(verifier: Arc<Verifier>, clock: Clock, ended: Arc<Ended>) -> Gatekeeper {
        let good = Recent::new(TOKENS_MAX);
        Gatekeeper { verifier, clock, ended, good, no_keys_since: Mutex::default() }
    }

    /// What the token of a request says, if the route wants to know.
    ///
    /// # Errors
    /// 401 with its challenge; 503 when it cannot be verified where nobody does so again.
    pub(super) async fn look(
        &self,
        fields: &HeaderMap,
        route: &Route,
    ) -> Result<Option<Arc<UserClaims>>, Problem> {
        let is_required = match route.rules.auth {
            Auth::None => return Ok(None),
            Auth::Optional => false,
            Auth::Required => true,
        };
        match self.whoever(fields).await {
            Ok(None) if is_required => Err(unauthenticated()),
            Err(problem) if is_unavailable(&problem) && !is_required && route.service.is_some() => {
                Ok(None)
            }
            found => found,
        }
    }

    /// Who the token of a request is for, if there is one.
    ///
    /// # Errors
    /// 401 when it is not good; 503 when it cannot be verified.
    pub(super) async fn whoever(
        &self,
        fields: &HeaderMap,
    ) -> Result<Option<Arc<UserClaims>>, Problem> {
        let Some(token) = bearer(fields)? else { return Ok(None) };
        let claims = self.claims(token).await?;
        if self.ended.has(&claims) {
            return Err(refused(TOKEN_REVOKED, CHALLENGE_INVALID));
        }
        Ok(Some(claims))
    }

    async fn claims(&self, token: &str) -> Result<Arc<UserClaims>, Problem> {
        let Ok(key) = TokenDigest::try_from(digest(&SHA256, token.as_bytes()).as_ref()) else {
            return Err(Problem::internal("a digest of another length"));
        };
        let seconds = self.clock.now().seconds();
        let is_fresh = |good: &Good| good.found.elapsed() < TOKEN_KEPT && good.claims.exp > seconds;
        if let Some(good) = self.good.get(key).filter(is_fresh) {
            return Ok(good.claims);
        }
        if self.has_no_keys() {
            return Err(kinds::KEYS_UNAVAILABLE.problem().retry_after(KEYS_REST.as_secs()));
        }
        let verified = self.verifier.verify(token).await;
        self.note_keys(verified.as_ref().is_err_and(is_unavailable));
        let claims = Arc::new(verified?);
        self.good.put(key, Good { claims: claims.clone(), found: Instant::now() });
        Ok(claims)
    }

    /// Before requests have to wait for it.
    pub(super) async fn renew_keys(&self) {
        self.verifier.renew().await;
    }

    fn has_no_keys(&self) -> bool {
        let since = *self.no_keys_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < KEYS_REST)
    }

    fn note_keys(&self, has_none: bool) {
        let since = has_none.then(Instant::now);
        *self.no_keys_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

fn is_unavailable(problem: &Problem) -> bool {
    problem.code() == kinds::KEYS_UNAVAILABLE.code
}

/// The bearer token of a request (RFC 6750, section 2.1). Other schemes are for whoever is behind.
fn bearer(fields: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut lines = fields.get_all(AUTHORIZATION);
    let Some(line) = lines.next() else { return Ok(None) };
    if lines.next().is_some() {
        // Somebody behind may believe another one than was verified here.
        return Err(refused(kinds::TOKEN_INVALID, CHALLENGE_INVALID));
    }
    let (scheme, rest) = line.as_bytes().split_at(SCHEME.len().min(line.len()));
    let is_scheme = scheme.eq_ignore_ascii_case(SCHEME.as_bytes());
    if !is_scheme || !rest.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Ok(None);
    }
    match std::str::from_utf8(rest) {
        Ok(token) if token.is_ascii() => Ok(Some(token.trim())),
        _ => Err(refused(kinds::TOKEN_INVALID, CHALLENGE_INVALID)),
    }
}

/// There is no token where one is asked for.
pub(in crate::gateway) fn unauthenticated() -> Problem {
    refused(kinds::UNAUTHENTICATED, CHALLENGE)
}

fn refused(kind: Kind, challenge: HeaderValue) -> Problem {
    kind.problem().header(WWW_AUTHENTICATE, challenge)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fields(lines: &[&'static str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(AUTHORIZATION, HeaderValue::from_static(line));
        }
        fields
    }

    #[test]
    fn a_bearer_token_is_taken_whatever_the_case_of_its_scheme() {
        for (lines, token) in [
            (&["Bearer a.b.c"][..], Some("a.b.c")),
            (&["bearer  a.b.c"], Some("a.b.c")),
            (&["BEARER a.b.c"], Some("a.b.c")),
            (&["Basic a.b.c"], None),
            (&["Bearer"], None),
            (&[], None),
        ] {
            assert_eq!(bearer(&fields(lines)).unwrap(), token, "{lines:?}");
        }
    }

    #[test]
    fn two_authorizations_are_one_too_many() {
        let refused = bearer(&fields(&["Bearer a", "Bearer b"])).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (401, "token_invalid"));
    }
}
