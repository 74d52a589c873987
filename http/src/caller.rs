//! Who asks: a person with a user token, or another service with a service token.

mod anyone;
mod verifier;

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::problem::{Kind, Problem, kinds};
use crate::token::{KeySet, PrivateKey, TokenError, VerifyingKeys};

pub use self::anyone::{Anyone, Shown};
pub use self::verifier::{FetchKeys, KEYS_AGE_SECONDS_MAX, Now, Verifier};

/// The issuer of every token of an installation.
pub const ISSUER: &str = "busbar";
/// The audience of user tokens.
pub const AUDIENCE_API: &str = "busbar-api";
/// The audience of service tokens.
pub const AUDIENCE_INTERNAL: &str = "busbar-internal";
/// How long a service token is good for, in seconds.
pub const SERVICE_TOKEN_SECONDS: i64 = 60;
/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Customer,
    Operator,
    Admin,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }
}

/// The claims of a user token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserClaims {
    pub iss: String,
    pub aud: String,
    pub sub: Uuid,
    pub sid: Uuid,
    pub role: Role,
    /// The version of the user's tokens: raised when all of them are withdrawn.
    pub ver: i64,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
}

/// A person, known from a verified user token.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The id of the user.
    pub subject: Uuid,
    pub session: Uuid,
    pub role: Role,
    pub claims: UserClaims,
}

impl Caller {
    /// Operators and administrators act for others.
    pub fn is_staff(&self) -> bool {
        matches!(self.role, Role::Operator | Role::Admin)
    }

    pub fn require_staff(&self) -> Result<(), Problem> {
        if self.is_staff() { Ok(()) } else { Err(kinds::INSUFFICIENT_SCOPE.problem()) }
    }

    pub fn require_admin(&self) -> Result<(), Problem> {
        if self.role == Role::Admin { Ok(()) } else { Err(kinds::INSUFFICIENT_SCOPE.problem()) }
    }

    /// Whether something of this owner may be seen by the caller.
    pub fn may_see(&self, owner: Uuid) -> bool {
        self.subject == owner || self.is_staff()
    }
}

fn refusal(error: TokenError) -> Problem {
    match error {
        TokenError::Expired => unauthorized(kinds::TOKEN_EXPIRED, "invalid_token"),
        TokenError::Invalid | TokenError::UnknownKey => {
            unauthorized(kinds::TOKEN_INVALID, "invalid_token")
        }
    }
}

/// 401 with its challenge (RFC 6750 section 3).
fn unauthorized(kind: Kind, error: &'static str) -> Problem {
    let challenge = if error.is_empty() {
        HeaderValue::from_static("Bearer")
    } else {
        HeaderValue::from_static("Bearer error=\"invalid_token\"")
    };
    kind.problem().header(WWW_AUTHENTICATE, challenge)
}

/// The bearer token of a request (RFC 6750 section 2.1).
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Caller, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = bearer(request).map(str::to_owned);
        let verifier = request.app_data::<Arc<Verifier>>().cloned();
        Box::pin(async move {
            let token = token.ok_or_else(|| unauthorized(kinds::UNAUTHENTICATED, ""))?;
            let verifier = verifier.ok_or_else(|| Problem::internal("no verifier"))?;
            let claims = verifier.verify(&token).await?;
            Ok(Caller { subject: claims.sub, session: claims.sid, role: claims.role, claims })
        })
    }
}

/// The claims of a service token.
#[derive(Debug, Serialize, Deserialize)]
struct ServiceClaims {
    iss: String,
    aud: String,
    sub: String,
    iat: i64,
    exp: i64,
}

/// The key that all services of one installation share: signs and verifies service tokens.
#[derive(Clone)]
pub struct ServiceKey {
    key: PrivateKey,
    keys: VerifyingKeys,
    now: Now,
}

impl ServiceKey {
    pub fn new(key: PrivateKey, now: Now) -> ServiceKey {
        let keys = VerifyingKeys::from(&KeySet { keys: vec![key.public()] });
        ServiceKey { key, keys, now }
    }

