//! What answers of one kind count as: for those that are given again and again.

use std::cell::RefCell;
use std::time::Duration;

use actix_web::http::Method;
use prometheus::{Histogram, IntCounter};

use super::{Metrics, decimal, known_method};

/// How many kinds a thread has at hand.
const AT_HAND_MAX: usize = 16;

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

/// The series of the kinds that a thread answered last: to find one by its labels takes far longer
/// than to count.
pub(crate) struct AtHand {
    metrics: Metrics,
    /// The newest first.
    kinds: RefCell<Vec<Kind>>,
}

struct Kind {
    route: Box<str>,
    method: &'static str,
    status: u16,
    series: Series,
}

impl AtHand {
    pub(crate) fn new(metrics: Metrics) -> AtHand {
        AtHand { metrics, kinds: RefCell::default() }
    }

    /// A request that was under way has been answered.
    pub(crate) fn finished(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let name = known_method(method);
        let mut kinds = self.kinds.borrow_mut();
        let known = kinds
            .iter()
            .find(|kind| kind.status == status && kind.method == name && *kind.route == *route);
        match known {
            Some(kind) => kind.series.count(took),
            None => {
                let series = self.metrics.series(route, method, status);
                series.count(took);
                kinds.truncate(AT_HAND_MAX - 1);
                kinds.insert(0, Kind { route: route.into(), method: name, status, series });
            }
        }
        self.metrics.0.in_flight.dec();
        if status >= 500 {
            self.metrics.0.errors.inc();
        }
    }
}
