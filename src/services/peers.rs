//! The other services, as one of them sees them.

use std::collections::BTreeMap;
use std::sync::Arc;

use busbar_http::client::Peer;

use crate::types::ServiceName;

/// A way to each of the eight services, in the name of the one that asks.
#[derive(Clone)]
pub struct Peers(Arc<BTreeMap<ServiceName, Peer>>);

impl Peers {
    /// `peer` is asked once for each service.
    pub fn new(peer: impl Fn(ServiceName) -> Peer) -> Peers {
        Peers(Arc::new(ServiceName::domain().map(|name| (name, peer(name))).collect()))
    }

    /// The way to each service.
    pub fn all(&self) -> impl Iterator<Item = (ServiceName, &Peer)> {
        self.0.iter().map(|(name, peer)| (*name, peer))
    }

    /// The way to a service; there is none to the gateway, which nobody calls from within.
    pub fn to(&self, service: ServiceName) -> Option<&Peer> {
        self.0.get(&service)
    }
}
