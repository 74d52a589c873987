//! The lane: kept upstream connections below `awc::Client`.
//!
//! awc as it comes takes interim answers for final ones, takes bodies without a length for empty,
//! retries nothing and bounds neither its waiting line nor its idle connections. [`Lane`] is a
//! transform on awc's own extension point that answers plain `http` requests to one upstream
//! instance on connections it keeps itself. Everything else passes on to awc's own connector.
//!
//! Read in this order: [`Instance`] is what all threads share (bounds, counters), `pool` keeps one
//! thread's connections, `exchange` is the road of one request, `converse` speaks on the wire,
//! `upload` sends a request's body, `codec` reads heads and bodies, `framing` decides where an answer
//! ends (RFC 9112, section 6.3), `body` hands it out, `switched` is a connection that has left HTTP
//! (RFC 9110, section 7.8).
//!
//! Closing is dropping: every early exit (error, timeout, client gone, answer dropped) drops the
//! connection and its permits. There is no code path for it.
//!
//! Interim answers go to whoever asked with [`with_interim`]. What the lane does not do: trailers
//! are not passed on, TLS and HTTP/2 upstreams are not served.

mod body;
mod codec;
mod converse;
mod exchange;
mod failure;
pub(crate) mod framing;
mod instance;
mod interim;
mod pool;
mod switched;
mod transform;
mod upload;
mod url;
mod wire;

use std::time::Duration;

pub use self::{
    failure::{Busy, Failure},
    instance::{Counts, Instance},
    interim::with_interim,
    switched::{Held, Switched},
    transform::Lane,
    url::{Base, BaseError},
};

/// What one upstream instance may cost. All threads of the process share these bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open sockets, and so exchanges under way. At least one.
    pub busy_max: usize,
    /// Sockets kept open without a request. 0: no connection is used twice.
    pub idle_max: usize,
    /// Requests that may wait for one of `busy_max`; further ones fail with [`Busy`] at once.
    pub waiting_max: usize,
    /// How long a request waits for one of `busy_max`.
    pub wait: Duration,
    /// How long a TCP handshake (and a name look-up) may take.
    pub connect_timeout: Duration,
    /// A connection older than this without a request is closed. Keep it below the upstream's own
    /// limit, so that this side closes first.
    pub idle_for: Duration,
    /// Silence after which TCP keep-alive probes begin; the kernel counts in seconds.
    pub keep_alive_probe: Duration,
    /// From the call to the answer's head, the waiting line included. `None`: who calls ends it.
    pub head_timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            busy_max: 2048,
            idle_max: 256,
            waiting_max: 1024,
            wait: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            idle_for: Duration::from_secs(5),
            keep_alive_probe: Duration::from_secs(5),
            head_timeout: Some(Duration::from_secs(4)),
        }
    }
}
