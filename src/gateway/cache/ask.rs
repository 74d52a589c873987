//! What of a request matters to the cache: its key, and what it allows. Pure.

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, RANGE, TRANSFER_ENCODING,
};

use super::Asked;
use super::directives::Directives;

/// A request that may be answered from the cache.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct Ask {
    pub(super) key: String,
    pub(super) is_head: bool,
    pub(super) has_authorization: bool,
    pub(super) has_cookie: bool,
    pub(super) has_range: bool,
    pub(super) directives: Directives,
    /// Of the routes by which it is asked.
    pub(super) generation: u64,
}

impl Ask {
    /// `None`: only GET and HEAD without a body can be.
    pub(super) fn of(asked: &Asked<'_>) -> Option<Ask> {
        let Asked { request, principal, host, .. } = asked;
        let fields = request.headers();
        let is_head = *request.method() == Method::HEAD;
        let has_body = fields.contains_key(TRANSFER_ENCODING)
            || fields.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
        if has_body || !(is_head || *request.method() == Method::GET) {
            return None;
        }
        let target = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        Some(Ask {
            key: key(principal.unwrap_or_default(), host, target),
            is_head,
            has_authorization: fields.contains_key(AUTHORIZATION),
            has_cookie: fields.contains_key(COOKIE),
            has_range: fields.contains_key(RANGE),
            directives: Directives::of_request(fields),
            generation: asked.generation,
        })
    }

    /// The mark of its path.
    pub(super) fn path_mark(&self) -> u64 {
        let mut parts = Parts(&self.key);
        let (_, host) = (parts.next(), parts.next());
        let path = parts.0.split('?').next().unwrap_or_default();
        path_mark(host.unwrap_or_default(), path)
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.has_authorization || self.has_cookie
    }
}

/// Whom the client takes this server for. An absolute target goes before the field (RFC 9112,
/// section 3.2.2).
pub(in crate::gateway) fn host(request: &HttpRequest) -> &str {
    let named = request.uri().authority().map(|authority| authority.as_str());
    named.or_else(|| host_field(request.headers())).unwrap_or_default()
}

fn host_field(fields: &HeaderMap) -> Option<&str> {
    fields.get(HOST)?.to_str().ok()
}

/// Each part says how long it is, so that no two addresses have one key.
pub(super) fn key(principal: &str, host: &str, target: &str) -> String {
    let mut key = String::with_capacity(principal.len() + host.len() + target.len() + 12);
    for part in [principal, host] {
        match part.len() {
            0 => key.push('0'),
            length => key.push_str(&length.to_string()),
        }
        key.push(':');
        key.push_str(part);
    }
    key.push_str(target);
    key
}

/// The path and query in a key.
pub(super) fn target(key: &str) -> &str {
    let mut parts = Parts(key);
    let (_, _) = (parts.next(), parts.next());
    parts.0
}

/// The parts of a key, and what is left of it.
struct Parts<'a>(&'a str);

impl<'a> Parts<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (length, after) = self.0.split_once(':')?;
        let (part, rest) = after.split_at_checked(length.parse().ok()?)?;
        self.0 = rest;
        Some(part)
    }
}

/// The mark of a path, whatever its query: what is invalidated is told by it. Two paths with one mark
/// are invalidated together, which does no harm.
pub(in crate::gateway) fn path_mark(host: &str, path: &str) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = std::hash::DefaultHasher::new();
    host.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
    (host.len(), path).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use actix_web::test::TestRequest;

    use super::*;
    use crate::config::Caching;
    use crate::gateway::cache::Defaults;

    const DEFAULTS: Defaults = Defaults {
        sharing: Caching::Shared,
        ttl: Duration::ZERO,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        shares_cookies: false,
        collapses: false,
    };

    #[test]
    fn no_two_addresses_have_one_key() {
        let keys = [
            key("", "a", "/b"),
            key("a", "", "/b"),
            key("", "a/b", ""),
            key("", "", "a/b"),
            key("1:", "a", "/b"),
            key("", "a", "/b?c"),
        ];
        let mut different = keys.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), keys.len());
        let targets: Vec<&str> = keys.iter().map(|key| target(key)).collect();
        assert_eq!(targets, ["/b", "/b", "", "a/b", "/b", "/b?c"]);
    }

    #[test]
    fn a_path_has_one_mark_whoever_asks_and_with_what_query() {
        let mark = |principal, target| {
            let request = TestRequest::get().uri(target).to_http_request();
            Ask::of(&Asked {
                request: &request,
                defaults: DEFAULTS,
                principal,
                host: "Host".into(),
                generation: 0,
            })
            .unwrap()
            .path_mark()
        };
        assert_eq!(mark(None, "/a?b"), path_mark("hOST", "/a"));
        assert_eq!(mark(Some("someone"), "/a"), path_mark("host", "/a"));
        assert_ne!(mark(None, "/b"), path_mark("host", "/a"));
    }

    #[test]
    fn only_reads_without_a_body_are_asked_of_the_cache() {
        let of = |request: TestRequest| {
            let request = request.to_http_request();
            Ask::of(&Asked {
                request: &request,
                defaults: DEFAULTS,
                principal: None,
                host: "".into(),
                generation: 0,
            })
        };
        assert!(of(TestRequest::get().uri("/a?b")).unwrap().key.ends_with("/a?b"));
        assert!(of(TestRequest::default().method(Method::HEAD)).unwrap().is_head);
        assert!(of(TestRequest::post()).is_none());
        assert!(of(TestRequest::get().insert_header(("content-length", "3"))).is_none());
        assert!(of(TestRequest::get().insert_header(("transfer-encoding", "chunked"))).is_none());
    }
}
