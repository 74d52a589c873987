//! The gateway's figures as they are read: the JSON of `/metrics`, and gauges of the moment.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use busbar_http::Status;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use serde_json::{Value, json};

use super::Gateway;
use super::legacy::Legacy;

/// With the keys of the Node.js system.
pub(super) fn json(gateway: &Gateway) -> Value {
    let totals = gateway.meters.totals();
    let live = gateway.now();
    json!({
        "requests": {
            "total": gateway.metrics.requests_total(),
            "proxied": totals.proxied.load(Relaxed),
            "upstreamErrors": totals.upstream_errors.load(Relaxed),
        },
        "latencyMs": gateway.window.percentiles().json(),
        "cache": {
            "entries": gateway.cache.entries(),
            "hitRatio": (gateway.hit_ratio() * 10_000.0).round() / 100.0,
            "ttlMs": live.settings.cache_ttl_ms,
        },
        "connections": {
            "maxSockets": live.settings.max_sockets,
            "maxFreeSockets": live.settings.max_free_sockets,
        },
    })
}

/// Adds what is looked up when somebody asks.
pub(super) fn register(
    gateway: &Arc<Gateway>,
    shows_legacy_names: bool,
) -> Result<(), prometheus::Error> {
    gateway.metrics.register(Gauges::new(gateway)?)?;
    if shows_legacy_names {
        gateway.metrics.register(Legacy::new(gateway)?)?;
    }
    Ok(())
}

/// Connections to the services, and their health.
#[derive(Clone)]
struct Gauges {
    /// The gateway holds the metrics, and they hold this.
    gateway: Weak<Gateway>,
    connections: IntGaugeVec,
    health: IntGaugeVec,
    transitions: IntCounterVec,
    /// Entries, bytes.
    cache: [IntGauge; 2],
    evictions: IntCounter,
    seats: IntGauge,
    /// Where the destinations were when it last looked.
    seen: Arc<AtomicUsize>,
}

impl Gauges {
    fn new(gateway: &Arc<Gateway>) -> Result<Gauges, prometheus::Error> {
        let connections = Opts::new(
            "busbar_gateway_pool_connections",
            "Connections to an instance; waiting: requests for one",
        );
        let health = Opts::new("busbar_health_up", "1 when a service answers, 0 when it is down");
        let transitions = Opts::new(
            "busbar_health_transitions_total",
            "Changes of a service's health, by the new one",
        );
        let entries = IntGauge::new("busbar_gateway_cache_entries", "Answers that are kept")?;
        let bytes = IntGauge::new("busbar_gateway_cache_bytes", "What they take in memory")?;
        let evictions = IntCounter::new(
            "busbar_gateway_cache_evictions_total",
            "Addresses whose answers went to make room",
        )?;
        Ok(Gauges {
            gateway: Arc::downgrade(gateway),
            connections: IntGaugeVec::new(connections, &["upstream", "instance", "state"])?,
            health: IntGaugeVec::new(health, &["upstream"])?,
            transitions: IntCounterVec::new(transitions, &["upstream", "to"])?,
            cache: [entries, bytes],
            evictions,
            seats: IntGauge::new(
                "busbar_gateway_requests_under_way",
                "Requests to services under way; bounded by gateway.max_requests",
            )?,
            seen: Arc::default(),
        })
    }

    fn all(&self) -> [&dyn Collector; 7] {
        let [entries, bytes] = &self.cache;
        let Gauges { connections, health, transitions, evictions, seats, .. } = self;
        [connections, health, transitions, entries, bytes, evictions, seats]
    }

    fn look(&self, gateway: &Gateway) {
        let live = gateway.now();
        let place = Arc::as_ptr(&live) as usize;
        if self.seen.swap(place, Relaxed) != place {
            // Some of those that were shown may be gone.
            self.connections.reset();
        }
        for destination in &live.destinations {
            for (number, instance) in destination.ring.numbers().zip(&destination.instances) {
                let (number, counts) = (number.to_string(), instance.counts());
                for (state, count) in [
                    ("open", counts.open),
                    ("idle", counts.idle),
                    ("busy", counts.busy),
                    ("waiting", counts.waiting),
                ] {
                    let labels = [&*destination.name, &number, state];
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    self.connections.with_label_values(&labels).set(count);
                }
            }
        }
        for (gauge, held) in self.cache.iter().zip([gateway.cache.entries(), gateway.cache.bytes()])
        {
            gauge.set(i64::try_from(held).unwrap_or(i64::MAX));
        }
        self.evictions.reset();
        self.evictions.inc_by(gateway.cache.evicted());
        self.seats.set(i64::try_from(gateway.seats.taken()).unwrap_or(i64::MAX));
        for (name, status) in gateway.board.report().by_name() {
            let is_up = i64::from(matches!(status, Status::Up | Status::Degraded));
            self.health.with_label_values(&[name.as_str()]).set(is_up);
        }
        for ((name, to), count) in gateway.board.transitions.counts() {
            let transitions = self.transitions.with_label_values(&[name.as_str(), to]);
            transitions.inc_by(count.saturating_sub(transitions.get()));
        }
    }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(|metric| metric.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(gateway) = self.gateway.upgrade() {
            self.look(&gateway);
        }
        self.all().into_iter().flat_map(|metric| metric.collect()).collect()
    }
}
