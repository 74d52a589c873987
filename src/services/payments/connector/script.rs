//! What the simulated bank does with each of its tokens. Pure.

use std::time::Duration;

use crate::services::payments::model::stage::PaymentFailureCode;

/// How one charge goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Script {
    /// Why it is declined, if it is.
    pub(crate) decline: Option<PaymentFailureCode>,
    /// How long the bank takes for it.
    pub(crate) takes: Duration,
    /// Whether the bank hangs up before it has an answer.
    pub(crate) hangs_up: bool,
    /// How often the bank repeats its answer afterwards.
    pub(crate) callbacks: usize,
}

const OK: Script = Script { decline: None, takes: Duration::ZERO, hangs_up: false, callbacks: 0 };
const LOST: Script = Script { takes: Duration::from_secs(4), hangs_up: true, ..OK };

/// The script of a token. One that the bank does not know is declined.
pub(crate) fn script(token: &str) -> Script {
    let declined = |reason| Script { decline: Some(reason), ..OK };
    match token {
        "tok_ok" => OK,
        "tok_decline" => declined(PaymentFailureCode::CardDeclined),
        "tok_insufficient" => declined(PaymentFailureCode::InsufficientFunds),
        "tok_expired" => declined(PaymentFailureCode::ExpiredMethod),
        "tok_timeout_ok" => LOST,
        "tok_timeout_fail" => Script { decline: Some(PaymentFailureCode::CardDeclined), ..LOST },
        "tok_slow_5s" => Script { takes: Duration::from_secs(5), ..OK },
        "tok_dup_callback" => Script { callbacks: 2, ..OK },
        _ => declined(PaymentFailureCode::InvalidToken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_not_known_is_declined() {
        assert_eq!(script("tok_nonsense").decline, Some(PaymentFailureCode::InvalidToken));
    }

    #[test]
    fn the_outcome_of_a_timeout_exists_and_is_late() {
        for (token, decline) in
            [("tok_timeout_ok", None), ("tok_timeout_fail", Some(PaymentFailureCode::CardDeclined))]
        {
            let script = script(token);
            assert!(script.hangs_up && script.takes > Duration::ZERO, "{token}");
            assert_eq!(script.decline, decline, "{token}");
        }
    }
}
