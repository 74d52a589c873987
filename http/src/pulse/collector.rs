//! What the threads tell, for the metrics.

use std::sync::atomic::Ordering::Relaxed;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, GaugeVec, Opts};

use super::{BEAT, Pulse, micros};

/// How late the threads are, and how many are lost, for the metrics.
#[derive(Clone)]
pub(crate) struct PulseCollector {
    pulse: Pulse,
    lag: GaugeVec,
    lost: Gauge,
}

impl PulseCollector {
    pub(crate) fn new(service: &str, pulse: Pulse) -> Result<PulseCollector, prometheus::Error> {
        let opts = |name, about| Opts::new(name, about).const_label("service", service);
        let about = "The longest delay of a thread's event loop in the last 15 to 30 seconds";
        let lag = GaugeVec::new(opts("busbar_event_loop_lag_seconds", about), &["thread"])?;
        let about = "Threads of former incarnations that are blocked and cannot be ended";
        let lost = Gauge::with_opts(opts("busbar_threads_lost", about))?;
        Ok(PulseCollector { pulse, lag, lost })
    }
}

impl Collector for PulseCollector {
    fn desc(&self) -> Vec<&Desc> {
        [self.lag.desc(), self.lost.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.lag.reset();
        let now = self.pulse.micros();
        // In the order in which they began: of two generations the newer one is shown.
        for thread in self.pulse.threads().iter() {
            let Some(beat) = thread.beat.upgrade() else { continue };
            // A thread that stands still cannot tell that it does.
            let overdue = now.saturating_sub(beat.last.load(Relaxed) + micros(BEAT));
            let lag = overdue.max(beat.lag.load(Relaxed));
            self.lag.with_label_values(&[&thread.name]).set(lag as f64 / 1e6);
        }
        self.lost.set(self.pulse.lost() as f64);
        [self.lag.collect(), self.lost.collect()].concat()
    }
}
