//! Percentiles of durations in constant memory: counters in buckets that grow by an eighth.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// From 1 µs up to about five minutes; what is longer counts in the last bucket.
const BUCKETS: usize = 168;
const GROWTH: f64 = 1.125;

/// What was measured since the start.
#[derive(Debug)]
pub struct Latency {
    buckets: [AtomicU64; BUCKETS],
    count: AtomicU64,
    sum_micros: AtomicU64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
            count: AtomicU64::new(0),
            sum_micros: AtomicU64::new(0),
        }
    }
}

impl Latency {
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1);
        let bucket = ((micros as f64).ln() / GROWTH.ln()) as usize;
        self.buckets[bucket.min(BUCKETS - 1)].fetch_add(1, Relaxed);
        self.count.fetch_add(1, Relaxed);
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Milliseconds, 0 when nothing was measured.
    pub fn average_ms(&self) -> f64 {
        let count = self.count().max(1);
        self.sum_micros.load(Relaxed) as f64 / count as f64 / 1000.0
    }

    /// The upper edge of the bucket that holds this share (0 to 1) of the durations, in milliseconds.
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let wanted = (total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return GROWTH.powi(index as i32 + 1) / 1000.0;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_an_eighth() {
        let latency = Latency::default();
        assert_eq!((latency.percentile_ms(0.5), latency.average_ms()), (0.0, 0.0));
        (1..=1000).for_each(|ms| latency.record(Duration::from_millis(ms)));
        for (share, exact) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let shown = latency.percentile_ms(share);
            assert!((exact..=exact * GROWTH * 1.001).contains(&shown), "{share}: {shown}");
        }
        assert!((latency.average_ms() - 500.5).abs() < 0.1);
    }
}
