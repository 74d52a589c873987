//! The clients that a thread keeps for the peers it calls.
//!
//! awc's clients belong to one thread, a `Peer` to all: so each thread makes its own at the first
//! call and keeps them for as long as the peer and the thread's `System` live.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::{Arc, Weak},
};

use actix_http::ServiceConfig;
use actix_rt::System;

use super::{Upstream, thread_codec};
use crate::lane::Instance;

thread_local! {
    static LOCAL: RefCell<Option<Local>> = const { RefCell::new(None) };
}

struct Local {
    /// Sockets and timers of a `System` that has ended are of no use to the next on this thread.
    system: Option<usize>,
    codec: ServiceConfig,
    peers: HashMap<u64, Kept>,
}

struct Kept {
    peer: Weak<()>,
    /// What `upstreams` are the clients of.
    instances: Arc<[Arc<Instance>]>,
    upstreams: Rc<[Upstream]>,
}

/// This thread's clients for a peer, which has these instances now. Must be called where
/// `actix_rt::spawn` works. An instance that stays keeps its client, and so its connections; one that
/// is gone keeps them for as long as somebody holds what this gave out.
pub(super) fn upstreams(
    id: u64,
    peer: &Arc<()>,
    instances: &Arc<[Arc<Instance>]>,
) -> Rc<[Upstream]> {
    let system = System::try_current().map(|system| system.id());
    LOCAL.with_borrow_mut(|local| {
        local.take_if(|local| local.system != system);
        let local = local.get_or_insert_with(|| Local::new(system));
        let known = local.peers.get(&id);
        if let Some(kept) = known.filter(|kept| Arc::ptr_eq(&kept.instances, instances)) {
            return kept.upstreams.clone();
        }
        let open = |instance: &Arc<Instance>| {
            let mut earlier = known.iter().flat_map(|kept| kept.upstreams.iter());
            let same = earlier.find(|upstream| Arc::ptr_eq(upstream.instance(), instance));
            same.cloned().unwrap_or_else(|| Upstream::open(instance.clone(), &local.codec))
        };
        let upstreams: Rc<[Upstream]> = instances.iter().map(open).collect();
        local.peers.retain(|_, kept| kept.peer.strong_count() > 0);
        let (peer, instances) = (Arc::downgrade(peer), instances.clone());
        local.peers.insert(id, Kept { peer, instances, upstreams: upstreams.clone() });
        upstreams
    })
}

impl Local {
    fn new(system: Option<usize>) -> Local {
        Local { system, codec: thread_codec(), peers: HashMap::new() }
    }
}
