//! Where a payment stands, and the moves between: the one table of them.

use crate::storage::stored_as_text;
use crate::types::words;

words! {
    /// Where a payment stands. One word, from which everything shown follows.
    pub(crate) enum Stage: "stage_invalid" {
        /// Asked for, nothing is held yet; not shown.
        Reserving = "reserving",
        /// The bill's amount is held, and the connector is asked.
        Sent = "sent",
        /// The connector left open whether it was carried out.
        Unknown = "unknown",
        Succeeded = "succeeded",
        Failed = "failed",
        /// Ended before anything was sent.
        Cancelled = "cancelled",
    }
}
stored_as_text!(Stage);

words! {
    /// What clients see of a stage.
    pub(crate) enum PaymentStatus: "status_invalid" {
        Processing = "processing",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

words! {
    /// What can happen to a payment.
    pub(crate) enum Move: "move_invalid" {
        /// Its amount is held: it may go to the connector.
        Send = "send",
        /// The connector's answer did not come.
        LoseSight = "lose_sight",
        Succeed = "succeed",
        Fail = "fail",
        Cancel = "cancel",
    }
}

/// Every move there is. A stage that is not on the left is an end.
const MOVES: &[(Stage, Move, Stage)] = &[
    (Stage::Reserving, Move::Send, Stage::Sent),
    (Stage::Reserving, Move::Cancel, Stage::Cancelled),
    (Stage::Sent, Move::LoseSight, Stage::Unknown),
    (Stage::Sent, Move::Succeed, Stage::Succeeded),
    (Stage::Sent, Move::Fail, Stage::Failed),
    (Stage::Unknown, Move::Succeed, Stage::Succeeded),
    (Stage::Unknown, Move::Fail, Stage::Failed),
];

impl Stage {
    /// Where the move leads. `None`: it is not allowed from here.
    pub(crate) fn after(self, what: Move) -> Option<Stage> {
        let row = MOVES.iter().find(|(from, by, _)| (*from, *by) == (self, what));
        row.map(|(_, _, to)| *to)
    }

    pub(crate) fn is_final(self) -> bool {
        MOVES.iter().all(|(from, _, _)| *from != self)
    }

    /// Whether only time, or nothing, brings it on.
    pub(crate) fn rests(self) -> bool {
        self == Stage::Unknown || self.is_final()
    }

    /// What clients may ask for now, by the last word of the path that does it.
    pub(crate) fn allowed(self) -> &'static [&'static str] {
        match self {
            Stage::Unknown => &["resolve"],
            _ => &[],
        }
    }

    /// What is shown. `None`: nothing is.
    pub(crate) fn status(self) -> Option<PaymentStatus> {
        match self {
            Stage::Reserving => None,
            Stage::Sent | Stage::Unknown => Some(PaymentStatus::Processing),
            Stage::Succeeded => Some(PaymentStatus::Succeeded),
            Stage::Failed => Some(PaymentStatus::Failed),
            Stage::Cancelled => Some(PaymentStatus::Cancelled),
        }
    }
}

impl PaymentStatus {
    /// The stages that are shown so: one, or two.
    pub(crate) fn stages(self) -> (Stage, Stage) {
        match self {
            PaymentStatus::Processing => (Stage::Sent, Stage::Unknown),
            PaymentStatus::Succeeded => (Stage::Succeeded, Stage::Succeeded),
            PaymentStatus::Failed => (Stage::Failed, Stage::Failed),
            PaymentStatus::Cancelled => (Stage::Cancelled, Stage::Cancelled),
        }
    }
}

words! {
    /// Where a try at a connector stands.
    pub(crate) enum AttemptState: "attempt_state_invalid" {
        Ready = "ready",
        Sent = "sent",
        Unknown = "unknown",
        Succeeded = "succeeded",
        Declined = "declined",
    }
}
stored_as_text!(AttemptState);

words! {
    /// Why a payment came to nothing. What connectors say is brought to one of these.
    pub(crate) enum PaymentFailureCode: "failure_code_invalid" {
        CardDeclined = "card_declined",
        InsufficientFunds = "insufficient_funds",
        ExpiredMethod = "expired_method",
        InvalidToken = "invalid_token",
        /// The bill's amount could not be held in time.
        NotReserved = "not_reserved",
        /// An operator found out that it was never carried out.
        NotCarriedOut = "not_carried_out",
    }
}
stored_as_text!(PaymentFailureCode);

impl PaymentFailureCode {
    pub(crate) fn message(self) -> &'static str {
        match self {
            PaymentFailureCode::CardDeclined => "the card was declined",
            PaymentFailureCode::InsufficientFunds => "there was not enough money on the account",
            PaymentFailureCode::ExpiredMethod => "the payment method has expired",
            PaymentFailureCode::InvalidToken => "the payment method is not known",
            PaymentFailureCode::NotReserved => "the bill could not be reached in time",
            PaymentFailureCode::NotCarriedOut => "the payment was not carried out",
        }
    }

    /// Whether a new payment by the same method may succeed.
    pub(crate) fn is_retryable(self) -> bool {
        matches!(
            self,
            PaymentFailureCode::InsufficientFunds
                | PaymentFailureCode::NotReserved
                | PaymentFailureCode::NotCarriedOut
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_an_end() {
        for end in [Stage::Succeeded, Stage::Failed, Stage::Cancelled] {
            assert!(end.is_final());
            assert!(Move::ALL.iter().all(|what| end.after(*what).is_none()), "{end}");
        }
    }

    #[test]
    fn what_was_lost_sight_of_ends_well_or_badly_and_in_no_other_way() {
        let ways: Vec<_> = Move::ALL.iter().filter_map(|way| Stage::Unknown.after(*way)).collect();
        assert_eq!(ways, [Stage::Succeeded, Stage::Failed]);
    }

    #[test]
    fn nothing_is_sent_twice_and_nothing_sent_is_cancelled() {
        for stage in Stage::ALL.iter().filter(|stage| **stage != Stage::Reserving) {
            assert_eq!(stage.after(Move::Send), None);
            assert_eq!(stage.after(Move::Cancel), None);
        }
    }

    #[test]
    fn a_filter_by_status_finds_the_stages_that_are_shown_so() {
        for stage in Stage::ALL {
            for status in PaymentStatus::ALL {
                let (one, other) = status.stages();
                let is_found = *stage == one || *stage == other;
                assert_eq!(is_found, stage.status() == Some(*status), "{stage} as {status}");
            }
        }
    }
}
