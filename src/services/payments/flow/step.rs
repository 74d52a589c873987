//! What to do next with a payment, decided from where it stands. Pure.

use std::time::Duration;

use crate::services::payments::model::charge::{Answer, Found, Verdict};
use crate::services::payments::model::payment::Payment;
use crate::services::payments::model::stage::{Move, PaymentFailureCode, Stage};
use crate::services::payments::model::view::PaymentResolution;
use crate::types::Timestamp;

/// Nothing was held in all this time: the payment is given up.
const RESERVE_AGE_MAX: Duration = Duration::from_secs(15 * 60);
/// Waits are longer by up to a part of themselves, so that those lost together are not asked for
/// together.
const JITTER_PART: u32 = 10;

/// The next step of a payment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    /// Have billing hold its amount. Asking again is harmless.
    Reserve,
    /// Send it to the connector.
    Charge,
    /// Ask the connector whether it knows it: it may have been sent before.
    Ask,
    /// Nothing: it has come to its end.
    Rest,
}

/// What to do at a stage. `is_ours`: it was brought to it by whoever asks now, so nobody can have
/// sent it yet.
pub(crate) fn step(stage: Stage, is_ours: bool) -> Step {
    match stage {
        Stage::Reserving => Step::Reserve,
        Stage::Sent if is_ours => Step::Charge,
        Stage::Sent | Stage::Unknown => Step::Ask,
        Stage::Succeeded | Stage::Failed | Stage::Cancelled => Step::Rest,
    }
}

/// What follows from what a connector said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    Conclude(Verdict),
    /// It was never carried out: send it (again).
    Charge,
    /// Nobody knows: ask again later, and hold the amount until then.
    Wait {
        why: String,
    },
}

pub(crate) fn after_answer(answer: Answer) -> Next {
    match answer {
        Answer::Done(verdict) => Next::Conclude(verdict),
        Answer::Open { why } => Next::Wait { why },
    }
}

pub(crate) fn after_found(found: Found) -> Next {
    match found {
        Found::NeverSeen => Next::Charge,
        Found::Done(verdict) => Next::Conclude(verdict),
        Found::Pending => Next::Wait { why: "the connector is at it".to_owned() },
        Found::Silent { why } => Next::Wait { why },
    }
}

/// What an operator's word comes to beside what the connector says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Weighed {
    /// The connector has nothing to say: the word counts.
    ByWord,
    /// The connector says so too.
    Confirmed(Verdict),
    /// The connector says otherwise, and that counts.
    Contradicted(Verdict),
    /// The connector is at it.
    TooEarly,
}

pub(crate) fn weigh(word: PaymentResolution, found: Found) -> Weighed {
    let verdict = match found {
        Found::NeverSeen | Found::Silent { .. } => return Weighed::ByWord,
        Found::Pending => return Weighed::TooEarly,
        Found::Done(verdict) => verdict,
    };
    match (word, &verdict) {
        (PaymentResolution::Succeeded, Verdict::Succeeded { .. })
        | (PaymentResolution::Failed, Verdict::Declined { .. }) => Weighed::Confirmed(verdict),
        _ => Weighed::Contradicted(verdict),
    }
}

/// The move that a verdict means, and why it failed, if it did.
pub(crate) fn verdict_move(verdict: &Verdict) -> (Move, Option<PaymentFailureCode>) {
    match verdict {
        Verdict::Succeeded { .. } => (Move::Succeed, None),
        Verdict::Declined { reason } => (Move::Fail, Some(*reason)),
    }
}

/// How long to wait before the connector is asked again, after so many times. `chance` is any
/// number.
pub(crate) fn poll_wait(schedule: &[Duration], polls: u32, chance: u64) -> Duration {
    let place = usize::try_from(polls).unwrap_or(usize::MAX);
    let last = schedule.last().copied().unwrap_or(Duration::from_secs(60));
    let wait = schedule.get(place).copied().unwrap_or(last);
    let part_ms = u64::try_from((wait / JITTER_PART).as_millis()).unwrap_or(u64::MAX);
    wait + Duration::from_millis(chance % part_ms.saturating_add(1))
}

/// Whether a payment that nothing could be held for is given up.
pub(crate) fn is_given_up(payment: &Payment, now: Timestamp) -> bool {
    payment.stage == Stage::Reserving && now.since(payment.created_at) > RESERVE_AGE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_sent_is_asked_for_before_it_is_sent_again() {
        assert_eq!(step(Stage::Sent, true), Step::Charge);
        assert_eq!(step(Stage::Sent, false), Step::Ask);
        assert_eq!(step(Stage::Unknown, false), Step::Ask);
        assert_eq!(step(Stage::Unknown, true), Step::Ask);
        assert_eq!(after_found(Found::NeverSeen), Next::Charge);
    }

    #[test]
    fn no_silence_is_taken_for_an_outcome() {
        let open = Answer::Open { why: "gone".to_owned() };
        assert!(matches!(after_answer(open), Next::Wait { .. }));
        for found in [Found::Pending, Found::Silent { why: "gone".to_owned() }] {
            assert!(matches!(after_found(found), Next::Wait { .. }));
        }
    }

    #[test]
    fn a_word_counts_only_where_the_connector_has_none() {
        let paid = || Verdict::Succeeded { reference: "r".to_owned() };
        let declined = || Verdict::Declined { reason: PaymentFailureCode::CardDeclined };
        let silent = || Found::Silent { why: "gone".to_owned() };
        for word in [PaymentResolution::Succeeded, PaymentResolution::Failed] {
            assert_eq!(weigh(word, silent()), Weighed::ByWord);
            assert_eq!(weigh(word, Found::NeverSeen), Weighed::ByWord);
            assert_eq!(weigh(word, Found::Pending), Weighed::TooEarly);
        }
        for (word, said, is_so) in [
            (PaymentResolution::Succeeded, paid(), true),
            (PaymentResolution::Failed, declined(), true),
            (PaymentResolution::Succeeded, declined(), false),
            (PaymentResolution::Failed, paid(), false),
        ] {
            let counts = if is_so { Weighed::Confirmed } else { Weighed::Contradicted };
            assert_eq!(weigh(word, Found::Done(said.clone())), counts(said));
        }
    }

    #[test]
    fn every_end_rests_and_nothing_else_does() {
        for stage in Stage::ALL {
            assert_eq!(step(*stage, false) == Step::Rest, stage.is_final(), "{stage}");
        }
    }

    #[test]
    fn waits_follow_the_schedule_and_its_last_is_repeated() {
        let schedule = [5, 30, 120].map(Duration::from_secs);
        for (polls, seconds) in [(0, 5), (1, 30), (2, 120), (3, 120), (u32::MAX, 120)] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(poll_wait(&schedule, polls, 0), wait);
            for chance in [1, 77, u64::MAX] {
                let jittered = poll_wait(&schedule, polls, chance);
                assert!((wait..=wait + wait / 10).contains(&jittered), "{polls} {chance}");
            }
        }
    }
}
