//! A route table that is its own documentation: each line registers an endpoint with actix-web and
//! with the OpenAPI document.
//!
//! ```text
//! Routes::new()
//!     .post("/bills", about("Draft a bill").staff().takes::<NewBill>().creates::<BillView>(), handlers::create)
//!     .get("/bills/{id}", about("Show a bill").gives::<BillView>(), handlers::show)
//! ```

mod about;
mod description;
mod example;

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::{Any, Get, GuardContext, Head, fn_guard};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, Responder, Route, web};

use crate::guard::guard;
use crate::problem::{Problem, kinds};

pub use self::about::{About, about};

struct Entry {
    method: Method,
    route: Route,
    about: About,
}

/// The routes of one server, in the order in which they are tried.
#[derive(Default)]
pub struct Routes {
    resources: Vec<(&'static str, Vec<Entry>)>,
}

macro_rules! methods {
    ($($name:ident $method:ident),+) => { $(
        pub fn $name<F, A>(self, path: &'static str, about: About, handler: F) -> Routes
        where
            F: Handler<A>,
            A: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            self.add(path, Method::$method, web::method(Method::$method).to(handler), about)
        }
    )+ };
}

impl Routes {
    pub fn new() -> Routes {
        Routes::default()
    }

    methods! { post POST, put PUT, patch PATCH, delete DELETE }

    /// GET, and HEAD by the same handler (RFC 9110 section 9.3.2).
    pub fn get<F, A>(self, path: &'static str, about: About, handler: F) -> Routes
    where
        F: Handler<A>,
        A: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = web::route().guard(Any(Get()).or(Head())).to(handler);
        self.add(path, Method::GET, route, about)
    }

    fn add(mut self, path: &'static str, method: Method, route: Route, about: About) -> Routes {
        let entry = Entry { method, route, about };
        match self.resources.iter_mut().find(|(known, _)| *known == path) {
            Some((_, entries)) => entries.push(entry),
            None => self.resources.push((path, vec![entry])),
        }
        self
    }

    /// The routes of another table after these.
    pub fn and(mut self, other: Routes) -> Routes {
        for (path, entries) in other.resources {
            for Entry { method, route, about } in entries {
                self = self.add(path, method, route, about);
            }
        }
        self
    }

    /// Registers each path as one resource; another method is 405 with `Allow`.
    pub fn register(self, config: &mut web::ServiceConfig) {
        for (path, entries) in self.resources {
            // A whole rest of a path is a regular expression, which a proxy's every request would
            // be held against. A scope compares what stands before it, and goes first.
            match path.rsplit_once('/') {
                Some((prefix, rest)) if rest.ends_with(":.*}") && !prefix.contains('{') => {
                    let rest = resource(&path[prefix.len()..], entries);
                    config.service(web::scope(prefix).service(rest));
                }
                _ => {
                    config.service(resource(path, entries));
                }
            }
        }
    }

    /// The same, so that a request for none of them, as nearly all to a proxy are, is told by a look
    /// at their texts and held against no pattern. Where a path has a variable part, it is its rest.
    pub fn register_apart(self, config: &mut web::ServiceConfig) {
        let text = |path: &'static str| match path.split_once('{') {
            Some((start, _)) => (start, true),
            None => (path, false),
        };
        let texts: Vec<_> = self.resources.iter().map(|(path, _)| text(path)).collect();
        let may_be_here = move |context: &GuardContext<'_>| {
            let path = context.head().uri.path();
            let is_here = |(text, has_rest): &(&str, bool)| match has_rest {
                true => path.starts_with(text),
                false => path == *text,
            };
            texts.iter().any(is_here)
        };
        let all = web::scope("").guard(fn_guard(may_be_here));
        config.service(all.configure(|config| self.register(config)));
    }

    /// The endpoints whose example of a body is not one that they take, and why.
    pub fn misleading_examples(&self) -> Vec<String> {
        let schemas = self.document("", "")["components"]["schemas"].clone();
        let schemas = schemas.as_object().cloned().unwrap_or_default();
        let misleads = |path: &str, entry: &Entry| {
            let shape = entry.about.takes.as_ref()?;
            let body = example::example(schemas.get(&shape.name)?, &schemas);
            let fault = (shape.take)(body.clone()).err()?;
            Some(format!("{} {path}: {fault}: {body}", entry.method))
        };
        let lines = self.resources.iter().flat_map(|(path, entries)| {
            entries.iter().filter_map(move |entry| misleads(path, entry))
        });
        lines.collect()
    }

    /// `METHOD path` of each endpoint, in order.
    pub fn listing(&self) -> Vec<String> {
        let lines = |(path, entries): &(&'static str, Vec<Entry>)| {
            entries.iter().map(|entry| format!("{} {path}", entry.method)).collect::<Vec<_>>()
        };
        self.resources.iter().flat_map(lines).collect()
    }
}

fn resource(path: &str, entries: Vec<Entry>) -> impl HttpServiceFactory + 'static {
    let allow = allow(&entries);
    let mut resource = web::resource(path);
    for entry in entries {
        resource = resource.route(entry.route);
    }
    let refuse = web::to(move || {
        let allow = allow.clone();
        async move { Err::<&str, _>(not_allowed(&allow)) }
    });
    resource.default_service(refuse).wrap(from_fn(guard))
}

fn allow(entries: &[Entry]) -> HeaderValue {
    let mut methods: Vec<&str> = entries.iter().map(|entry| entry.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

fn not_allowed(allow: &HeaderValue) -> Problem {
    kinds::METHOD_NOT_ALLOWED.problem().header(ALLOW, allow.clone())
}

/// What is answered where no route matches.
pub(crate) async fn not_found() -> Result<&'static str, Problem> {
    Err(kinds::NOT_FOUND.problem())
}
