//! What utilities count.
use busbar_http::Metrics;
use prometheus::{IntCounterVec, IntGauge, Opts};

#[derive(Clone)]
pub(crate) struct Meters {
    readings: IntCounterVec,
    held: IntGauge,
}

impl Meters {
    pub(crate) fn new() -> Result<Meters, prometheus::Error> {
        let readings =
            Opts::new("busbar_utilities_readings_total", "Readings, by what became of them");
        Ok(Meters {
            readings: IntCounterVec::new(readings, &["result"])?,
            held: IntGauge::new(
                "busbar_utilities_readings_held",
                "Suspect readings that wait for somebody's word",
            )?,
        })
    }

    pub(crate) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.readings.clone())?;
        metrics.register(self.held.clone())
    }

    /// `result` is one of accepted, duplicate, held, corrected, rejected, approved, voided.
    pub(crate) fn readings(&self, result: &'static str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.readings.with_label_values(&[result]).inc_by(count);
    }

    /// So many wait at the moment.
    pub(crate) fn observe_held(&self, held: i64) {
        self.held.set(held);
    }
}
