//! The mailboxes of the threads' actors: their names, and how long messages wait in them. How deep they are
//! is in their records.

use std::sync::{Mutex, PoisonError};

use busbar_http::Metrics;
use prometheus::{Histogram, HistogramOpts, HistogramVec};

/// Seconds; a message that does not wait takes a millionth.
const WAIT_BUCKETS: [f64; 8] = [0.000_01, 0.000_1, 0.001, 0.005, 0.01, 0.05, 0.25, 1.0];

/// See the module.
pub(super) struct Mailboxes {
    waits: HistogramVec,
    /// An incarnation, and how many actors it has so far.
    hired: Mutex<(u64, usize)>,
}

impl Mailboxes {
    pub(super) fn register(metrics: &Metrics) -> Result<Mailboxes, prometheus::Error> {
        let about = "Time that a message waits until its actor takes it up";
        let opts = HistogramOpts::new("busbar_actor_mailbox_wait_seconds", about);
        let waits = HistogramVec::new(opts.buckets(WAIT_BUCKETS.to_vec()), &["actor"])?;
        metrics.register(waits.clone())?;
        Ok(Mailboxes { waits, hired: Mutex::default() })
    }

    /// The name of an incarnation's next actor, and where its waits are counted: names come again with
    /// each incarnation, so that there are as many series as threads.
    pub(super) fn hire(&self, owner: &str, generation: u64) -> (String, Histogram) {
        let mut hired = self.hired.lock().unwrap_or_else(PoisonError::into_inner);
        let number = if hired.0 == generation { hired.1 } else { 0 };
        *hired = (generation, number + 1);
        let name = format!("actor-{number}");
        let waits = self.waits.with_label_values(&[&format!("{owner}/{name}")]);
        (name, waits)
    }
}