    /// A token for one call, in the name of a service.
    pub fn issue(&self, service: &str) -> Result<String, Problem> {
        let iat = (self.now)();
        let claims = ServiceClaims {
            iss: ISSUER.into(),
            aud: AUDIENCE_INTERNAL.into(),
            sub: service.into(),
            iat,
            exp: iat + SERVICE_TOKEN_SECONDS,
        };
        self.key.sign(&claims).map_err(Problem::internal)
    }

    /// The name of the service that asks.
    pub fn verify(&self, token: &str) -> Result<String, TokenError> {
        let claims: ServiceClaims =
            self.keys.verify(token, ISSUER, AUDIENCE_INTERNAL, (self.now)())?;
        Ok(claims.sub)
    }
}

/// Another service of this installation, known from its service token.
#[derive(Clone, Debug)]
pub struct ServiceCaller {
    pub service: String,
}

impl FromRequest for ServiceCaller {
    type Error = Problem;
    type Future = Ready<Result<ServiceCaller, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let verified = || {
            let token = bearer(request).ok_or_else(|| unauthorized(kinds::UNAUTHENTICATED, ""))?;
            let key = request
                .app_data::<Arc<ServiceKey>>()
                .ok_or_else(|| Problem::internal("no service key"))?;
            let service = key.verify(token).map_err(refusal)?;
            Ok(ServiceCaller { service })
        };
        ready(verified())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

    fn user_token(key: &PrivateKey, now: i64) -> String {
        key.sign(&UserClaims {
            iss: ISSUER.into(),
            aud: AUDIENCE_API.into(),
            sub: Uuid::nil(),
            sid: Uuid::nil(),
            role: Role::Customer,
            ver: 0,
            iat: now,
            exp: now + 600,
            jti: Uuid::nil(),
        })
        .unwrap()
    }

    #[actix_rt::test]
    async fn keys_are_fetched_once_and_go_on_working_while_their_source_is_away() {
        let key = PrivateKey::from_seed(&[1; 32]).unwrap();
        let set = KeySet { keys: vec![key.public()] };
        let (fetches, clock) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(1_000)));
        let count = fetches.clone();
        let fetch: FetchKeys = Arc::new(move || {
            let number = count.fetch_add(1, SeqCst);
            let set = set.clone();
            Box::pin(async move { if number == 0 { Ok(set) } else { Err("away".into()) } })
        });
        let time = clock.clone();
        let verifier = Verifier::new(fetch, Arc::new(move || time.load(SeqCst)));

        let token = user_token(&key, 1_000);
        let verify = || verifier.verify(&token);
        let all = futures_util::future::join_all((0..20).map(|_| verify())).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(fetches.load(SeqCst), 1);

        clock.store(1_000 + KEYS_AGE_SECONDS_MAX + 1, SeqCst);
        assert!(verify().await.is_ok(), "the users service is away, its keys are known");
        assert_eq!(fetches.load(SeqCst), 2);

        clock.store(1_600, SeqCst);
        assert_eq!(verify().await.unwrap_err().code(), "token_expired");
    }

    #[actix_rt::test]
    async fn a_service_token_is_no_user_token_and_the_other_way_round() {
        let key = PrivateKey::from_seed(&[1; 32]).unwrap();
        let set = KeySet { keys: vec![key.public()] };
        let now: Now = Arc::new(|| 1_000);
        let fetch: FetchKeys = Arc::new(move || {
            let set = set.clone();
            Box::pin(async move { Ok(set) })
        });
        let verifier = Verifier::new(fetch, now.clone());
        let service = ServiceKey::new(key.clone(), now);

        let token = service.issue("payments").unwrap();
        assert_eq!(service.verify(&token).unwrap(), "payments");
        assert_eq!(verifier.verify(&token).await.unwrap_err().code(), "token_invalid");
        assert!(service.verify(&user_token(&key, 1_000)).is_err());
    }
}
