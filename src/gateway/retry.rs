//! When a request that got no answer is sent once more, and where. Pure.

use crate::types::ServiceName;

use std::time::Duration;

use actix_web::http::StatusCode;

use super::forward::Loss;

/// Before a lost request is sent again: time for the next incarnation to take the port over, and
/// not the same time for all.
const PAUSE_MIN: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(250);
/// Whatever the answer says.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// What is kept of a deadline for the answer that comes in the end.
const ANSWER_MARGIN: Duration = Duration::from_millis(200);
/// How often a request waits for the first that was sent of it.
const WAITS_MAX: u32 = 5;

/// What is safe for a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    /// Its body can be sent a second time.
    pub(super) has_body_still: bool,
    /// Carrying it out twice does no harm: it reads, or it has an idempotency key.
    pub(super) is_harmless: bool,
    /// It has an idempotency key that is honoured.
    pub(super) is_keyed: bool,
}

/// What one request has left of tries.
#[derive(Debug)]
pub(super) struct Tries {
    other_instances: usize,
    left: u32,
    has_been_replayed: bool,
    waits_left: u32,
}

/// How long to wait before a lost request is sent again; `chance` is from 0 to 1.
pub(super) fn pause(chance: f64) -> Duration {
    PAUSE_MIN + (PAUSE_MAX - PAUSE_MIN).mul_f64(chance.clamp(0.0, 1.0))
}

/// How long to wait before asking a third time, when the second answer says that the first request
/// is still being worked on (409 with `Retry-After`): what was begun before a crash comes free soon.
pub(super) fn wait_for_the_first(
    answer: StatusCode,
    retry_after_seconds: Option<u64>,
    time_left: Duration,
) -> Option<Duration> {
    let wait = Duration::from_secs(retry_after_seconds?).max(WAIT_MIN);
    (answer == StatusCode::CONFLICT && wait + ANSWER_MARGIN < time_left).then_some(wait)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    GiveUp,
    /// Nothing was sent: another instance, at once.
    Elsewhere,
    /// It may have been seen: again, after a breath.
    Again,
    /// It was answered, by one that could not: another instance instead, at once.
    Instead,
}

impl Tries {
    /// `retries_max`: over all reasons.
    pub(super) fn new(instances: usize, retries_max: u32) -> Tries {
        let other_instances = instances.saturating_sub(1);
        Tries {
            other_instances,
            left: retries_max,
            has_been_replayed: false,
            waits_left: WAITS_MAX,
        }
    }

    /// Whether it may wait for the first that was sent of it: what may have been seen has been sent
    /// again under its key. Then it counts.
    pub(super) fn waits(&mut self, repeat: Repeat) -> bool {
        let may = self.has_been_replayed && repeat.is_keyed && self.waits_left > 0;
        self.waits_left -= u32::from(may);
        may
    }

    pub(super) fn next(&mut self, loss: &Loss, repeat: Repeat) -> Next {
        if !repeat.has_body_still || self.left == 0 {
            return Next::GiveUp;
        }
        if loss.nothing_was_sent() {
            return self.elsewhere(Next::Elsewhere);
        }
        if loss.may_have_been_seen() && repeat.is_harmless {
            self.left -= 1;
            self.has_been_replayed = true;
            return Next::Again;
        }
        Next::GiveUp
    }

    /// A gateway's answers say that somebody behind could not: another instance may be able to.
    pub(super) fn after_answer(&mut self, status: StatusCode, repeat: Repeat) -> Next {
        let could_not = matches!(status.as_u16(), 502..=504);
        if could_not && repeat.has_body_still && repeat.is_harmless && self.left > 0 {
            return self.elsewhere(Next::Instead);
        }
        Next::GiveUp
    }

    fn elsewhere(&mut self, next: Next) -> Next {
        if self.other_instances == 0 {
            return Next::GiveUp;
        }
        self.other_instances -= 1;
        self.left -= 1;
        next
    }
}

