//! What analytics counts.
use busbar_http::Metrics;
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts};

/// The meters of one incarnation; clones share them.
#[derive(Clone)]
pub(crate) struct Meters {
    heard: IntCounterVec,
    lag: Gauge,
    reports: IntCounterVec,
    report_seconds: Histogram,
    rebuilt: IntCounter,
}

impl Meters {
    pub(crate) fn new() -> Result<Meters, prometheus::Error> {
        let heard = Opts::new(
            "busbar_analytics_events_total",
            "Events heard, by whether a report is made of them",
        );
        let reports = Opts::new("busbar_analytics_reports_total", "Reports, by their form");
        let seconds =
            HistogramOpts::new("busbar_analytics_report_duration_seconds", "How long reports took");
        Ok(Meters {
            heard: IntCounterVec::new(heard, &["use"])?,
            lag: Gauge::new(
                "busbar_analytics_lag_seconds",
                "From when the event that was heard last happened until it was heard",
            )?,
            reports: IntCounterVec::new(reports, &["format"])?,
            report_seconds: Histogram::with_opts(seconds)?,
            rebuilt: IntCounter::new(
                "busbar_analytics_rebuilt_events_total",
                "Events of the inbox that rebuilds went through",
            )?,
        })
    }

    pub(crate) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.heard.clone())?;
        metrics.register(self.lag.clone())?;
        metrics.register(self.reports.clone())?;
        metrics.register(self.report_seconds.clone())?;
        metrics.register(self.rebuilt.clone())
    }

    pub(crate) fn heard(&self, is_used: bool, lag_seconds: f64) {
        self.heard.with_label_values(&[if is_used { "fact" } else { "none" }]).inc();
        self.lag.set(lag_seconds);
    }

    pub(crate) fn reported(&self, format: &'static str, seconds: f64) {
        self.reports.with_label_values(&[format]).inc();
        self.report_seconds.observe(seconds);
    }

    pub(crate) fn rebuilt(&self, events: u64) {
        self.rebuilt.inc_by(events);
    }
}
