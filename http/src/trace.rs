//! Which request this is: its id and its trace context (W3C Trace Context, level 1).

use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::{Ready, ready};
use uuid::Uuid;

use crate::problem::Problem;

pub const REQUEST_ID: &str = "x-request-id";
pub const TRACEPARENT: &str = "traceparent";
pub const REQUEST_ID_NAME: HeaderName = HeaderName::from_static(REQUEST_ID);
pub const TRACEPARENT_NAME: HeaderName = HeaderName::from_static(TRACEPARENT);
/// The longest request id that is taken from a client.
const REQUEST_ID_LENGTH_MAX: usize = 128;

/// The id and trace of one request. A client's own are kept when they are well formed. Every layer
/// keeps them: clones share the texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    pub id: Arc<str>,
    pub traceparent: Arc<str>,
}

impl RequestId {
    /// Of a request that brought none.
    pub(crate) fn made() -> RequestId {
        RequestId { id: new_id(), traceparent: new_traceparent() }
    }

    pub fn of_headers(headers: &HeaderMap) -> RequestId {
        let text = |name: HeaderName| headers.get(&name).and_then(|value| value.to_str().ok());
        let traceparent = text(TRACEPARENT_NAME)
            .filter(|value| is_traceparent(value))
            .map_or_else(new_traceparent, Arc::from);
        let id = text(REQUEST_ID_NAME)
            .filter(|value| is_request_id(value))
            .map_or_else(new_id, Arc::from);
        RequestId { id, traceparent }
    }

    /// The id of the trace, 32 hexadecimal digits.
    pub fn trace(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }
}

fn is_request_id(value: &str) -> bool {
    (1..=REQUEST_ID_LENGTH_MAX).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, neither id all zeros.
fn is_traceparent(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let is_hex = |part: &str, length: usize| {
        part.len() == length
            && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    matches!(parts.as_slice(), [version, trace, parent, flags]
        if *version == "00" && is_hex(trace, 32) && !is_zero(trace)
            && is_hex(parent, 16) && !is_zero(parent) && is_hex(flags, 2))
}

fn new_id() -> Arc<str> {
    let mut text = Uuid::encode_buffer();
    Arc::from(&*Uuid::now_v7().hyphenated().encode_lower(&mut text))
}

fn new_traceparent() -> Arc<str> {
    let (mut trace, mut parent) = (Uuid::encode_buffer(), Uuid::encode_buffer());
    let trace = Uuid::new_v4().simple().encode_lower(&mut trace);
    let parent = Uuid::new_v4().simple().encode_lower(&mut parent);
    Arc::from(["00-", &*trace, "-", &parent[..16], "-00"].concat())
}

impl FromRequest for RequestId {
    type Error = Problem;
    type Future = Ready<Result<RequestId, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let known = request.extensions().get::<RequestId>().cloned();
        ready(Ok(known.unwrap_or_else(|| RequestId::of_headers(request.headers()))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn of(pairs: &[(&'static str, &str)]) -> RequestId {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        RequestId::of_headers(&headers)
    }

    #[test]
    fn well_formed_ids_are_kept_others_are_replaced() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let kept = of(&[(REQUEST_ID, "abc-1.2_3"), (TRACEPARENT, good)]);
        assert_eq!((&*kept.id, &*kept.traceparent), ("abc-1.2_3", good));

        for bad in ["", "a b", "a\"b", &"x".repeat(129)] {
            assert_ne!(&*of(&[(REQUEST_ID, bad)]).id, bad);
        }
        for bad in [
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "junk",
        ] {
            let traceparent = of(&[(TRACEPARENT, bad)]).traceparent;
            assert!(is_traceparent(&traceparent) && &*traceparent != bad, "{bad}");
        }
    }
}
