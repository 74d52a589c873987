//! How long the last requests took: a ring that is written without a lock.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use serde_json::{Value, json};

/// Microseconds; 0 where nothing was written yet.
pub(super) struct Window {
    slots: Box<[AtomicU32]>,
    /// Durations written since the start; its remainder is the next slot.
    written: AtomicUsize,
}

/// Percentiles of what a window holds, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Percentiles {
    pub(super) average: f64,
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
}

impl Window {
    pub(super) fn new(samples_max: usize) -> Window {
        let slots = (0..samples_max.max(1)).map(|_| AtomicU32::new(0)).collect();
        Window { slots, written: AtomicUsize::new(0) }
    }

    pub(super) fn record(&self, took: Duration) {
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
        let index = self.written.fetch_add(1, Relaxed) % self.slots.len();
        self.slots[index].store(micros, Relaxed);
    }

    /// Requests since the start.
    pub(super) fn total(&self) -> usize {
        self.written.load(Relaxed)
    }

    pub(super) fn percentiles(&self) -> Percentiles {
        let mut micros: Vec<u32> =
            self.slots.iter().map(|slot| slot.load(Relaxed)).filter(|micros| *micros > 0).collect();
        if micros.is_empty() {
            return Percentiles::default();
        }
        micros.sort_unstable();
        let at = |share: f64| {
            let rank = (micros.len() as f64 * share).ceil() as usize;
            f64::from(micros[rank.clamp(1, micros.len()) - 1]) / 1000.0
        };
        let sum: u64 = micros.iter().map(|micros| u64::from(*micros)).sum();
        let average = sum as f64 / micros.len() as f64 / 1000.0;
        Percentiles { average, p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}

impl Percentiles {
    pub(super) fn json(self) -> Value {
        let round = |value: f64| (value * 100.0).round() / 100.0;
        json!({
            "average": round(self.average),
            "p50": round(self.p50),
            "p95": round(self.p95),
            "p99": round(self.p99),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_ones_count() {
        let window = Window::new(100);
        assert_eq!(window.percentiles(), Percentiles::default());
        (0..500).for_each(|_| window.record(Duration::from_secs(9)));
        (1..=100).for_each(|ms| window.record(Duration::from_millis(ms)));

        assert_eq!(window.total(), 600);
        let seen = window.percentiles();

        let expected = Percentiles { average: 50.5, p50: 50.0, p95: 95.0, p99: 99.0 };
        assert_eq!(seen, expected);
        assert_eq!(Percentiles::json(seen)["p95"], 95.0);
    }
}
