//! What is counted about logins.

use std::sync::Arc;

use busbar_http::{Metrics, Problem};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, IntGauge, Opts};

use super::hasher::Hasher;

/// The outcome of a login that went well; the others are the codes of problems.
const WELL: &str = "ok";

#[derive(Clone)]
pub(super) struct Meters {
    logins: IntCounterVec,
    line: Line,
}

impl Meters {
    pub(super) fn new(hasher: &Arc<Hasher>) -> Result<Meters, prometheus::Error> {
        let logins = Opts::new("busbar_users_logins_total", "Logins by how they ended");
        let waiting =
            Opts::new("busbar_users_hashes_waiting", "Requests that wait for a password hash");
        let line = Line { hasher: hasher.clone(), waiting: IntGauge::with_opts(waiting)? };
        Ok(Meters { logins: IntCounterVec::new(logins, &["outcome"])?, line })
    }

    pub(super) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.logins.clone())?;
        metrics.register(self.line.clone())
    }

    /// Counts a login; the codes of problems are a closed set.
    pub(super) fn count_login(&self, problem: Option<&Problem>) {
        let outcome = problem.map_or(WELL, Problem::code);
        self.logins.with_label_values(&[outcome]).inc();
    }
}

/// The line before the hashes, read when somebody asks.
#[derive(Clone)]
struct Line {
    hasher: Arc<Hasher>,
    waiting: IntGauge,
}

impl Collector for Line {
    fn desc(&self) -> Vec<&Desc> {
        self.waiting.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.waiting.set(i64::try_from(self.hasher.waiting()).unwrap_or(i64::MAX));
        self.waiting.collect()
    }
}
