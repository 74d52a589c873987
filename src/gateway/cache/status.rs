//! What the cache did, for the client: `Cache-Status` (RFC 9211) and the `x-cache` of the Node.js
//! system.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

pub(in crate::gateway) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Why a request was sent on (RFC 9211, section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Forwarded {
    /// The route has no cache: nothing is said of one.
    Off,
    /// The request forbids it, or nothing is kept at all.
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    Stale,
    /// The request wants a newer answer than the kept one.
    Request,
}

/// How an answer came to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Way {
    /// Seconds left.
    Hit(i64),
    /// As a hit, after its time.
    StaleHit(i64),
    /// Another request brought it.
    Collapsed(i64),
    /// It was asked for, and was still so.
    Validated(i64),
    /// The service failed with this status, and an older answer stands in; 0: without an answer.
    StoodIn(u16),
    Sent(Forwarded, Keeping),
}

/// What becomes of an answer that was sent for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum Keeping {
    Stored,
    No,
    /// It is for its own client alone, who has shown who it is.
    Private,
}

/// Writes both fields. What a cache behind this one said stands before (RFC 9211, section 2).
pub(in crate::gateway) fn tell(fields: &mut HeaderMap, way: Way) {
    if let Way::Sent(Forwarded::Off, _) = way {
        return;
    }
    let (line, word) = written(way);
    let earlier = fields.get_all(CACHE_STATUS).filter_map(|value| value.to_str().ok());
    let all: Vec<&str> = earlier.chain([line.as_str()]).collect();
    if let Ok(line) = HeaderValue::try_from(all.join(", ")) {
        fields.insert(CACHE_STATUS, line);
    }
    fields.insert(X_CACHE, HeaderValue::from_static(word));
}

fn written(way: Way) -> (String, &'static str) {
    match way {
        Way::Hit(left) => (format!("busbar; hit; ttl={left}"), "HIT"),
        Way::StaleHit(left) => (format!("busbar; hit; ttl={left}"), "STALE"),
        Way::Collapsed(left) => (format!("busbar; fwd=uri-miss; collapsed; ttl={left}"), "HIT"),
        Way::Validated(left) => {
            (format!("busbar; fwd=stale; fwd-status=304; stored; ttl={left}"), "HIT")
        }
        Way::StoodIn(0) => ("busbar; fwd=stale; detail=stale-if-error".to_owned(), "STALE"),
        Way::StoodIn(status) => {
            (format!("busbar; fwd=stale; fwd-status={status}; detail=stale-if-error"), "STALE")
        }
        Way::Sent(why, Keeping::Stored) => (format!("busbar; fwd={}; stored", why.word()), "MISS"),
        Way::Sent(why @ (Forwarded::Off | Forwarded::Bypass | Forwarded::Method), _) => {
            (format!("busbar; fwd={}", why.word()), "BYPASS")
        }
        Way::Sent(why, Keeping::No) => (format!("busbar; fwd={}", why.word()), "MISS"),
        Way::Sent(_, Keeping::Private) => {
            ("busbar; fwd=bypass; detail=authorization".to_owned(), "BYPASS")
        }
    }
}

impl Forwarded {
    fn word(self) -> &'static str {
        match self {
            Forwarded::Off | Forwarded::Bypass => "bypass",
            Forwarded::Method => "method",
            Forwarded::UriMiss => "uri-miss",
            Forwarded::VaryMiss => "vary-miss",
            Forwarded::Stale => "stale",
            Forwarded::Request => "request",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cache_behind_said_stands_before() {
        let mut fields = HeaderMap::new();
        for inner in ["origin; hit", "inner; fwd=miss"] {
            fields.append(CACHE_STATUS, HeaderValue::from_static(inner));
        }
        tell(&mut fields, Way::Sent(Forwarded::VaryMiss, Keeping::Stored));
        let told: Vec<_> = fields.get_all(CACHE_STATUS).collect();
        assert_eq!(told, ["origin; hit, inner; fwd=miss, busbar; fwd=vary-miss; stored"]);
        assert_eq!(fields.get(X_CACHE).unwrap(), "MISS");
    }
}
