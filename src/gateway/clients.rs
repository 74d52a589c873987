//! One thread's clients for the instances of the gateway's destinations, opened when they are needed.

use std::rc::Rc;
use std::sync::{Arc, Weak};

use busbar_http::client::{ServiceConfig, Upstream, thread_codec};

use super::Gateway;
use super::destination::Destination;

/// See the module. Neither shared nor sent.
pub(super) struct Clients {
    gateway: Arc<Gateway>,
    codec: ServiceConfig,
    known: Vec<Known>,
}

/// The clients for one destination, in the order of its instances. As long as it is held, no other
/// destination has its place in memory.
struct Known {
    destination: Weak<Destination>,
    upstreams: Rc<[Upstream]>,
}

impl Clients {
    /// To be called on the thread that uses them.
    pub(super) fn new(gateway: Arc<Gateway>) -> Clients {
        Clients { gateway, codec: thread_codec(), known: Vec::new() }
    }

    pub(super) fn of(&mut self, destination: &Arc<Destination>) -> Rc<[Upstream]> {
        let place = Arc::as_ptr(destination);
        let known = self.known.iter().find(|known| known.destination.as_ptr() == place);
        match known {
            Some(known) => known.upstreams.clone(),
            None => self.open(destination),
        }
    }

    /// An instance that another destination had before it keeps its client, and so its connections.
    fn open(&mut self, destination: &Arc<Destination>) -> Rc<[Upstream]> {
        let open = |instance| {
            let mut earlier = self.known.iter().flat_map(|known| known.upstreams.iter());
            let same = earlier.find(|upstream| Arc::ptr_eq(upstream.instance(), instance));
            same.cloned().unwrap_or_else(|| Upstream::open(Arc::clone(instance), &self.codec))
        };
        let upstreams: Rc<[Upstream]> = destination.instances.iter().map(open).collect();
        let live = self.gateway.now();
        let is_taken_over =
            |upstream: &Upstream| upstreams.iter().any(|new| is_same(new, upstream));
        let is_live = |upstream: &Upstream| {
            let mut instances = live.destinations.iter().flat_map(|known| &known.instances);
            instances.any(|instance| Arc::ptr_eq(instance, upstream.instance()))
        };
        self.known.retain(|known| {
            let is_wanted = |upstream: &Upstream| is_live(upstream) && !is_taken_over(upstream);
            known.destination.strong_count() > 0 || known.upstreams.iter().any(is_wanted)
        });
        let destination = Arc::downgrade(destination);
        self.known.push(Known { destination, upstreams: upstreams.clone() });
        upstreams
    }
}

fn is_same(one: &Upstream, other: &Upstream) -> bool {
    Arc::ptr_eq(one.instance(), other.instance())
}
