//! What is counted at the edge.

use std::time::Instant;

use busbar_http::Metrics;
use busbar_http::problem::kinds;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts};

use crate::gateway::problem::{RATE_LIMITED, TOKEN_REVOKED};

/// Why somebody is not let in: the codes of the problems.
const REASONS: [&str; 6] = [
    kinds::UNAUTHENTICATED.code,
    kinds::TOKEN_INVALID.code,
    kinds::TOKEN_EXPIRED.code,
    TOKEN_REVOKED.code,
    kinds::KEYS_UNAVAILABLE.code,
    RATE_LIMITED.code,
];

pub(super) struct Meters {
    refused: Vec<(&'static str, IntCounter)>,
    ended: IntGauge,
    lag: Gauge,
}

impl Meters {
    pub(super) fn register(metrics: &Metrics) -> Result<Meters, prometheus::Error> {
        let refused = IntCounterVec::new(
            Opts::new(
                "busbar_gateway_refused_total",
                "Requests that were not let in, by the problem they were answered with",
            ),
            &["reason"],
        )?;
        let ended = IntGauge::new(
            "busbar_gateway_ended_sessions",
            "Sessions and token versions whose tokens are refused although they have not expired",
        )?;
        let lag = Gauge::new(
            "busbar_gateway_ended_sessions_age_seconds",
            "Time since the users service last told which sessions have ended",
        )?;
        metrics.register(refused.clone())?;
        metrics.register(ended.clone())?;
        metrics.register(lag.clone())?;
        let counter = |reason| (reason, refused.with_label_values(&[reason]));
        Ok(Meters { refused: REASONS.map(counter).to_vec(), ended, lag })
    }

    pub(super) fn refused(&self, reason: &str) {
        if let Some((_, counter)) = self.refused.iter().find(|(known, _)| *known == reason) {
            counter.inc();
        }
    }

    /// The users service was asked; `heard` is when it last answered.
    pub(super) fn listened(&self, known: usize, heard: Instant) {
        self.ended.set(i64::try_from(known).unwrap_or(i64::MAX));
        self.lag.set(heard.elapsed().as_secs_f64());
    }
}
