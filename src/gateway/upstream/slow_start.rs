//! An instance that has come back gets its share of the requests bit by bit. Pure.

use std::time::Duration;

/// How long it takes to the whole share.
const GROWS_FOR: Duration = Duration::from_secs(10);
/// What it begins with.
const SHARE_MIN: f64 = 0.1;
/// Steps in which shares are counted.
const STEPS: u64 = 1000;

/// Whether it takes part in the choice for this request. `turn` is different for each request.
pub(super) fn takes_part(back_for: Option<Duration>, turn: usize) -> bool {
    let Some(back_for) = back_for else { return true };
    let share = (back_for.as_secs_f64() / GROWS_FOR.as_secs_f64()).max(SHARE_MIN);
    // Neighbours in turn are far from each other here (Fibonacci hashing): no bursts.
    let spread = (turn as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    ((spread % STEPS) as f64) < share * STEPS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows() {
        let part = |milliseconds| {
            let back_for = Some(Duration::from_millis(milliseconds));
            (0..1000).filter(|turn| takes_part(back_for, *turn)).count()
        };
        for (milliseconds, expected) in [(0, 100), (1_000, 100), (5_000, 500), (9_000, 900)] {
            let seen = part(milliseconds);
            assert!(seen.abs_diff(expected) < 30, "{milliseconds} ms: {seen}");
        }
        assert_eq!(part(10_000), 1000);
        assert!((0..100).all(|turn| takes_part(None, turn)));
    }
}
