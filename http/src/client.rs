//! awc as it is configured here: no redirects, no decompression, no fields of its own, and the
//! [lane](crate::lane) below it.

mod error;
mod instances;
mod local;
pub mod outside;
mod peer;

use std::{sync::Arc, time::Duration};

use actix_http::KeepAlive;
pub use actix_http::ServiceConfig;
use awc::{Client, ClientRequest, http::Method};

pub use self::{
    error::PeerError,
    instances::Following,
    peer::{Authorization, Peer, REPLY_BYTES_MAX, Reply, in_name_of},
};
use crate::lane::{BaseError, Instance, Lane};

/// One thread's client for one upstream instance. Neither shared nor sent: make one on each thread.
/// Copies have the same connections.
#[derive(Clone)]
pub struct Upstream {
    instance: Arc<Instance>,
    client: Client,
    lane: Lane,
}

impl Upstream {
    /// Must run on the thread that uses it. `codec` is shared by all upstreams of the thread: see
    /// [`thread_codec`].
    pub fn open(instance: Arc<Instance>, codec: &ServiceConfig) -> Upstream {
        let lane = Lane::new(instance.clone(), codec.clone());
        let client = Client::builder().disable_redirects().no_default_headers();
        let client = match instance.limits().head_timeout {
            Some(timeout) => client.timeout(timeout),
            None => client.disable_timeout(),
        };
        let client = client.wrap(lane.clone()).finish();
        Upstream { instance, client, lane }
    }

    /// A request to a path (with its query) of this instance. awc limits the time to the answer's
    /// head; the deadline over the whole exchange is the caller's.
    ///
    /// # Errors
    /// When the path is not valid.
    pub fn request(
        &self,
        method: Method,
        path_and_query: &str,
    ) -> Result<ClientRequest, BaseError> {
        let uri = self.instance.uri(path_and_query)?;
        Ok(self.client.request(method, uri).no_decompress())
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    pub fn instance(&self) -> &Arc<Instance> {
        &self.instance
    }

    /// Closes this thread's idle connections.
    pub fn clear_idle(&self) {
        self.lane.clear_idle();
    }
}

/// What all codecs of a thread share. Each one made runs a timer, so make one for each thread.
pub fn thread_codec() -> ServiceConfig {
    ServiceConfig::new(KeepAlive::Os, Duration::ZERO, Duration::ZERO, false, None)
}
