//! The `Idempotency-Key` of a request and the fingerprint of what it asks.

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::body;
use crate::problem::{Problem, kinds};

pub const HEADER: &str = "idempotency-key";
/// The longest key that is taken.
pub const KEY_LENGTH_MAX: usize = 255;

/// Which request this is: the key, where it was sent, and a fingerprint of what it asks.
///
/// Two requests are the same when principal, method, route and key agree; they must then agree
/// in the fingerprint too. After the IETF draft "The Idempotency-Key HTTP Header Field".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    pub method: Method,
    /// The pattern of the route, `/payments/{id}/refunds`.
    pub route: String,
    /// SHA-256 over path parameters and canonical body, hexadecimal.
    pub fingerprint: String,
}

/// A request with a key and a JSON body.
#[derive(Debug)]
pub struct Keyed<T>(pub T, pub IdempotencyKey);

/// A request with a JSON body, and a key where the client sent one.
#[derive(Debug)]
pub struct MaybeKeyed<T>(pub T, pub Option<IdempotencyKey>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    /// For endpoints without a body: a body that came all the same is part of the fingerprint.
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = key_of(request);
        let bytes = body::read(request, payload);
        Box::pin(async move { key?.sealed(&bytes.await?) })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Keyed<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = key_of(request);
        let bytes = body::read(request, payload);
        Box::pin(async move {
            let key = key?;
            let bytes = bytes.await?;
            let value = body::parse(&bytes)?;
            Ok(Keyed(value, key.sealed(&bytes)?))
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for MaybeKeyed<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let key = IdempotencyKey::without_body(request);
        let bytes = body::read(request, payload);
        Box::pin(async move {
            let key = key?;
            let bytes = bytes.await?;
            let value = body::parse(&bytes)?;
            let key = key.map(|key| key.sealed(&bytes)).transpose()?;
            Ok(MaybeKeyed(value, key))
        })
    }
}

/// The key and the place; the fingerprint still holds only the path parameters.
fn key_of(request: &HttpRequest) -> Result<IdempotencyKey, Problem> {
    let mut fields = request.headers().get_all(HEADER);
    let header = fields.next().ok_or(kinds::KEY_REQUIRED)?;
    if fields.next().is_some() {
        return Err(kinds::KEY_INVALID.problem().detail("there is more than one Idempotency-Key"));
    }
    let key = header.to_str().unwrap_or_default().trim();
    let is_printable = key.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if key.is_empty() || key.len() > KEY_LENGTH_MAX || !is_printable {
        return Err(kinds::KEY_INVALID.problem());
    }
    let parameters: Vec<_> =
        request.match_info().iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(IdempotencyKey {
        key: key.to_owned(),
        method: request.method().clone(),
        route: request.match_pattern().unwrap_or_default(),
        fingerprint: parameters.join("&"),
    })
}

impl IdempotencyKey {
    /// The key of a request whose body is not JSON, where the client sent one. What it asks is
    /// added by [`IdempotencyKey::asking`].
    ///
    /// # Errors
    /// 400 when the key is none.
    pub fn without_body(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Problem> {
        request.headers().contains_key(HEADER).then(|| key_of(request)).transpose()
    }

    /// Adds what is asked: the same value for the same wish.
    ///
    /// # Errors
    /// None that a JSON value could bring about.
    pub fn asking(self, what: &Value) -> Result<IdempotencyKey, Problem> {
        self.sealed(what.to_string().as_bytes())
    }

    fn sealed(mut self, bytes: &[u8]) -> Result<IdempotencyKey, Problem> {
        let canonical = if bytes.is_empty() {
            String::new()
        } else {
            canonical(&serde_json::from_slice(bytes).map_err(|_| kinds::INVALID_JSON.problem())?)
        };
        let mut hash = Sha256::new();
        hash.update(self.fingerprint.as_bytes());
        hash.update([0]);
        hash.update(canonical.as_bytes());
        self.fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(self)
    }
}

/// One text for one value: members in order of their names, no white space.
fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members.into_iter().map(|(name, value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn sealed(parameters: &str, body: &str) -> String {
        let key = IdempotencyKey {
            key: "k".into(),
            method: Method::POST,
            route: "/payments".into(),
            fingerprint: parameters.into(),
        };
        key.sealed(body.as_bytes()).unwrap().fingerprint
    }

    #[actix_rt::test]
    async fn a_key_that_may_be_left_out_counts_when_it_is_there() {
        let keyed = |key: Option<&str>| {
            let request = key
                .into_iter()
                .fold(TestRequest::post(), |request, key| request.insert_header((HEADER, key)));
            let (request, mut payload) = request.set_json(Value::Null).to_http_parts();
            MaybeKeyed::<Value>::from_request(&request, &mut payload)
        };
        assert_eq!(keyed(None).await.unwrap().1, None);
        assert_eq!(keyed(Some("k-1")).await.unwrap().1.unwrap().key, "k-1");
        assert_eq!(keyed(Some(" ")).await.unwrap_err().code(), "idempotency_key_invalid");
    }

    #[actix_rt::test]
    async fn a_request_has_one_key() {
        for second in ["k-1", "k-2", ""] {
            let request = TestRequest::post()
                .append_header((HEADER, "k-1"))
                .append_header((HEADER, second))
                .set_json(Value::Null);
            let (request, mut payload) = request.to_http_parts();
            let keyed = Keyed::<Value>::from_request(&request, &mut payload).await;
            let refused = keyed.unwrap_err();
            assert_eq!(
                (refused.status().as_u16(), refused.code()),
                (400, "idempotency_key_invalid")
            );
        }
    }

    #[test]
    fn the_fingerprint_sees_the_meaning_not_the_spelling() {
        let first = sealed("", r#"{"a":1,"b":{"c":[1,2]}}"#);
        assert_eq!(first, sealed("", "{ \"b\": {\"c\":[1, 2]},\n\"a\":1 }"));
        assert_ne!(first, sealed("", r#"{"a":2,"b":{"c":[1,2]}}"#));
        assert_ne!(first, sealed("id=1", r#"{"a":1,"b":{"c":[1,2]}}"#));
    }
}
