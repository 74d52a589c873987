//! How one service calls another: JSON over kept connections, a service token, one deadline.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use actix_http::{
    body::None as NoBody,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use awc::{
    ClientResponse,
    http::{Method, StatusCode},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::timeout_at;

use super::instances::{Following, Instances};
use super::{PeerError, Upstream, local};
use crate::caller::ServiceKey;
use crate::deadline::{self, Deadline};
use crate::lane::{Base, Counts, Failure, Instance, Limits};
use crate::problem::Problem;

/// An answer of another service that is longer than this is not read to its end.
pub const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// Makes the `Authorization` value of each call.
pub type Authorization = Arc<dyn Fn() -> Result<String, Problem> + Send + Sync>;

/// Calls in the name of `service`, with a service token made for each.
pub fn in_name_of(service: &'static str, key: Arc<ServiceKey>) -> Authorization {
    Arc::new(move || Ok(format!("Bearer {}", key.issue(service)?)))
}

/// Another service, wherever its instances are. Cheap to clone; may be held by any thread, and
/// keeps connections on each thread that calls through it.
#[derive(Clone)]
pub struct Peer {
    shared: Arc<Shared>,
}

struct Shared {
    id: u64,
    name: &'static str,
    instances: Instances,
    /// Which instance is asked first; moves with each call.
    next: AtomicUsize,
    authorization: Authorization,
    /// Held by threads that keep connections for this peer: to see when it is gone.
    alive: Arc<()>,
}

/// A whole answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What is sent, to whichever instance.
struct Call {
    method: Method,
    headers: HeaderMap,
    body: Option<Bytes>,
    deadline: Deadline,
}

impl Peer {
    /// `bases` are the service's instances; at least one. `limits` hold for each of them.
    pub fn new(
        name: &'static str,
        bases: Vec<Base>,
        limits: &Limits,
        authorization: Authorization,
    ) -> Peer {
        let instances = bases.into_iter().map(|base| Instance::new(base, limits.clone()));
        Peer::of(name, instances.collect(), authorization)
    }

    /// As `new`, with instances that are shared with others or follow an epoch.
    pub fn of(
        name: &'static str,
        instances: Vec<Arc<Instance>>,
        authorization: Authorization,
    ) -> Peer {
        Peer::made(name, Instances::fixed(instances), authorization)
    }

    /// As `of`, with instances that come and go; there may be none for a while.
    pub fn following(
        name: &'static str,
        following: Following,
        authorization: Authorization,
    ) -> Peer {
        Peer::made(name, Instances::following(following), authorization)
    }

    fn made(name: &'static str, instances: Instances, authorization: Authorization) -> Peer {
        static PEERS: AtomicU64 = AtomicU64::new(0);
        let id = PEERS.fetch_add(1, Relaxed);
        let next = AtomicUsize::new(0);
        let alive = Arc::default();
        Peer { shared: Arc::new(Shared { id, name, instances, next, authorization, alive }) }
    }

    pub fn name(&self) -> &'static str {
        self.shared.name
    }

    /// The counters of each instance.
    pub fn counts(&self) -> Vec<(Base, Counts)> {
        let instances = self.shared.instances.now();
        instances.iter().map(|instance| (instance.base().clone(), instance.counts())).collect()
    }

    /// `headers` go with the call: see [`crate::headers::traced`].
    ///
    /// # Errors
    /// [`PeerError`]; every status but success is one.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<T, PeerError> {
        let reply = self.raw(Method::GET, path, headers, None, deadline).await?;
        self.read(reply)
    }

    /// # Errors
    /// [`PeerError`]; every status but success is one.
    pub async fn post_json<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
        headers: &HeaderMap,
        deadline: Deadline,
    ) -> Result<T, PeerError> {
        let body = serde_json::to_vec(body).map_err(|error| self.unusable(&error))?;
        let reply = self.raw(Method::POST, path, headers, Some(body.into()), deadline).await?;
        self.read(reply)
    }

    /// One exchange, answer included, until `deadline`. Instances are asked in turn for as long as
    /// nothing was sent. A body is JSON unless `headers` say otherwise.
    ///
    /// # Errors
    /// [`PeerError`], but never `Status`: every answer is a [`Reply`].
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        headers: &HeaderMap,
        body: Option<Bytes>,
        deadline: Deadline,
    ) -> Result<Reply, PeerError> {
        let headers = self.complete(headers.clone(), body.is_some())?;
        let call = Call { method, headers, body, deadline };
        match timeout_at(deadline.at().into(), self.ask_in_turn(path, &call)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(PeerError::Timeout { peer: self.shared.name }),
        }
    }

    fn complete(&self, mut headers: HeaderMap, has_body: bool) -> Result<HeaderMap, PeerError> {
        let token = (self.shared.authorization)().map_err(|problem| self.unreachable(problem))?;
        let token = HeaderValue::try_from(token).map_err(|error| self.unreachable(error))?;
        headers.insert(AUTHORIZATION, token);
        let json = HeaderValue::from_static("application/json");
        if !headers.contains_key(ACCEPT) {
            headers.insert(ACCEPT, json.clone());
        }
        if has_body && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, json);
        }
        Ok(headers)
    }

    async fn ask_in_turn(&self, path: &str, call: &Call) -> Result<Reply, PeerError> {
        let shared = &self.shared;
        let upstreams = local::upstreams(shared.id, &shared.alive, &shared.instances.now());
        let first = shared.next.fetch_add(1, Relaxed);
        let mut outcome = Err(self.unreachable("it has no instances"));
        for turn in 0..upstreams.len() {
            let upstream = &upstreams[first.wrapping_add(turn) % upstreams.len()];
            outcome = self.ask(upstream, path, call).await;
            if !matches!(outcome, Err(PeerError::Unreachable { .. })) {
                break;
            }
        }
        outcome
    }

    async fn ask(&self, upstream: &Upstream, path: &str, call: &Call) -> Result<Reply, PeerError> {
        let request = upstream.request(call.method.clone(), path);
        let time_left = call.deadline.left();
        let mut request = request.map_err(|error| self.unreachable(error))?.timeout(time_left);
        *request.headers_mut() = call.headers.clone();
        let time_left_ms = HeaderValue::from(time_left.as_millis() as u64);
        request.headers_mut().insert(deadline::HEADER, time_left_ms);
        let sent = match &call.body {
            None => request.send_body(NoBody::new()),
            Some(body) => request.send_body(body.clone()),
        };
        let answered = async {
            match sent.await {
                Ok(answer) => self.collect(answer).await,
                Err(error) => Err(match Failure::of(&error) {
                    failure if failure.nothing_was_sent() => self.unreachable(error),
                    Failure::Timeout => PeerError::Timeout { peer: self.shared.name },
                    _ => self.broken(error),
                }),
            }
        };
        tokio::select! {
            biased;
            outcome = answered => outcome,
            () = upstream.instance().cut() => Err(self.broken("its incarnation hangs")),
        }
    }

    async fn collect(&self, mut answer: ClientResponse) -> Result<Reply, PeerError> {
        let mut body = BytesMut::new();
        while let Some(piece) = answer.next().await {
            let piece = piece.map_err(|error| self.broken(error))?;
            if body.len() + piece.len() > REPLY_BYTES_MAX {
                return Err(self.unusable(&format_args!("longer than {REPLY_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        let headers = answer.headers().clone();
        Ok(Reply { status: answer.status(), headers, body: body.freeze() })
    }

    fn read<T: DeserializeOwned>(&self, reply: Reply) -> Result<T, PeerError> {
        let Reply { status, body, .. } = reply;
        if !status.is_success() {
            return Err(PeerError::of_status(self.shared.name, status, body));
        }
        serde_json::from_slice(&body).map_err(|error| self.unusable(&error))
    }

    fn unreachable(&self, reason: impl fmt::Display) -> PeerError {
        PeerError::Unreachable { peer: self.shared.name, reason: reason.to_string() }
    }

    fn broken(&self, reason: impl fmt::Display) -> PeerError {
        PeerError::Broken { peer: self.shared.name, reason: reason.to_string() }
    }

    fn unusable(&self, reason: &impl fmt::Display) -> PeerError {
        PeerError::Body { peer: self.shared.name, reason: reason.to_string() }
    }
}
