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
    upstreams: Rc<[Upstream]>,
}

/// This thread's clients for a peer. Must be called where `actix_rt::spawn` works.
pub(super) fn upstreams(id: u64, peer: &Arc<()>, instances: &[Arc<Instance>]) -> Rc<[Upstream]> {
    let system = System::try_current().map(|system| system.id());
    LOCAL.with_borrow_mut(|local| {
        local.take_if(|local| local.system != system);
        let local = local.get_or_insert_with(|| Local::new(system));
        if let Some(kept) = local.peers.get(&id) {
            return kept.upstreams.clone();
        }
        local.peers.retain(|_, kept| kept.peer.strong_count() > 0);
        let open = |instance: &Arc<Instance>| Upstream::open(instance.clone(), &local.codec);
        let upstreams: Rc<[Upstream]> = instances.iter().map(open).collect();
        let kept = Kept { peer: Arc::downgrade(peer), upstreams: upstreams.clone() };
        local.peers.insert(id, kept);
        upstreams
    })
}

impl Local {
    fn new(system: Option<usize>) -> Local {
        Local { system, codec: thread_codec(), peers: HashMap::new() }
    }
}
