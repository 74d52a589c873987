//! What the status page shows, as JSON.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::gateway::destination::Destination;
use crate::types::Clock;

pub(super) fn json(gateway: &Gateway, is_admin: bool) -> Value {
    let overview = gateway.board.overview();
    let (live, cache) = (gateway.now(), gateway.cache.meters());
    let settings = &live.settings;
    json!({
        // The machine's time, as health has it.
        "at": Clock::system().now(),
        "version": env!("CARGO_PKG_VERSION"),
        "uptimeSeconds": gateway.started.elapsed().as_secs(),
        "isDetailed": is_admin,
        "health": if is_admin { overview } else { overview.for_everybody() },
        "traffic": {
            "requests": gateway.window.total(),
            "errors": gateway.metrics.server_errors_total(),
            "underWay": gateway.seats.taken(),
            "underWayMax": settings.max_requests,
            "latencyMs": gateway.window.percentiles().json(),
        },
        "cache": {
            "hits": cache.hits_total(),
            "misses": cache.misses_total(),
            "entries": gateway.cache.entries(),
            "entriesMax": settings.cache_max_entries,
            "bytes": gateway.cache.bytes(),
            "bytesMax": settings.cache_max_bytes,
        },
        "breakers": breakers(&live.destinations),
    })
}

/// Of each instance, in the order of the services.
fn breakers(destinations: &[Arc<Destination>]) -> Vec<Value> {
    let of = |destination: &Arc<Destination>| {
        let name = destination.name.clone();
        let standings = destination.ring.numbers().zip(destination.ring.standings());
        let standing = move |(instance, (state, left)): (usize, (&str, std::time::Duration))| {
            json!({
                "upstream": &*name,
                "instance": instance,
                "state": state,
                "forMs": u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            })
        };
        standings.map(standing).collect::<Vec<_>>()
    };
    destinations.iter().flat_map(of).collect()
}
