//! Which request this is: its id and its trace context (W3C Trace Context, level 1).

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
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
/// keeps them: clones share the texts, which are values of fields as they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId {
    id: HeaderValue,
    traceparent: HeaderValue,
}

impl RequestId {
    /// Of a request that brought none.
    pub(crate) fn made() -> RequestId {
        RequestId { id: new_id(), traceparent: new_traceparent() }
    }

    pub fn of_headers(headers: &HeaderMap) -> RequestId {
        let own = |name: HeaderName, is_well_formed: fn(&str) -> bool| {
            headers.get(&name).filter(|value| value.to_str().is_ok_and(is_well_formed)).cloned()
        };
        let traceparent = own(TRACEPARENT_NAME, is_traceparent).unwrap_or_else(new_traceparent);
        let id = own(REQUEST_ID_NAME, is_request_id).unwrap_or_else(new_id);
        RequestId { id, traceparent }
    }

    pub fn id(&self) -> &str {
        text(&self.id)
    }

    pub fn id_value(&self) -> &HeaderValue {
        &self.id
    }

    pub fn traceparent(&self) -> &str {
        text(&self.traceparent)
    }

    pub fn traceparent_value(&self) -> &HeaderValue {
        &self.traceparent
    }

    /// The id of the trace, 32 hexadecimal digits.
    pub fn trace(&self) -> &str {
        self.traceparent().split('-').nth(1).unwrap_or_default()
    }
}

/// Made here or looked at before, so that it is one.
fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("none"))
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

fn new_id() -> HeaderValue {
    let mut text = Uuid::encode_buffer();
    value(Uuid::now_v7().hyphenated().encode_lower(&mut text))
}

fn new_traceparent() -> HeaderValue {
    let (mut trace, mut parent) = (Uuid::encode_buffer(), Uuid::encode_buffer());
    let trace = Uuid::new_v4().simple().encode_lower(&mut trace);
    let parent = Uuid::new_v4().simple().encode_lower(&mut parent);
    value(&["00-", &*trace, "-", &parent[..16], "-00"].concat())
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
        assert_eq!((kept.id(), kept.traceparent()), ("abc-1.2_3", good));

        for bad in ["", "a b", "a\"b", &"x".repeat(129)] {
            assert_ne!(of(&[(REQUEST_ID, bad)]).id(), bad);
        }
        for bad in [
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "junk",
        ] {
            let made = of(&[(TRACEPARENT, bad)]);
            assert!(is_traceparent(made.traceparent()) && made.traceparent() != bad, "{bad}");
        }
    }
}
