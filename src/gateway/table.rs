//! The route table: which service answers which paths, the longest prefix first.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::http::Uri;
use busbar_http::Problem;

use crate::config::Gateway;
use crate::types::ServiceName::{
    self, Analytics, Billing, Documents, Notifications, Payments, Users, Utilities, Webhooks,
};

use super::problem::PATH_INVALID;
use super::route::{Bounds, METHODS, Route, added_route, allow, served_route};
use super::{Behind, not_allowed, not_found, target};

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

/// Where the public keys of the users service are.
const KEYS: &str = "/.well-known/jwks.json";

/// All of it, longest prefix first.
pub(super) struct Table {
    routes: Vec<Route>,
}

impl Table {
    /// `destinations` are those of the gateway, in its order: the services, then those of added
    /// routes.
    pub(super) fn new(bounds: Bounds, settings: &Gateway, destinations: &[Behind]) -> Table {
        let place = |service| destinations.iter().position(|known| known.service == Some(service));
        let added_from = destinations.iter().take_while(|known| known.service.is_some()).count();
        let added = settings.routes.0.iter().enumerate();
        let mut routes: Vec<Route> =
            added.map(|(index, route)| added_route(route, added_from + index)).collect();
        for (service, prefixes) in SERVED {
            let Some(to) = place(service) else { continue };
            let route = |prefix: &&str| served_route(service, to, prefix, bounds, settings);
            routes.extend(prefixes.iter().map(route));
        }
        if let Some(to) = place(Users) {
            routes.push(served_route(Users, to, KEYS, bounds, settings).reads_only());
        }
        // Stable: an added route goes before one of ours with the same prefix.
        routes.sort_by_key(|route| std::cmp::Reverse(route.prefix.len()));
        Table { routes }
    }

    /// The route of a request.
    pub(super) fn find(&self, method: &Method, uri: &Uri) -> Result<&Route, Problem> {
        let path = uri.path();
        let Some(route) = self.leading(path) else {
            target::check(path)?;
            let is_known = METHODS.contains(method);
            return Err(if is_known { not_found() } else { not_allowed(allow(&METHODS)) });
        };
        match route.service {
            Some(_) => target::check(path)?,
            None => {
                target::check_straight(path)?;
                self.check_ways(route, path)?;
            }
        }
        if !route.takes(method) {
            return Err(not_allowed(route.allow.clone()));
        }
        Ok(route)
    }

    /// A path that could be read as one of another route is none: what that asks for would not be asked.
    fn check_ways(&self, route: &Route, path: &str) -> Result<(), Problem> {
        let Some(readings) = target::may_be_read_as(path) else { return Ok(()) };
        let leads_there =
            |read: &String| self.leading(read).is_some_and(|other| std::ptr::eq(other, route));
        if readings.iter().all(leads_there) { Ok(()) } else { Err(PATH_INVALID.problem()) }
    }

    /// The route that a path has, whatever the method.
    pub(super) fn leading(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.leads(path))
    }

    /// A line for the prefixes that are treated alike.
    pub(super) fn listing(&self) -> Vec<String> {
        let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for route in &self.routes {
            lines.entry(route.rule()).or_default().push(&route.prefix);
        }
        let line = |(rule, mut prefixes): (String, Vec<&str>)| {
            prefixes.sort_unstable();
            format!("{rule}: {}", prefixes.join(" "))
        };
        lines.into_iter().map(line).collect()
    }
}
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::super::route::FORM_BYTES;
    use super::*;
    use crate::config::{AddedRoute, Config, Overrides};

    const BOUNDS: Bounds = Bounds {
        body_bytes_max: 10,
        wait: Duration::from_secs(4),
        document_bytes_max: 1_000,
        transfer: Duration::from_secs(300),
    };

    fn behind(name: &str, service: Option<ServiceName>) -> Behind {
        let (bases, limits) = (Vec::new(), Default::default());
        Behind { name: name.into(), service, bases, limits, news: None }
    }

    /// With the services, and these routes.
    fn table_with(added: &[(&str, bool)]) -> Table {
        let config = Config::load(&Overrides::default(), std::iter::empty(), |_| Ok(()));
        let mut gateway = config.unwrap().0.gateway;
        let one = |(prefix, strip_prefix): &(&str, bool)| AddedRoute {
            prefix: (*prefix).to_owned(),
            strip_prefix: *strip_prefix,
            ..Route::settings_for_tests()
        };
        gateway.routes.0 = added.iter().map(one).collect();
        let services = ServiceName::domain().map(|name| behind(name.as_str(), Some(name)));
        let others = added.iter().map(|(prefix, _)| behind(prefix, None));
        Table::new(BOUNDS, &gateway, &services.chain(others).collect::<Vec<_>>())
    }

    fn table() -> Table {
        table_with(&[])
    }

    #[test]
    fn an_added_route_takes_every_method_and_passes_its_paths_unchanged() {
        let table = table_with(&[("/legacy", false), ("/cut", true), ("/api/users/old", true)]);
        let sent = |method: &str, uri: &'static str| {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let uri = Uri::from_static(uri);
            let route = table.find(&method, &uri).ok()?;
            Some((route.prefix.to_string(), route.to, route.target(&uri)))
        };
        for (method, uri, prefix, to, target) in [
            ("M-SEARCH", "/legacy", "/legacy", 8, "/legacy"),
            ("TRACE", "/legacy/a%2Fb//c?x=%20", "/legacy", 8, "/legacy/a%2Fb//c?x=%20"),
            ("GET", "/cut", "/cut", 9, "/"),
            ("GET", "/cut?a", "/cut", 9, "/?a"),
            ("GET", "/cut/a", "/cut", 9, "/a"),
            ("GET", "/api/users/old/x", "/api/users/old", 10, "/x"),
        ] {
            assert_eq!(
                sent(method, uri),
                Some((prefix.to_owned(), to, target.to_owned())),
                "{uri}"
            );
        }
        for uri in ["/legacy/../api/users", "/legacy/%2e%2e/x", "/legacy/a%2f..%2fb"] {
            assert_eq!(sent("GET", uri), None, "{uri}");
        }
        assert_eq!(sent("CONNECT", "/legacy"), None);
        let everything = table_with(&[("/", false)]);
        let uri = Uri::from_static("/x/y");
        let found = everything.find(&Method::GET, &uri).ok();
        assert_eq!(found.map(|route| (route.to, route.target(&uri))), Some((8, "/x/y".into())));
    }

    fn find(method: Method, uri: &'static str) -> Result<(ServiceName, String), (u16, String)> {
        let table = table();
        let uri = Uri::from_static(uri);
        let found = table.find(&method, &uri);
        found
            .map(|route| (route.service.unwrap(), route.target(&uri)))
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
        let table = table();
        let bounds = |method, uri| {
            let route = table.find(&method, &Uri::from_static(uri)).unwrap();
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
        let table = table();
        for service in ServiceName::domain() {
            assert!(table.routes.iter().any(|route| route.service == Some(service)), "{service}");
        }
        assert!(table.routes.iter().all(|route| !route.prefix.contains("internal")));
        let listing = table.listing();
        assert_eq!(listing.len(), 9, "one for each service, and one for the key set");
        assert!(listing[0].starts_with("analytics (GET, "), "{}", listing[0]);
        assert!(listing[0].ends_with(" 10 bytes): /api/analytics"), "{}", listing[0]);
    }
}
