//! How a batch gets to its listener: by HTTP, in one process as in nine containers.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use awc::http::header::{HeaderMap, HeaderValue};
use busbar_http::Deadline;
use busbar_http::client::{Peer, PeerError, Reply};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;

use crate::types::ServiceName;

use super::inbox::{Item, Received};

/// Where every service hears others.
pub const PATH: &str = "/internal/events";
const BATCH: HeaderValue = HeaderValue::from_static("application/cloudevents-batch+json");

/// Why a batch was not answered with results.
#[derive(Debug, Clone, PartialEq)]
pub enum Undelivered {
    /// No answer, or none that says what became of the events.
    Unreachable(String),
    /// Another status than success.
    Status { status: u16, code: String },
}

/// Carries a batch, a JSON array of envelopes, to a listener and brings its results back.
pub type Carry =
    Rc<dyn Fn(ServiceName, String) -> LocalBoxFuture<'static, Result<Vec<Item>, Undelivered>>>;

/// Carries by HTTP; `request_max` is for the whole exchange.
pub fn by_peers(peers: HashMap<ServiceName, Peer>, request_max: Duration) -> Carry {
    Rc::new(move |listener, batch| {
        let peer = peers.get(&listener).cloned();
        async move {
            let no_address = || Undelivered::Unreachable("it has no address".to_owned());
            let peer = peer.ok_or_else(no_address)?;
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, BATCH);
            let deadline = Deadline::after(request_max);
            let reply = peer.raw(Method::POST, PATH, &headers, Some(batch.into()), deadline);
            results(reply.await)
        }
        .boxed_local()
    })
}

fn results(reply: Result<Reply, PeerError>) -> Result<Vec<Item>, Undelivered> {
    let unreachable = |error: String| Undelivered::Unreachable(error);
    let Reply { status, body, .. } = reply.map_err(|error| unreachable(error.to_string()))?;
    if status.is_success() {
        let received = serde_json::from_slice::<Received>(&body);
        return Ok(received.map_err(|error| unreachable(error.to_string()))?.results);
    }
    #[derive(Deserialize)]
    struct Coded {
        code: String,
    }
    let code = serde_json::from_slice(&body).map_or_else(|_| "no_code".into(), |c: Coded| c.code);
    Err(Undelivered::Status { status: status.as_u16(), code })
}
