//! What answers of one kind count as: for those that are given again and again.

use std::time::Duration;

use actix_web::http::Method;
use prometheus::{Histogram, IntCounter};

use super::{Metrics, decimal, known_method};

/// The counters that such an answer raises.
pub(crate) struct Series {
    metrics: Metrics,
    requests: IntCounter,
    durations: Histogram,
}

impl Metrics {
    pub(crate) fn series(&self, route: &str, method: &Method, status: u16) -> Series {
        let method = known_method(method);
        let mut code = [0u8; 3];
        let code = decimal(status, &mut code);
        Series {
            metrics: self.clone(),
            requests: self.0.requests.with_label_values(&[route, method, code]),
            durations: self.0.durations.with_label_values(&[route, method]),
        }
    }
}

impl Series {
    /// One more, not a failure, that was never under way.
    pub(crate) fn count(&self, took: Duration) {
        self.requests.inc();
        self.durations.observe(took.as_secs_f64());
        self.metrics.0.latency.record(took);
    }
}
