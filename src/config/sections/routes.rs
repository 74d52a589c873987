//! Routes of the gateway that a settings file adds: `[[gateway.routes]]`.
use std::fmt;
use std::str::FromStr;

use crate::config::reader::{Parsed, Reader, flag, list, number, some};

use super::place::Place;
use super::prefix::prefix;
use super::{HOUR_MS, YEAR_MS};

/// The key of the list.
const LIST: &str = "gateway.routes";
const BODY_BYTES_MAX: usize = 1 << 30;
/// The largest number of requests that a limit may allow, and the longest window, in seconds.
const RATE_REQUESTS_MAX: u32 = 1_000_000;
const RATE_SECONDS_MAX: u32 = 86_400;

/// What the gateway stands before besides its own services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddedRoutes(pub Vec<AddedRoute>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedRoute {
    /// What paths begin with, whole segments; `/` is every path.
    pub prefix: String,
    /// Its instances; at least one.
    pub upstreams: Vec<Place>,
    /// Whether the prefix is cut off before a path is sent on.
    pub strip_prefix: bool,
    pub methods: Methods,
    pub auth: Auth,
    pub cache: Caching,
    /// How long an answer stays fresh that says nothing about it itself; 0: it is not kept.
    pub default_ttl_ms: u64,
    /// One deadline for the whole of a request.
    pub timeout_ms: u64,
    pub body_bytes_max: usize,
    /// `None`: no limit.
    pub rate_limit: Option<Rate>,
    pub breaker: bool,
    pub retry: bool,
    pub compress: bool,
}

/// Which methods a route takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Methods {
    /// Whatever is a method.
    Any,
    /// In capitals.
    Listed(Vec<String>),
}

/// Whether a token is asked for before a request is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// None is looked at.
    None,
    /// One that is there must be good.
    Optional,
    Required,
}

/// Who shares the answers that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    Off,
    /// Everybody, by the rules of RFC 9111 for shared caches.
    Shared,
    /// Each person has answers of their own.
    Principal,
}

/// So many requests in so many seconds, written `100/60s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub requests: u32,
    pub seconds: u32,
}

impl AddedRoutes {
    pub(in crate::config) fn read(from: &mut Reader<'_>, list: &str) -> Self {
        let mut routes: Vec<AddedRoute> = Vec::new();
        for index in 0..from.tables(list) {
            let read = AddedRoute::read(from, &format!("{list}[{index}]"), &routes);
            routes.extend(read);
        }
        AddedRoutes(routes)
    }
}

impl AddedRoute {
    /// What may be said of one, in the order of the documentation.
    pub(in crate::config) const FIELDS: [&str; 13] = [
        "prefix",
        "upstreams",
        "strip_prefix",
        "methods",
        "auth",
        "cache",
        "default_ttl_ms",
        "timeout_ms",
        "body_bytes_max",
        "rate_limit",
        "breaker",
        "retry",
        "compress",
    ];

    /// `None` after a fault. All fields are read, so that all faults are found.
    fn read(from: &mut Reader<'_>, table: &str, before: &[AddedRoute]) -> Option<Self> {
        let table = table.to_owned();
        let is_taken = |prefix: &String| before.iter().any(|known| known.prefix == *prefix);
        let prefix = |text: &str| match prefix(text) {
            Ok(prefix) if is_taken(&prefix) => Err("a prefix that no other route has".to_owned()),
            read => read,
        };
        let prefix_read = from.read_of_list(&table, "prefix", None, prefix);
        let upstreams = from.read_of_list(&table, "upstreams", None, some(list(upstream)));
        let strip_prefix = from.read_of_list(&table, "strip_prefix", Some("false"), flag);
        let methods_read = from.read_of_list(&table, "methods", Some("*"), methods);
        let auth_read = from.read_of_list(&table, "auth", Some("none"), auth);
        let cache = from.read_of_list(&table, "cache", Some("off"), caching);
        let ttl = from.read_of_list(&table, "default_ttl_ms", Some("0"), number(0..=YEAR_MS));
        let timeout = from.read_of_list(&table, "timeout_ms", Some("15000"), number(1..=HOUR_MS));
        let body = number(0..=BODY_BYTES_MAX);
        let body = from.read_of_list(&table, "body_bytes_max", Some("10485760"), body);
        let rate_limit = from.read_of_list(&table, "rate_limit", Some("off"), rate);
        let breaker = from.read_of_list(&table, "breaker", Some("off"), switch);
        let retry = from.read_of_list(&table, "retry", Some("off"), switch);
        let compress = from.read_of_list(&table, "compress", Some("off"), switch);
        Some(AddedRoute {
            prefix: prefix_read?,
            upstreams: upstreams?,
            strip_prefix: strip_prefix?,
            methods: methods_read?,
            auth: auth_read?,
            cache: cache?,
            default_ttl_ms: ttl?,
            timeout_ms: timeout?,
            body_bytes_max: body?,
            rate_limit: rate_limit?,
            breaker: breaker?,
            retry: retry?,
            compress: compress?,
        })
    }
}

