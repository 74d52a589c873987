//! What webhooks counts.
use busbar_http::Metrics;
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts};

use crate::types::Timestamp;

use super::model::attempt::Outcome;
use super::model::endpoint::EndpointStatus;
use super::store::upkeep::{Backlog, Counted};

#[derive(Clone)]
pub(super) struct Meters {
    attempts: IntCounterVec,
    pending: IntGauge,
    oldest: IntGauge,
    endpoints: IntGaugeVec,
}

impl Meters {
    pub(super) fn new() -> Result<Meters, prometheus::Error> {
        let attempts = Opts::new("busbar_webhook_attempts_total", "Calls, by how they went");
        let endpoints = Opts::new("busbar_webhook_endpoints", "Endpoints, by their state");
        let attempts = IntCounterVec::new(attempts, &["result"])?;
        for outcome in Outcome::ALL {
            attempts.with_label_values(&[outcome.as_str()]).inc_by(0);
        }
        Ok(Meters {
            attempts,
            pending: IntGauge::new(
                "busbar_webhook_pending",
                "Deliveries that wait, for endpoints that are called",
            )?,
            oldest: IntGauge::new(
                "busbar_webhook_oldest_pending_age_seconds",
                "How long the oldest of them has waited",
            )?,
            endpoints: IntGaugeVec::new(endpoints, &["state"])?,
        })
    }

    pub(super) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.attempts.clone())?;
        metrics.register(self.pending.clone())?;
        metrics.register(self.oldest.clone())?;
        metrics.register(self.endpoints.clone())
    }

    pub(super) fn attempt(&self, outcome: Outcome) {
        self.attempts.with_label_values(&[outcome.as_str()]).inc();
    }

    pub(super) fn observe(&self, backlog: Backlog, endpoints: &[Counted], now: Timestamp) {
        let age = backlog.oldest_at.map_or(0, |oldest| now.since(oldest).as_secs());
        self.pending.set(backlog.pending);
        self.oldest.set(i64::try_from(age).unwrap_or(i64::MAX));
        for status in EndpointStatus::ALL {
            let counted = endpoints.iter().find(|counted| counted.status == *status);
            let count = counted.map_or(0, |counted| counted.count);
            self.endpoints.with_label_values(&[status.as_str()]).set(count);
        }
    }
}
