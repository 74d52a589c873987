//! When a message that was not sent is tried again. Pure.

use std::time::Duration;

use crate::types::Timestamp;

/// The waits after the first failure, the second, and so on; after the last one it has failed.
const WAITS: [Duration; 4] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
];

/// A wait is longer by up to a tenth of it: what failed together does not come back together.
const SPREAD: u64 = 10;

/// What waits for the mail server, and is not to blame, is given up after so long: nobody wants it any
/// more. What bears a code ends before that, when the code does.
const WAITED_MAX: Duration = Duration::from_secs(3 * 86_400);

/// The wait after so many failures of a message, this one included. `None`: it was the last.
pub(super) fn after_failure(failures: u32, chance: u64) -> Option<Duration> {
    let wait = WAITS.get(usize::try_from(failures.checked_sub(1)?).ok()?)?;
    let wait_ms = u64::try_from(wait.as_millis()).ok()?;
    Some(Duration::from_millis(wait_ms + chance % (wait_ms / SPREAD)))
}

/// Whether a message that was queued then has waited for the mail server in vain.
pub(super) fn is_too_late(queued_at: Timestamp, now: Timestamp) -> bool {
    now.since(queued_at) >= WAITED_MAX
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
    fn the_mail_server_is_waited_for_three_days() {
        let at = Timestamp::from_seconds;
        assert!(!is_too_late(at(0), at(3 * 86_400 - 1)));
        assert!(is_too_late(at(0), at(3 * 86_400)));
        assert!(!is_too_late(at(5), at(0)), "a clock that was set back");
    }
}
