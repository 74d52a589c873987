//! What can go wrong with payments.

use busbar_http::client::PeerError;
use busbar_http::{Kind, Problem, problems};
use serde_json::{Map, Value, json};

use super::model::stage::Stage;

problems! {
    PAYMENT_NOT_FOUND => 404 "payment_not_found" "there is no such payment";
    INVALID_STATE => 409 "invalid_state" "the payment is in a state that does not allow this";
    PAYMENT_IN_HAND => 409 "payment_in_hand" "its connector is being asked about the payment now";
    CONNECTOR_DISAGREES => 409 "connector_disagrees"
        "the connector says otherwise, and the payment has ended as it says";
    MAKER_IS_CHECKER => 409 "maker_is_checker" "who pays does not say what became of the payment";
    EVIDENCE_INVALID => 422 "evidence_invalid" "evidence is 1 to 1000 characters";
    ACCOUNT_NOT_FOUND => 404 "account_not_found" "there is no such account";
    TRANSFER_NOT_FOUND => 404 "transfer_not_found" "there is no such transfer";
    EVENT_UNREADABLE => 422 "event_unreadable" "the event lacks what it should tell";
    PAYMENTS_BUSY => 503 "payments_busy" "as many payments as can be are being carried out";
    BILLING_UNAVAILABLE => 503 "billing_unavailable" "the bill cannot be reached at the moment";
    BILL_NOT_FOUND => 404 "bill_not_found" "there is no such bill";
    BILL_ALREADY_PAID => 409 "bill_already_paid" "the bill is paid";
    BILL_NOT_PAYABLE => 409 "bill_not_payable" "the bill cannot be paid in its state";
    AMOUNT_EXCEEDS_AVAILABLE => 409 "amount_exceeds_available" "the bill has less left to pay";
    BILL_AMOUNT_RESERVED => 409 "bill_amount_reserved" "another payment holds what is left to pay";
    RESERVATION_RELEASED => 409 "reservation_released" "what was held for the payment was let go";
    AMOUNT_NOT_ALLOWED => 422 "amount_not_allowed" "the biller does not take this amount";
    CURRENCY_MISMATCH => 422 "currency_mismatch" "the bill is in another currency";
}

/// What billing may refuse a reservation for; told to the client as it is.
const REFUSALS: &[Kind] = &[
    BILL_NOT_FOUND,
    BILL_ALREADY_PAID,
    BILL_NOT_PAYABLE,
    AMOUNT_EXCEEDS_AVAILABLE,
    BILL_AMOUNT_RESERVED,
    RESERVATION_RELEASED,
    AMOUNT_NOT_ALLOWED,
    CURRENCY_MISMATCH,
];

/// Members that every problem has, and that ours fills itself.
const STANDARD: &[&str] =
    &["type", "title", "status", "detail", "instance", "code", "request_id", "errors"];

const RETRY_AFTER_S: u64 = 1;

/// Billing's refusal as ours, with what it says besides. `None`: it is no refusal.
pub(crate) fn refusal(error: &PeerError) -> Option<Problem> {
    let PeerError::Status { status, body, .. } = error else { return None };
    let code = error.code()?;
    let kind = REFUSALS.iter().find(|kind| kind.code == code && kind.status == status.as_u16())?;
    let members: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let mut problem = kind.problem();
    if let Some(Value::String(detail)) = members.get("detail") {
        problem = problem.detail(detail.clone());
    }
    let further = members.into_iter().filter(|(name, _)| !STANDARD.contains(&name.as_str()));
    problem = further.fold(problem, |problem, (name, value)| problem.with(&name, value));
    Some(match *kind {
        CURRENCY_MISMATCH => problem.at("/currency"),
        AMOUNT_NOT_ALLOWED => problem.at("/amount_minor"),
        _ => problem,
    })
}

pub(crate) fn billing_unavailable(why: impl std::fmt::Display) -> Problem {
    BILLING_UNAVAILABLE.problem().retry_after(RETRY_AFTER_S).cause(why)
}

pub(crate) fn busy() -> Problem {
    PAYMENTS_BUSY.problem().retry_after(RETRY_AFTER_S)
}

/// The payment has ended as its connector says, against an operator's word.
pub(crate) fn connector_disagrees(stage: Stage) -> Problem {
    CONNECTOR_DISAGREES.problem().with("outcome", json!(stage.status()))
}

/// The connector has not done with it yet.
pub(crate) fn connector_at_it() -> Problem {
    PAYMENT_IN_HAND.problem().detail("the connector is at it: it will say how it ended")
}

pub(crate) fn invalid_state(stage: Stage) -> Problem {
    let current = stage.status().map_or(Value::Null, |status| json!(status));
    INVALID_STATE.problem().with("current", current).with("allowed", json!(stage.allowed()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use actix_web::http::StatusCode;

    fn answered(status: u16, body: Value) -> PeerError {
        PeerError::Status {
            peer: "billing",
            status: StatusCode::from_u16(status).unwrap(),
            code: body["code"].as_str().map(str::to_owned),
            body: body.to_string().into(),
        }
    }

    #[test]
    fn a_refusal_is_passed_on_with_what_it_says() {
        let body = json!({"code": "amount_exceeds_available", "status": 409,
            "available_minor": 1000, "request_id": "theirs"});
        let problem = refusal(&answered(409, body)).unwrap();
        assert_eq!((problem.status().as_u16(), problem.code()), (409, "amount_exceeds_available"));
        let told = problem.body(Some(("/payments", "ours")));
        assert_eq!((&told["available_minor"], &told["request_id"]), (&json!(1000), &json!("ours")));
    }

    #[test]
    fn a_failure_is_no_refusal() {
        for (status, code) in [(500, "internal"), (401, "token_expired"), (404, "not_found")] {
            assert!(refusal(&answered(status, json!({"code": code}))).is_none(), "{code}");
        }
        assert!(refusal(&PeerError::Timeout { peer: "billing" }).is_none());
        assert!(refusal(&answered(503, json!({"code": "bill_not_found"}))).is_none());
    }
}
