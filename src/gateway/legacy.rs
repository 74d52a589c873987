//! The metrics under the names of the Node.js system, for dashboards that were made for it.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, IntCounter};

use super::Gateway;

#[derive(Clone)]
pub(super) struct Legacy {
    gateway: Weak<Gateway>,
    counters: [IntCounter; 5],
    gauges: [Gauge; 6],
}

impl Legacy {
    pub(super) fn new(gateway: &Arc<Gateway>) -> Result<Legacy, prometheus::Error> {
        Ok(Legacy {
            gateway: Arc::downgrade(gateway),
            counters: [
                IntCounter::new("gateway_requests_total", "Requests")?,
                IntCounter::new("gateway_proxied_requests_total", "Requests sent on")?,
                IntCounter::new("gateway_upstream_errors_total", "Requests that failed behind")?,
                IntCounter::new("gateway_cache_hits_total", "Answers from the cache")?,
                IntCounter::new("gateway_cache_misses_total", "Answers not from the cache")?,
            ],
            gauges: [
                Gauge::new("gateway_cache_hit_ratio", "Answers from the cache, 0 to 1")?,
                Gauge::new("gateway_cache_entries", "Answers in the cache")?,
                Gauge::new("gateway_latency_average_ms", "Mean time of the last requests")?,
                Gauge::new("gateway_latency_p50_ms", "Median time of the last requests")?,
                Gauge::new("gateway_latency_p95_ms", "95 % took no longer")?,
                Gauge::new("gateway_latency_p99_ms", "99 % took no longer")?,
            ],
        })
    }

    fn look(&self, gateway: &Gateway) {
        let totals = gateway.meters.totals();
        let proxied = totals.proxied.load(Relaxed);
        let errors = totals.upstream_errors.load(Relaxed);
        let cache = gateway.cache.meters();
        let (hits, misses) = (cache.hits_total(), cache.misses_total());
        let counts = [gateway.metrics.requests_total(), proxied, errors, hits, misses];
        for (counter, count) in self.counters.iter().zip(counts) {
            counter.reset();
            counter.inc_by(count);
        }
        let seen = gateway.window.percentiles();
        let entries = gateway.cache.entries() as f64;
        let figures = [gateway.hit_ratio(), entries, seen.average, seen.p50, seen.p95, seen.p99];
        for (gauge, figure) in self.gauges.iter().zip(figures) {
            gauge.set(figure);
        }
    }
}

impl Collector for Legacy {
    fn desc(&self) -> Vec<&Desc> {
        let counters = self.counters.iter().flat_map(Collector::desc);
        counters.chain(self.gauges.iter().flat_map(Collector::desc)).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(gateway) = self.gateway.upgrade() {
            self.look(&gateway);
        }
        let counters = self.counters.iter().flat_map(Collector::collect);
        counters.chain(self.gauges.iter().flat_map(Collector::collect)).collect()
    }
}
