//! What is counted about payments.

use busbar_http::Metrics;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts};

use super::model::charge::{Answer, Verdict};
use super::model::stage::Stage;

/// The meters of one incarnation; clones share them.
#[derive(Clone)]
pub(crate) struct Meters {
    ended: IntCounterVec,
    calls: IntCounterVec,
    repeated: IntCounter,
    in_flight: IntGauge,
    unknown: IntGauge,
    unknown_age: Gauge,
    ledger_sum: Gauge,
}

/// What a look at the database has found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) unknown: i64,
    pub(crate) unknown_age_seconds: f64,
    /// By how much the books are out of balance, over all currencies: zero.
    pub(crate) imbalance_minor: i64,
}

/// Counts one payment that is being driven until it is dropped.
pub(crate) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Meters {
    pub(crate) fn new() -> Result<Meters, prometheus::Error> {
        let ended = Opts::new("busbar_payments_total", "Payments, by how they ended so far");
        let calls = Opts::new("busbar_payments_connector_calls_total", "Charges, by the answer");
        Ok(Meters {
            ended: IntCounterVec::new(ended, &["outcome"])?,
            calls: IntCounterVec::new(calls, &["answer"])?,
            repeated: IntCounter::new(
                "busbar_payments_repeated_verdicts_total",
                "Verdicts of connectors on payments that had ended",
            )?,
            in_flight: IntGauge::new("busbar_payments_in_flight", "Payments being driven")?,
            unknown: IntGauge::new("busbar_payments_unknown", "Payments of unknown outcome")?,
            unknown_age: Gauge::new(
                "busbar_payments_unknown_oldest_age_seconds",
                "How long the oldest outcome has been unknown",
            )?,
            ledger_sum: Gauge::new(
                "busbar_ledger_sum_minor",
                "Debits less credits, their absolute values over all currencies: must read 0",
            )?,
        })
    }

    pub(crate) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.ended.clone())?;
        metrics.register(self.calls.clone())?;
        metrics.register(self.repeated.clone())?;
        metrics.register(self.in_flight.clone())?;
        metrics.register(self.unknown.clone())?;
        metrics.register(self.unknown_age.clone())?;
        metrics.register(self.ledger_sum.clone())
    }

    pub(crate) fn ended(&self, stage: Stage) {
        self.ended.with_label_values(&[stage.as_str()]).inc();
    }

    pub(crate) fn lost_sight(&self) {
        self.ended(Stage::Unknown);
        self.unknown.inc();
    }

    /// An outcome that was unknown has been found out.
    pub(crate) fn found_out(&self) {
        self.unknown.dec();
    }

    pub(crate) fn refused(&self) {
        self.ended.with_label_values(&["refused"]).inc();
    }

    pub(crate) fn charged(&self, answer: &Answer) {
        let answer = match answer {
            Answer::Done(Verdict::Succeeded { .. }) => "succeeded",
            Answer::Done(Verdict::Declined { .. }) => "declined",
            Answer::Open { .. } => "open",
        };
        self.calls.with_label_values(&[answer]).inc();
    }

    pub(crate) fn repeated(&self) {
        self.repeated.inc();
    }

    pub(crate) fn in_flight(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    pub(crate) fn observe(&self, figures: &Figures) {
        self.unknown.set(figures.unknown);
        self.unknown_age.set(figures.unknown_age_seconds);
        #[expect(clippy::cast_precision_loss, reason = "whether it is zero is what counts")]
        self.ledger_sum.set(figures.imbalance_minor as f64);
    }

    pub(crate) fn is_ledger_balanced(&self) -> bool {
        self.ledger_sum.get() == 0.0
    }
}
