//! One line of the route table: what it takes, where it leads, what is done besides.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, Uri};
use busbar_http::Deadline;

use crate::config::{AddedRoute, Auth, Caching, Gateway, Methods, Rate};
use crate::types::ServiceName::{self, Documents};

/// Cut off before a path is sent on.
const API: &str = "/api";

/// What services take.
pub(super) const METHODS: [Method; 7] = [
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

/// What is the same for everybody: there an answer may be kept for a while that says nothing about it.
const PUBLIC: [&str; 5] = [
    "/api/utilities",
    "/api/providers",
    "/api/tariffs",
    "/api/calendars",
    "/.well-known/jwks.json",
];

/// Where the paths of files end.
const CONTENT: &str = "/content";

/// Where sessions begin and go on.
const LOGINS: &str = "/api/auth";

/// What a form has around a document, in bytes.
pub(super) const FORM_BYTES: usize = 64 * 1024;
/// The part of a request's time that an instance must have had to be blamed for silence.
const TIME_OWED: f64 = 0.9;

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
    pub(super) prefix: Arc<str>,
    /// The place of its destination among the gateway's.
    pub(super) to: usize,
    /// `None`: it was added by the settings.
    pub(super) service: Option<ServiceName>,
    methods: Taken,
    /// The largest body that is passed on; 0: none is.
    pub(super) body_bytes_max: usize,
    pub(super) rules: Rules,
    /// The whole of a request with its bodies.
    wait: Duration,
    /// The same where a whole file goes one way or the other.
    transfer: Duration,
    /// What is cut off before the path is sent on.
    cut: Arc<str>,
    /// The methods that are known to be taken.
    pub(super) allow: HeaderValue,
}

/// What is done for the requests of a route besides sending them on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    pub(super) auth: Auth,
    pub(super) cache: Caching,
    /// Freshness of an answer that says nothing about it itself.
    pub(super) default_ttl: Duration,
    pub(super) rate: Option<Rate>,
    pub(super) breaker: bool,
    pub(super) retry: bool,
    pub(super) compress: bool,
}

/// The methods that a route takes.
#[derive(Clone, Debug, PartialEq)]
enum Taken {
    Any,
    These(Vec<Method>),
}

/// Before one of the eight.
pub(super) fn served_route(
    service: ServiceName,
    to: usize,
    prefix: &str,
    bounds: Bounds,
    settings: &Gateway,
) -> Route {
    let Bounds { body_bytes_max, wait, document_bytes_max, transfer } = bounds;
    let documents_max = usize::try_from(document_bytes_max).unwrap_or(usize::MAX);
    let is_documents = service == Documents;
    let largest = body_bytes_max.max(documents_max.saturating_add(FORM_BYTES));
    Route {
        prefix: prefix.into(),
        to,
        service: Some(service),
        methods: Taken::These(METHODS.to_vec()),
        body_bytes_max: if is_documents { largest } else { body_bytes_max },
        rules: Rules {
            // Who logs in or asks for a new token may still show an old one. The users service looks
            // up the session itself where one is needed.
            auth: if prefix == LOGINS { Auth::None } else { Auth::Optional },
            cache: Caching::Shared,
            default_ttl: if PUBLIC.contains(&prefix) {
                Duration::from_millis(settings.cache_ttl_ms)
            } else {
                Duration::ZERO
            },
            rate: settings.rate_limit,
            breaker: true,
            retry: true,
            compress: true,
        },
        wait,
        transfer: if is_documents { wait.max(transfer) } else { wait },
        cut: API.into(),
        allow: allow(&METHODS),
    }
}

/// Before what the settings name.
pub(super) fn added_route(added: &AddedRoute, to: usize) -> Route {
    let (methods, allow) = match &added.methods {
        Methods::Any => (Taken::Any, allow(&[&METHODS[..], &[Method::TRACE]].concat())),
        Methods::Listed(names) => {
            let named = |name: &String| Method::from_bytes(name.as_bytes()).ok();
            let methods: Vec<Method> = names.iter().filter_map(named).collect();
            let allow = allow(&methods);
            (Taken::These(methods), allow)
        }
    };
    let timeout = Duration::from_millis(added.timeout_ms);
    Route {
        prefix: added.prefix.as_str().into(),
        to,
        service: None,
        methods,
        body_bytes_max: added.body_bytes_max,
        rules: Rules {
            auth: added.auth,
            cache: added.cache,
            default_ttl: Duration::from_millis(added.default_ttl_ms),
            rate: added.rate_limit,
            breaker: added.breaker,
            retry: added.retry,
            compress: added.compress,
        },
        wait: timeout,
        transfer: timeout,
        cut: if added.strip_prefix { added.prefix.trim_end_matches('/').into() } else { "".into() },
        allow,
    }
}

impl Taken {
    fn take(&self, method: &Method) -> bool {
        match self {
            Taken::Any => *method != Method::CONNECT,
            Taken::These(methods) => methods.contains(method),
        }
    }
}

impl Route {
    /// Only reads, and takes no body.
    pub(super) fn reads_only(mut self) -> Route {
        self.methods = Taken::These(READING.to_vec());
        self.allow = allow(&READING);
        self.body_bytes_max = 0;
        self.rules.auth = Auth::None;
        self.cut = "".into();
        self
    }

    /// Also methods that have no name here.
    pub(super) fn takes_any(&self) -> bool {
        self.methods == Taken::Any
    }

    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.take(method)
    }

    /// The path with query that is sent on.
    pub(super) fn target(&self, uri: &Uri) -> String {
        let whole = uri.path_and_query().map_or(uri.path(), |whole| whole.as_str());
        let rest = whole.strip_prefix(&*self.cut).unwrap_or(whole);
        if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") }
    }

    pub(super) fn leads(&self, path: &str) -> bool {
        let rest = path.strip_prefix(&*self.prefix);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || *self.prefix == *"/")
    }

    /// How long a request may take: files that are sent or fetched have longer.
    pub(super) fn wait(&self, method: &Method, path: &str) -> Duration {
        let is_sent = *method == Method::POST && path == &*self.prefix;
        let is_fetched = *method == Method::GET && path.ends_with(CONTENT);
        if is_sent || is_fetched { self.transfer } else { self.wait }
    }

    /// Whether a good part of a request's time is gone: what is left is not what an instance may take.
    pub(super) fn is_late(&self, deadline: Deadline) -> bool {
        deadline.left() < self.wait.mul_f64(TIME_OWED)
    }

    pub(super) fn rule(&self) -> String {
        let methods = self.allow.to_str().unwrap_or_default();
        let bytes = self.body_bytes_max;
        match self.service {
            Some(service) => format!("{service} ({methods}; bodies up to {bytes} bytes)"),
            None => format!("an added route ({methods}; bodies up to {bytes} bytes)"),
        }
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Route {
        added_route(&Route::settings_for_tests(), 0)
    }

    #[cfg(test)]
    pub(super) fn settings_for_tests() -> AddedRoute {
        AddedRoute {
            prefix: "/added".to_owned(),
            upstreams: Vec::new(),
            strip_prefix: false,
            methods: Methods::Any,
            auth: Auth::None,
            cache: Caching::Off,
            default_ttl_ms: 0,
            timeout_ms: 1_000,
            body_bytes_max: 10,
            rate_limit: None,
            breaker: false,
            retry: true,
            compress: false,
        }
    }
}

pub(super) fn allow(methods: &[Method]) -> HeaderValue {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    HeaderValue::from_str(&names.join(", ")).unwrap_or(HeaderValue::from_static(""))
}