/// The field in a key such as `gateway.routes[0].prefix`.
pub(in crate::config) fn added_route_field(key: &str) -> Option<&str> {
    let (index, field) = key.strip_prefix(LIST)?.strip_prefix('[')?.split_once("].")?;
    index.parse::<usize>().ok().map(|_| field)
}

/// Instances: scheme, host, port and what is put before every path.
fn upstream(text: &str) -> Parsed<Place> {
    text.parse().map_err(|_| {
        "an address such as http://10.0.0.7:8000, or dns+http://legacy:8000 for every address of \
         that name, without credentials and query"
            .to_owned()
    })
}

fn methods(text: &str) -> Parsed<Methods> {
    if text == "*" {
        return Ok(Methods::Any);
    }
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
            && text != "CONNECT"
    };
    let named = |text: &str| match is_token(text) {
        true => Ok(text.to_owned()),
        false => Err("a method in capitals, not CONNECT".to_owned()),
    };
    some(list(named))(text)
        .map(Methods::Listed)
        .map_err(|_| "[\"*\"], or methods in capitals; never CONNECT".to_owned())
}

fn auth(text: &str) -> Parsed<Auth> {
    match text {
        "none" => Ok(Auth::None),
        "optional" => Ok(Auth::Optional),
        "required" => Ok(Auth::Required),
        _ => Err("none, optional or required".to_owned()),
    }
}

fn caching(text: &str) -> Parsed<Caching> {
    match text {
        "off" => Ok(Caching::Off),
        "shared" => Ok(Caching::Shared),
        "principal" => Ok(Caching::Principal),
        _ => Err("off, shared or principal".to_owned()),
    }
}

fn switch(text: &str) -> Parsed<bool> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off".to_owned()),
    }
}

/// A rate, or none.
pub(super) fn rate(text: &str) -> Parsed<Option<Rate>> {
    if matches!(text, "off" | "") {
        return Ok(None);
    }
    text.parse().map(Some)
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Parsed<Rate> {
        let parsed = text.split_once('/').and_then(|(requests, window)| {
            let requests = requests.parse().ok()?;
            let seconds = window.strip_suffix('s')?.parse().ok()?;
            Some(Rate { requests, seconds })
        });
        let within = |rate: &Rate| {
            (1..=RATE_REQUESTS_MAX).contains(&rate.requests)
                && (1..=RATE_SECONDS_MAX).contains(&rate.seconds)
        };
        parsed.filter(within).ok_or_else(|| {
            format!(
                "off, or requests and seconds such as 100/60s, up to {RATE_REQUESTS_MAX}/{RATE_SECONDS_MAX}s"
            )
        })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.requests, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_a_plain_path_and_leads_nowhere_inside() {
        for good in ["/", "/legacy", "/a/b-c.d~e", "/.well-known"] {
            assert_eq!(prefix(good), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "legacy",
            "/a/",
            "//a",
            "/a/../b",
            "/a b",
            "/a?b",
            "/%61",
            "/internal",
            "/internal/x",
        ] {
            assert!(prefix(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_and_methods_are_written_plainly() {
        assert_eq!(rate("100/60s"), Ok(Some(Rate { requests: 100, seconds: 60 })));
        assert_eq!((rate("off"), rate("")), (Ok(None), Ok(None)));
        for bad in ["100", "100/60", "0/60s", "100/0s", "1e3/1s", "100/60m"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        assert_eq!(methods("*"), Ok(Methods::Any));
        assert_eq!(methods("GET,M-SEARCH").map(|m| m == Methods::Any), Ok(false));
        assert!(methods("get").is_err() && methods("CONNECT").is_err() && methods("").is_err());
    }

    #[test]
    fn the_field_of_a_key_is_found() {
        assert_eq!(added_route_field("gateway.routes[12].prefix"), Some("prefix"));
        for other in ["gateway.routes", "gateway.routes[x].prefix", "gateway.max_sockets"] {
            assert_eq!(added_route_field(other), None);
        }
    }
}
