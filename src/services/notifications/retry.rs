//! When a message that was not sent is tried again. Pure.

use std::time::Duration;

use crate::types::Backoff;

/// The waits after the first failure, the second, and so on; after the last one it has failed.
const WAITS: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
];

/// A wait is longer by up to a tenth of it: what failed together does not come back together.
const SPREAD: u64 = 10;

/// While the mail server refuses us as a whole: no message is to blame, and none is given up.
const REFUSED: Backoff = Backoff { floor_ms: 10_000, ceiling_ms: 900_000 };

/// The wait after so many failures of a message, this one included. `None`: it was the last.
pub(super) fn after_failure(failures: u32, chance: u64) -> Option<Duration> {
    let wait = WAITS.get(usize::try_from(failures.checked_sub(1)?).ok()?)?;
    let wait_ms = u64::try_from(wait.as_millis()).ok()?;
    Some(Duration::from_millis(wait_ms + chance % (wait_ms / SPREAD)))
}

/// The wait while nothing can be sent at all, after so many looks at this message.
pub(super) fn while_refused(looks: u32, chance: u64) -> Duration {
    REFUSED.wait(looks, chance)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn five_tries_from_ten_seconds_to_an_hour() {
        for chance in [0, 7, u64::MAX] {
            let waits: Vec<_> = (1..=4).map(|n| after_failure(n, chance).unwrap()).collect();
            assert!(waits.is_sorted());
            assert!(waits[0] >= Duration::from_secs(10) && waits[0] < Duration::from_secs(11));
            assert!(waits[3] >= Duration::from_secs(3_600));
            assert!(waits[3] < Duration::from_secs(3_960));
            assert_eq!(after_failure(5, chance), None);
        }
    }

    #[test]
    fn a_refusal_of_the_house_is_waited_for_without_end() {
        assert!(while_refused(1, 0) >= Duration::from_secs(10));
        assert!(while_refused(u32::MAX, u64::MAX) <= Duration::from_secs(900));
    }
}
