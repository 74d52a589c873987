//! How long work waits for a connection, and how often in vain.

use std::time::Instant;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts};

use super::StoreError;

/// Seconds.
const WAIT_BUCKETS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// The meters of one database as it is open; clones share them.
#[derive(Clone)]
pub struct Meters {
    waits: Histogram,
    timeouts: IntCounterVec,
    pub(super) no_place: IntCounter,
    pub(super) no_connection: IntCounter,
}

/// One who waits for a connection: counted when that is over, also when nobody wants it any more.
pub(super) struct Wait<'a> {
    meters: &'a Meters,
    start: Instant,
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.meters.waits.observe(self.start.elapsed().as_secs_f64());
    }
}

impl Meters {
    pub(super) fn new(service: &str) -> Result<Meters, StoreError> {
        let misconfigured =
            |error: prometheus::Error| StoreError::Misconfigured { what: error.to_string() };
        Meters::named(service).map_err(misconfigured)
    }

    fn named(service: &str) -> Result<Meters, prometheus::Error> {
        let waits = HistogramOpts::new(
            "busbar_db_pool_wait_seconds",
            "Waits for a connection of the database pool",
        );
        let timeouts = Opts::new(
            "busbar_db_pool_timeouts_total",
            "Waits in vain: for a place in the pool (wait), for a new connection (connect)",
        );
        let timeouts = timeouts.const_label("service", service);
        let timeouts = IntCounterVec::new(timeouts, &["kind"])?;
        let waits = waits.const_label("service", service).buckets(WAIT_BUCKETS.to_vec());
        Ok(Meters {
            waits: Histogram::with_opts(waits)?,
            no_place: timeouts.with_label_values(&["wait"]),
            no_connection: timeouts.with_label_values(&["connect"]),
            timeouts,
        })
    }

    pub(super) fn wait(&self) -> Wait<'_> {
        Wait { meters: self, start: Instant::now() }
    }
}

impl Collector for Meters {
    fn desc(&self) -> Vec<&Desc> {
        [self.waits.desc(), self.timeouts.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        [self.waits.collect(), self.timeouts.collect()].concat()
    }
}
