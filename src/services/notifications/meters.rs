//! What is counted about notifications.

use busbar_http::Metrics;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts};

use crate::types::Timestamp;

use super::model::Channel;
use super::model::message::Queue;

#[derive(Clone)]
pub(super) struct Meters {
    ended: IntCounterVec,
    queued: IntGaugeVec,
    oldest: GaugeVec,
}

impl Meters {
    pub(super) fn new() -> Result<Meters, prometheus::Error> {
        let ended = Opts::new("busbar_notifications_total", "Tries to send, by how they ended");
        let queued = Opts::new("busbar_notifications_queued", "Messages that wait to be sent");
        let oldest = Opts::new(
            "busbar_notifications_oldest_queued_age_seconds",
            "How long the oldest of the waiting messages has waited",
        );
        Ok(Meters {
            ended: IntCounterVec::new(ended, &["channel", "result"])?,
            queued: IntGaugeVec::new(queued, &["channel"])?,
            oldest: GaugeVec::new(oldest, &["channel"])?,
        })
    }

    pub(super) fn register(&self, metrics: &Metrics) -> Result<(), prometheus::Error> {
        metrics.register(self.ended.clone())?;
        metrics.register(self.queued.clone())?;
        metrics.register(self.oldest.clone())
    }

    /// `result` is one of a closed set: see `deliver::conclude`.
    pub(super) fn ended(&self, channel: Channel, result: &'static str) {
        self.ended.with_label_values(&[channel.as_str(), result]).inc();
    }

    /// Sets the gauges of every channel; one without a queue stands at zero.
    pub(super) fn observe(&self, queues: &[Queue], now: Timestamp) {
        for channel in Channel::ALL {
            let queue = queues.iter().find(|queue| queue.channel == *channel);
            let seconds = queue.map_or(0.0, |queue| now.since(queue.oldest_at).as_secs_f64());
            let label = &[channel.as_str()];
            self.queued.with_label_values(label).set(queue.map_or(0, |queue| queue.queued));
            self.oldest.with_label_values(label).set(seconds);
        }
    }
}
