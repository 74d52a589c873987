//! A client with the lane below it, and what its answers were.

pub(crate) mod upstream;

use std::{
    fmt::Debug,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_http::body::None as NoBody;
use awc::{ClientResponse, error::SendRequestError, http::Method};
use busbar_http::{
    client::{Upstream, thread_codec},
    lane::{Failure, Instance, Limits},
};
use futures_util::StreamExt;

pub(crate) use self::upstream::{Connection, Script};

/// No wait of a test is longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bounds that no test meets by accident.
pub(crate) fn limits() -> Limits {
    Limits {
        head_timeout: Some(PATIENCE),
        idle_for: Duration::from_secs(60),
        connect_timeout: PATIENCE,
        wait: PATIENCE,
        ..Limits::default()
    }
}

/// One thread's client for a scripted upstream.
pub(crate) struct Caller {
    pub(crate) upstream: Upstream,
}

/// What a client saw: status and body, or what kind of failure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Whole(u16, String),
    /// The head came, the body broke.
    Cut(u16),
    Failed(Failure),
}

impl Outcome {
    pub(crate) fn ok(body: &str) -> Outcome {
        Outcome::Whole(200, body.to_owned())
    }

    /// Nobody can take it for a whole answer.
    pub(crate) fn is_failure(&self) -> bool {
        !matches!(self, Outcome::Whole(..))
    }
}

impl Caller {
    pub(crate) fn new(script: &Script) -> Caller {
        Caller::with(script, limits())
    }

    pub(crate) fn with(script: &Script, limits: Limits) -> Caller {
        Caller::on(Instance::new(script.base(), limits))
    }

    pub(crate) fn on(instance: Arc<Instance>) -> Caller {
        Caller { upstream: Upstream::open(instance, &thread_codec()) }
    }

    pub(crate) fn instance(&self) -> &Instance {
        self.upstream.instance()
    }

    pub(crate) async fn get(&self, path: &str) -> Outcome {
        self.bodiless(Method::GET, path).await
    }

    pub(crate) async fn bodiless(&self, method: Method, path: &str) -> Outcome {
        let request = self.upstream.request(method, path).unwrap();
        read(request.send_body(NoBody::new()).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: &'static str) -> Outcome {
        let request = self.upstream.request(Method::POST, path).unwrap();
        read(request.send_body(body).await).await
    }
}

pub(crate) async fn read(answer: Result<ClientResponse, SendRequestError>) -> Outcome {
    let mut answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Outcome::Failed(Failure::of(&error)),
    };
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = answer.next().await {
        match piece {
            Ok(piece) => body.extend_from_slice(&piece),
            Err(_) => return Outcome::Cut(status),
        }
    }
    Outcome::Whole(status, String::from_utf8(body).unwrap())
}

/// Waits until a look shows what is expected; fails with what it showed last.
pub(crate) async fn eventually<T: PartialEq + Debug>(expected: T, look: impl Fn() -> T) {
    let start = Instant::now();
    while look() != expected {
        assert!(start.elapsed() < PATIENCE, "expected {expected:?}, found {:?}", look());
        actix_rt::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Fails rather than hangs.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    actix_rt::time::timeout(PATIENCE, future).await.expect("in time")
}

/// The reactor takes note of all that lies in the sockets by now: a parked thread polls it.
pub(crate) async fn turn_of_the_reactor() {
    actix_rt::time::sleep(Duration::from_millis(1)).await;
}
