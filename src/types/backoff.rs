//! How long to wait after a failure: a bound that doubles, and chance below it. Pure.

use std::time::Duration;

/// Waits lie between `floor_ms` and a bound that doubles with each failure up to `ceiling_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub floor_ms: u64,
    pub ceiling_ms: u64,
}

impl Backoff {
    /// The wait after so many failures in a row. `chance` is any number: those who failed
    /// together shall not come back together.
    pub fn wait(&self, failures: u32, chance: u64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let bound_ms = self.floor_ms.saturating_mul(1 << doublings).min(self.ceiling_ms);
        let room_ms = bound_ms.saturating_sub(self.floor_ms);
        Duration::from_millis(self.floor_ms.min(self.ceiling_ms) + chance % (room_ms + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_ceiling_and_never_fall_below_the_floor() {
        let backoff = Backoff { floor_ms: 100, ceiling_ms: 60_000 };
        for failures in 0..100 {
            for chance in [0, 1, 99, u64::MAX - 1, u64::MAX] {
                let wait = backoff.wait(failures, chance).as_millis();
                assert!((100..=60_000).contains(&wait), "{failures} {chance}: {wait}");
            }
        }
        assert_eq!(backoff.wait(1, 12_345).as_millis(), 100);
        assert_eq!(backoff.wait(3, 300).as_millis(), 400);
        assert_eq!(backoff.wait(99, 59_900).as_millis(), 60_000);
    }
}
