//! The route table: which service answers which paths, with which methods and how large a body.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, Uri};
use busbar_http::Problem;

use crate::types::ServiceName::{
    self, Analytics, Billing, Documents, Notifications, Payments, Users, Utilities, Webhooks,
};

use super::{not_allowed, not_found, target};

/// Cut off before a path is sent on.
const API: &str = "/api";

/// What services take.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];
/// What a place takes where one can only read.
const READING: [Method; 2] = [Method::GET, Method::HEAD];

/// Who answers which paths. The longest prefix of a path wins.
const SERVED: [(ServiceName, &[&str]); 8] = [
    (Users, &["/api/users", "/api/auth", "/api/audit"]),
    (
        Payments,
        &[
            "/api/payments",
            "/api/payment-methods",
            "/api/refunds",
            "/api/disputes",
            "/api/mandates",
            "/api/ledger",
            "/api/connectors",
            "/api/sim",
            "/api/payouts",
            "/api/admin/invariants",
        ],
    ),
    (Billing, &["/api/bills", "/api/bill-runs", "/api/billing", "/api/coupons"]),
    (Notifications, &["/api/notifications"]),
    (Documents, &["/api/documents"]),
    (
        Utilities,
        &[
            "/api/utilities",
            "/api/providers",
            "/api/service-accounts",
            "/api/meters",
            "/api/readings",
            "/api/tariffs",
            "/api/calendars",
            "/api/bill-fetches",
            "/api/complaints",
        ],
    ),
    (Analytics, &["/api/analytics"]),
    (Webhooks, &["/api/webhooks"]),
];

/// Where the paths of files end.
const CONTENT: &str = "/content";

/// What a form has around a document, in bytes.
const FORM_BYTES: usize = 64 * 1024;

/// How large bodies may be, and how long they may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of most requests.
    pub(super) body_bytes_max: usize,
    pub(super) wait: Duration,
    /// Of documents, in bytes, and the time to send or fetch one.
    pub(super) document_bytes_max: u64,
    pub(super) transfer: Duration,
}

/// One line of the table.
#[derive(Debug, PartialEq)]
pub(super) struct Route {
    /// What paths begin with, whole segments.
    pub(super) prefix: &'static str,
    pub(super) service: ServiceName,
    pub(super) methods: &'static [Method],
    /// The largest body that is passed on; 0: none is.
    pub(super) body_bytes_max: usize,
    /// The whole of a request with its bodies.
    wait: Duration,
    /// The same where a whole file goes one way or the other.
    transfer: Duration,
    /// What is cut off before the path is sent on.
    cut: &'static str,
    allow: HeaderValue,
}

/// All of it, longest prefix first.
pub(super) struct Table {
    routes: Vec<Route>,
}

impl Table {
    pub(super) fn new(bounds: Bounds) -> Table {
        let Bounds { body_bytes_max, wait, document_bytes_max, transfer } = bounds;
        let route = |service, prefix| Route {
            prefix,
            service,
            methods: &METHODS,
            body_bytes_max,
            wait,
            transfer: wait,
            cut: API,
            allow: allow(&METHODS),
        };
        let documents_max = usize::try_from(document_bytes_max).unwrap_or(usize::MAX);
        let mut routes: Vec<Route> = SERVED
            .iter()
            .flat_map(|(service, prefixes)| prefixes.iter().map(|prefix| route(*service, prefix)))
            .collect();
        for route in routes.iter_mut().filter(|route| route.service == Documents) {
            route.body_bytes_max = body_bytes_max.max(documents_max.saturating_add(FORM_BYTES));
            route.transfer = wait.max(transfer);
        }
        routes.push(Route {
            prefix: "/.well-known/jwks.json",
            service: Users,
            methods: &READING,
            body_bytes_max: 0,
            wait,
            transfer: wait,
            cut: "",
            allow: allow(&READING),
        });
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Table { routes }
    }

