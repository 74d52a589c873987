//! Calls to addresses that others have chosen: each is judged before it is dialled, and the very
//! address that was judged is dialled. No redirects, no kept connections, everything bounded.
//!
//! `names` finds addresses, `dial` connects, `exchange` speaks. awc is not used here: it dials by
//! itself, and takes an interim answer for the final one.

mod dial;
mod exchange;
mod names;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_http::header::{HOST, HeaderMap, HeaderValue};
use actix_http::{ConnectionType, Method, RequestHead, ServiceConfig, StatusCode, h1::ClientCodec};
use bytes::Bytes;
use tokio::time::Instant;
use url::Url;

pub use self::dial::{Tls, TlsFault};
pub use self::names::Names;

use super::thread_codec;

/// Says whether an address may be called for a URL, and by a word why not.
pub type Judge = Arc<dyn Fn(&Url, IpAddr) -> Result<(), &'static str> + Send + Sync>;

/// The bounds of a call.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the name to the open connection.
    pub connect: Duration,
    /// All of it.
    pub total: Duration,
    /// What is read of an answer's body.
    pub body_bytes_max: usize,
}

/// One thread's way out. Make one on each thread.
pub struct Outside {
    tls: Tls,
    names: Names,
    judge: Judge,
    bounds: Bounds,
    codec: ServiceConfig,
}

/// What a call came to.
#[derive(Debug)]
pub struct Called {
    /// The address that was dialled last.
    pub dialled: Option<IpAddr>,
    pub outcome: Result<Reply, Failure>,
}

/// An answer with as much of its body as was asked for and came.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("the name has no address")]
    NameUnknown,
    #[error("the address {0} is not allowed ({1})")]
    Blocked(IpAddr, &'static str),
    #[error("no connection")]
    Unreachable,
    #[error("no connection in time")]
    ConnectTimeout,
    #[error("no encrypted connection")]
    Tls,
    #[error("no answer in time")]
    Timeout,
    #[error("the exchange broke")]
    Broken,
}

impl Outside {
    pub fn new(tls: Tls, names: Names, judge: Judge, bounds: Bounds) -> Outside {
        Outside { tls, names, judge, bounds, codec: thread_codec() }
    }

    /// One POST, from the name to the end of the answer.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Bytes) -> Called {
        let until = Instant::now() + self.bounds.total;
        let mut dialled = None;
        let outcome = async {
            let stream = tokio::time::timeout_at(until, self.open(url, &mut dialled)).await;
            let stream = stream.map_err(|_| Failure::Timeout)??;
            let head = head(url, headers).ok_or(Failure::Broken)?;
            let codec = ClientCodec::new(self.codec.clone());
            exchange::exchange(stream, codec, head, body, until, self.bounds.body_bytes_max).await
        };
        let outcome = outcome.await;
        Called { dialled, outcome }
    }

    /// A connection to the first address that takes one, once all of them are allowed.
    async fn open(
        &self,
        url: &Url,
        dialled: &mut Option<IpAddr>,
    ) -> Result<Box<dyn dial::Stream>, Failure> {
        let until = Instant::now() + self.bounds.connect;
        let connecting = async {
            let addresses = self.names.addresses(url).await.ok_or(Failure::NameUnknown)?;
            for address in &addresses {
                let judged = (self.judge)(url, *address);
                judged.map_err(|rule| Failure::Blocked(*address, rule))?;
            }
            dial::first(&addresses, url, until, dialled).await
        };
        let connected = tokio::time::timeout_at(until, connecting).await;
        let stream = connected.map_err(|_| Failure::ConnectTimeout)??;
        if url.scheme() == "https" {
            self.tls.over(stream, url).await
        } else {
            Ok(Box::new(stream))
        }
    }
}

/// The head of the one request of a connection.
fn head(url: &Url, mut headers: HeaderMap) -> Option<RequestHead> {
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str()?),
        None => url.host_str()?.to_owned(),
    };
    headers.insert(HOST, HeaderValue::from_str(&host).ok()?);
    let mut head = RequestHead::default();
    head.method = Method::POST;
    head.uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse().ok()?;
    head.headers = headers;
    head.set_connection_type(ConnectionType::Close);
    Some(head)
}
