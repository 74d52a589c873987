//! What scripts of other web pages may do with the gateway (WHATWG Fetch, CORS protocol).
//!
//! Pages are named one by one in the settings, since answers carry credentials. With none named
//! nothing of this happens, and what an upstream says about it passes.

use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::guard::RoutePattern;

use crate::config::Origin;
use crate::gateway::route::Route;
use crate::gateway::table::Table;
use crate::types::Text;

use super::add_vary;

/// How long a browser may go by a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const TRUE: HeaderValue = HeaderValue::from_static("true");
/// What scripts may read besides what they always may.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "accept-ranges, age, cache-status, content-disposition, content-range, etag, \
     idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, traceparent, \
     www-authenticate, x-busbar-reason, x-cache, x-request-id",
);
const PREFLIGHT_VARY: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);
/// The longest list of field names that is allowed, in bytes.
const ASKED_BYTES_MAX: usize = 4_096;
/// What answers say about CORS begins so.
const PREFIX: &str = "access-control-";

/// The web pages that are let in.
pub(in crate::gateway) struct Cors {
    origins: Vec<HeaderValue>,
}

impl Cors {
    pub(in crate::gateway) fn new(origins: &[Origin]) -> Cors {
        let value = |origin: &Origin| HeaderValue::from_str(&origin.text()).ok();
        Cors { origins: origins.iter().filter_map(value).collect() }
    }

    fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// The page that asks, if it may.
    fn origin(&self, asked: &HeaderMap) -> Option<&HeaderValue> {
        let origin = asked.get(ORIGIN)?;
        self.origins.iter().find(|known| *known == origin)
    }

    /// The answer to a browser that asks before it asks (Fetch, section 3.3.6). `None`: it is not
    /// such a question, or not from a page that may; then it goes its way.
    pub(super) fn preflight(&self, request: &HttpRequest, table: &Table) -> Option<HttpResponse> {
        if !self.is_on() || *request.method() != Method::OPTIONS {
            return None;
        }
        let asked = request.headers();
        let (origin, method) = (self.origin(asked)?, asked.get(ACCESS_CONTROL_REQUEST_METHOD)?);
        let route = table.leading(request.path())?;
        RoutePattern(route.prefix.clone()).note(request);
        let mut answer = HttpResponse::NoContent();
        answer
            .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, origin))
            .insert_header((ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE))
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, methods(route, method)))
            .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE))
            .insert_header((VARY, PREFLIGHT_VARY));
        if let Some(names) = names(asked) {
            answer.insert_header((ACCESS_CONTROL_ALLOW_HEADERS, names));
        }
        Some(answer.finish())
    }

    /// What is added to an answer.
    pub(super) fn fields(&self, asked: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
        let Some(origin) = self.origin(asked) else {
            let vary = (VARY, HeaderValue::from_static("Origin"));
            return if self.is_on() { vec![vary] } else { Vec::new() };
        };
        vec![
            (VARY, HeaderValue::from_static("Origin")),
            (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
            (ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE),
            (ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        ]
    }

    /// Puts them in place of what an upstream said.
    pub(super) fn mark(&self, asked: &HeaderMap, answer: &mut HeaderMap) {
        if !self.is_on() {
            return;
        }
        answer.retain(|name, _| !name.as_str().starts_with(PREFIX));
        for (name, value) in self.fields(asked) {
            match name {
                VARY => add_vary(answer, "Origin"),
                name => answer.insert(name, value).for_each(drop),
            }
        }
    }
}

/// What the route takes; `*` would mean a method of that name, since credentials are allowed.
fn methods(route: &Route, asked: &HeaderValue) -> HeaderValue {
    if route.takes_any() { asked.clone() } else { route.allow.clone() }
}

/// The names that were asked for, if they are names.
fn names(asked: &HeaderMap) -> Option<HeaderValue> {
    let names = asked.get(ACCESS_CONTROL_REQUEST_HEADERS)?;
    let is_name = |name: &str| HeaderName::try_from(name.trim()).is_ok();
    let are_names = names.to_str().is_ok_and(|names| names.split(',').all(is_name));
    (names.len() <= ASKED_BYTES_MAX && are_names).then(|| names.clone())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cors() -> Cors {
        Cors::new(&[
            "https://app.example".parse().unwrap(),
            "http://localhost:5173".parse().unwrap(),
        ])
    }

    fn from(origin: &'static str) -> HeaderMap {
        let mut asked = HeaderMap::new();
        asked.insert(ORIGIN, HeaderValue::from_static(origin));
        asked
    }

    #[test]
    fn only_exactly_the_named_pages_are_let_in() {
        assert!(cors().origin(&from("https://app.example")).is_some());
        assert!(cors().origin(&from("http://localhost:5173")).is_some());
        for stranger in [
            "null",
            "*",
            "http://app.example",
            "https://app.example.evil.test",
            "https://app.example:8443",
            "https://APP.example",
            "",
        ] {
            assert!(cors().origin(&from(stranger)).is_none(), "{stranger}");
        }
    }

    #[test]
    fn what_an_upstream_said_is_replaced_and_vary_stays() {
        let mut answer = HeaderMap::new();
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        answer.insert(VARY, HeaderValue::from_static("Accept-Language"));
        let mut strange = answer.clone();
        cors().mark(&from("https://app.example"), &mut answer);
        assert_eq!(answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).unwrap(), "https://app.example");
        assert_eq!(answer.get_all(VARY).collect::<Vec<_>>(), ["Accept-Language", "Origin"]);

        cors().mark(&from("https://evil.test"), &mut strange);
        assert!(!strange.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
        assert_eq!(strange.get_all(VARY).count(), 2);
    }

    #[test]
    fn only_names_are_echoed() {
        let echoed = |text: &str| {
            let mut asked = HeaderMap::new();
            let value = HeaderValue::try_from(text).unwrap();
            asked.insert(ACCESS_CONTROL_REQUEST_HEADERS, value);
            names(&asked).is_some()
        };
        assert!(echoed("authorization,content-type, idempotency-key"));
        assert!(!echoed("a b") && !echoed("x: y") && !echoed(&"x,".repeat(3_000)));
    }
}