/// Whether a POST to this path of a service, sent twice under one key, takes effect once. Elsewhere
/// a key is a wish.
pub(super) fn honours_keys(service: ServiceName, target: &str) -> bool {
    let path = target.split('?').next().unwrap_or(target);
    match service {
        ServiceName::Payments => path == "/payments",
        ServiceName::Billing => {
            path == "/bills" || (path.starts_with("/bills/") && path.ends_with("/issue"))
        }
        ServiceName::Documents => path == "/documents",
        ServiceName::Notifications => path == "/notifications",
        ServiceName::Utilities => {
            let made = ["/utilities", "/providers", "/service-accounts", "/meters", "/tariffs"];
            made.contains(&path) || (path.starts_with("/tariffs/") && path.ends_with("/versions"))
        }
        ServiceName::Webhooks => path.starts_with("/webhooks/") && path.ends_with("/replay"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARMLESS: Repeat = Repeat { has_body_still: true, is_harmless: true, is_keyed: true };
    const ONCE: Repeat = Repeat { has_body_still: true, is_harmless: false, is_keyed: false };

    fn lost() -> Loss {
        Loss::Broken("reset".into())
    }

    fn unreachable() -> Loss {
        Loss::Unreachable("refused".into())
    }

    fn tries(instances: usize) -> Tries {
        Tries::new(instances, 2)
    }

    #[test]
    fn what_may_have_been_seen_is_repeated_only_when_that_is_harmless() {
        assert_eq!(tries(1).next(&lost(), HARMLESS), Next::Again);
        assert_eq!(tries(1).next(&Loss::Cut, HARMLESS), Next::Again);
        assert_eq!(tries(3).next(&lost(), ONCE), Next::GiveUp);
        assert_eq!(tries(3).next(&Loss::TimedOut, HARMLESS), Next::GiveUp);
    }

    #[test]
    fn an_answer_of_one_that_could_not_is_asked_of_another() {
        let after = |instances, status: u16, repeat| {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            tries(instances).after_answer(status, repeat)
        };
        for status in [502, 503, 504] {
            assert_eq!(after(2, status, HARMLESS), Next::Instead);
            assert_eq!(after(2, status, ONCE), Next::GiveUp);
            assert_eq!(after(1, status, HARMLESS), Next::GiveUp);
        }
        for status in [200, 404, 429, 500, 501] {
            assert_eq!(after(2, status, HARMLESS), Next::GiveUp);
        }
    }

    #[test]
    fn nobody_waits_exactly_as_long_as_the_other() {
        assert_eq!((pause(0.0), pause(1.0)), (PAUSE_MIN, PAUSE_MAX));
        assert!(pause(0.5) > PAUSE_MIN && pause(0.5) < PAUSE_MAX);
    }

    #[test]
    fn a_key_is_a_promise_where_the_service_keeps_it() {
        for (service, target, kept) in [
            (ServiceName::Payments, "/payments", true),
            (ServiceName::Payments, "/payments?x=1", true),
            (ServiceName::Payments, "/payments/1/resolve", false),
            (ServiceName::Billing, "/bills/1/issue", true),
            (ServiceName::Billing, "/bills/1/void", false),
            (ServiceName::Documents, "/documents", true),
            (ServiceName::Documents, "/documents/1/links", false),
            (ServiceName::Users, "/users", false),
            (ServiceName::Utilities, "/providers", true),
            (ServiceName::Utilities, "/tariffs/1/versions", true),
            (ServiceName::Utilities, "/providers/1/submit", false),
            (ServiceName::Notifications, "/notifications", true),
            (ServiceName::Webhooks, "/webhooks/1/replay", true),
            (ServiceName::Webhooks, "/webhooks", false),
        ] {
            assert_eq!(honours_keys(service, target), kept, "{service} {target}");
        }
    }

    #[test]
    fn what_was_not_sent_goes_to_each_other_instance_once() {
        let mut tries = tries(3);
        let seen = [(); 3].map(|()| tries.next(&unreachable(), ONCE));
        assert_eq!(seen, [Next::Elsewhere, Next::Elsewhere, Next::GiveUp]);
        assert_eq!(Tries::new(1, 2).next(&unreachable(), HARMLESS), Next::GiveUp);
        assert_eq!(Tries::new(3, 0).next(&unreachable(), HARMLESS), Next::GiveUp);
    }

    #[test]
    fn a_replay_waits_for_the_first_as_long_as_there_is_time() {
        let wait = |status, seconds, left_ms| {
            wait_for_the_first(status, seconds, Duration::from_millis(left_ms))
        };
        assert_eq!(wait(StatusCode::CONFLICT, Some(1), 2000), Some(Duration::from_secs(1)));
        assert_eq!(wait(StatusCode::CONFLICT, Some(1), 1100), None);
        assert_eq!(wait(StatusCode::CONFLICT, None, 2000), None);
        assert_eq!(wait(StatusCode::SERVICE_UNAVAILABLE, Some(1), 2000), None);
        assert_eq!(wait(StatusCode::CONFLICT, Some(u64::MAX / 4), 2000), None);
    }

    #[test]
    fn replays_are_bounded_and_need_the_body() {
        let mut some = tries(2);
        let seen = [(); 3].map(|()| some.next(&lost(), HARMLESS));
        assert_eq!(seen, [Next::Again, Next::Again, Next::GiveUp]);
        assert!(!tries(2).waits(HARMLESS), "it was never sent before");
        assert!(!some.waits(Repeat { is_keyed: false, ..HARMLESS }));
        assert_eq!((0..100).filter(|_| some.waits(HARMLESS)).count(), WAITS_MAX as usize);
        let gone = Repeat { has_body_still: false, ..HARMLESS };
        assert_eq!(tries(2).next(&lost(), gone), Next::GiveUp);
        assert_eq!(tries(2).next(&unreachable(), gone), Next::GiveUp);
    }
}