    /// The route of a request, and the path with query that it is sent on with.
    pub(super) fn find(&self, method: &Method, uri: &Uri) -> Result<(&Route, String), Problem> {
        if !METHODS.contains(method) {
            return Err(not_allowed(allow(&METHODS)));
        }
        let path = uri.path();
        target::check(path)?;
        let is_under = |route: &&Route| {
            let rest = path.strip_prefix(route.prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let route = self.routes.iter().find(is_under).ok_or_else(not_found)?;
        if !route.methods.contains(method) {
            return Err(not_allowed(route.allow.clone()));
        }
        let whole = uri.path_and_query().map_or(path, |whole| whole.as_str());
        Ok((route, whole.strip_prefix(route.cut).unwrap_or(whole).to_owned()))
    }

    /// A line for the prefixes that are treated alike.
    pub(super) fn listing(&self) -> Vec<String> {
        let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for route in &self.routes {
            lines.entry(route.rule()).or_default().push(route.prefix);
        }
        let line = |(rule, mut prefixes): (String, Vec<&str>)| {
            prefixes.sort_unstable();
            format!("{rule}: {}", prefixes.join(" "))
        };
        lines.into_iter().map(line).collect()
    }
}

impl Route {
    /// How long a request may take: files that are sent or fetched have longer.
    pub(super) fn wait(&self, method: &Method, path: &str) -> Duration {
        let is_sent = *method == Method::POST && path == self.prefix;
        let is_fetched = *method == Method::GET && path.ends_with(CONTENT);
        if is_sent || is_fetched { self.transfer } else { self.wait }
    }

    fn rule(&self) -> String {
        let methods = self.allow.to_str().unwrap_or_default();
        format!("{} ({methods}; bodies up to {} bytes)", self.service, self.body_bytes_max)
    }
}

fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        body_bytes_max: 10,
        wait: Duration::from_secs(4),
        document_bytes_max: 1_000,
        transfer: Duration::from_secs(300),
    };

    fn find(method: Method, uri: &'static str) -> Result<(ServiceName, String), (u16, String)> {
        let table = Table::new(BOUNDS);
        let found = table.find(&method, &Uri::from_static(uri));
        found
            .map(|(route, target)| (route.service, target))
            .map_err(|problem| (problem.status().as_u16(), problem.code().to_owned()))
    }

    #[test]
    fn a_path_goes_to_the_service_of_its_longest_prefix() {
        for (uri, service, target) in [
            ("/api/users", Users, "/users"),
            ("/api/users?limit=1", Users, "/users?limit=1"),
            ("/api/bills/1/issue", Billing, "/bills/1/issue"),
            ("/api/bill-runs/1", Billing, "/bill-runs/1"),
            ("/api/admin/invariants", Payments, "/admin/invariants"),
            ("/api/meters/a%20b?x=%2F", Utilities, "/meters/a%20b?x=%2F"),
            ("/.well-known/jwks.json", Users, "/.well-known/jwks.json"),
            ("http://elsewhere.test/api/webhooks", Webhooks, "/webhooks"),
        ] {
            assert_eq!(find(Method::GET, uri).unwrap(), (service, target.to_owned()), "{uri}");
        }
    }

    #[test]
    fn what_no_service_answers_is_not_found() {
        for uri in [
            "/",
            "/api",
            "/api/",
            "/users",
            "/api/userss",
            "/api/admin",
            "/internal/events",
            "/api/internal/events",
            "/.well-known/openid-configuration",
        ] {
            assert_eq!(find(Method::GET, uri).unwrap_err(), (404, "not_found".into()), "{uri}");
        }
    }

    #[test]
    fn documents_may_be_large_and_take_their_time() {
        let table = Table::new(BOUNDS);
        let bounds = |method, uri| {
            let (route, _) = table.find(&method, &Uri::from_static(uri)).unwrap();
            (route.body_bytes_max, route.wait(&method, uri).as_secs())
        };
        let bytes_max = 1_000 + FORM_BYTES;
        assert_eq!(bounds(Method::POST, "/api/documents"), (bytes_max, 300));
        assert_eq!(bounds(Method::GET, "/api/documents/1/content"), (bytes_max, 300));
        assert_eq!(bounds(Method::GET, "/api/documents"), (bytes_max, 4));
        assert_eq!(bounds(Method::POST, "/api/documents/1/links"), (bytes_max, 4));
        assert_eq!(bounds(Method::POST, "/api/bills"), (10, 4));
    }

    #[test]
    fn a_method_that_is_not_taken_is_refused() {
        let refused = (405, "method_not_allowed".to_owned());
        assert_eq!(find(Method::TRACE, "/api/users").unwrap_err(), refused);
        assert_eq!(find(Method::TRACE, "/nowhere").unwrap_err(), refused);
        assert_eq!(find(Method::POST, "/.well-known/jwks.json").unwrap_err(), refused);
    }

    #[test]
    fn every_service_behind_has_a_route_and_no_route_leads_inside() {
        let table = Table::new(BOUNDS);
        for service in ServiceName::domain() {
            assert!(table.routes.iter().any(|route| route.service == service), "{service}");
        }
        assert!(table.routes.iter().all(|route| !route.prefix.contains("internal")));
        let listing = table.listing();
        assert_eq!(listing.len(), 9, "one for each service, and one for the key set");
        assert!(listing[0].starts_with("analytics (GET, "), "{}", listing[0]);
        assert!(listing[0].ends_with(" 10 bytes): /api/analytics"), "{}", listing[0]);
    }
}
