//! What can go wrong with bills.
use busbar_http::{Invalid, Problem, problems};

use super::holding::Refusal;
use super::model::bill::{Bill, BillStatus};
use super::model::draft::Faults;

problems! {
    BILL_NOT_FOUND => 404 "bill_not_found" "there is no such bill";
    RESERVATION_NOT_FOUND => 404 "reservation_not_found" "the payment holds nothing";
    BILL_IMMUTABLE => 409 "bill_immutable" "only a draft can be changed";
    INVALID_STATE => 409 "invalid_state" "the bill's state does not allow this";
    BILL_TOTAL_ZERO => 409 "bill_total_zero" "a bill that asks for nothing is not issued";
    BILL_HAS_PAYMENTS => 409 "bill_has_payments" "something was paid: refund or credit it first";
    PAYMENT_IN_PROGRESS => 409 "payment_in_progress" "a payment of the bill has not ended";
    BILL_ALREADY_PAID => 409 "bill_already_paid" "the bill is paid";
    BILL_NOT_PAYABLE => 409 "bill_not_payable" "the bill cannot be paid";
    AMOUNT_EXCEEDS_AVAILABLE => 409 "amount_exceeds_available" "that is more than is owed";
    BILL_AMOUNT_RESERVED => 409 "bill_amount_reserved" "another payment holds what is owed";
    RESERVATION_RELEASED => 409 "reservation_released" "the payment has given up what it held";
    RESERVATION_MISMATCH => 409 "reservation_mismatch" "the payment holds something else";
    AMOUNT_NOT_ALLOWED => 422 "amount_not_allowed" "the biller does not take this amount";
    CURRENCY_MISMATCH => 422 "currency_mismatch" "the bill is in another currency";
    BILL_BUSY => 503 "bill_busy" "too many payments of the bill at once";
    EVENT_UNREADABLE => 422 "event_unreadable" "the event's data are not what its type says";
}

const RETRY_AFTER_S: u64 = 1;

impl From<Faults> for Problem {
    fn from(Faults(faults): Faults) -> Problem {
        let mut invalid = Invalid::default();
        for (pointer, refused) in faults {
            invalid.add(pointer, refused.code(), refused.detail().to_owned());
        }
        match invalid.finish() {
            Err(problem) => problem,
            Ok(()) => Problem::internal("a refusal without a fault"),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::AlreadyPaid => BILL_ALREADY_PAID.problem(),
            Refusal::NotPayable => BILL_NOT_PAYABLE.problem(),
            Refusal::CurrencyMismatch => CURRENCY_MISMATCH.problem().at("/currency"),
            Refusal::AmountNotAllowed { exactness } => {
                let problem = AMOUNT_NOT_ALLOWED.problem().at("/amount_minor");
                problem.with("exactness", exactness.as_str())
            }
            Refusal::ExceedsAvailable { available_minor } => {
                AMOUNT_EXCEEDS_AVAILABLE.problem().with("available_minor", available_minor)
            }
            Refusal::Reserved { available_minor } => {
                BILL_AMOUNT_RESERVED.problem().with("available_minor", available_minor)
            }
        }
    }
}

/// The move is not in the table of states.
pub(super) fn invalid_state(bill: &Bill) -> Problem {
    let allowed: Vec<&str> = bill.status.next().iter().map(|next| next.as_str()).collect();
    INVALID_STATE.problem().with("current", bill.status.as_str()).with("allowed", allowed)
}

/// Why a bill cannot be voided.
pub(super) fn not_voidable(bill: &Bill) -> Problem {
    if !bill.status.may_become(BillStatus::Void) {
        // A paid bill is refused for its payments: to refund them is what leads on.
        let is_paid = bill.status == BillStatus::Paid;
        return if is_paid { BILL_HAS_PAYMENTS.problem() } else { invalid_state(bill) };
    }
    if bill.has_payments() {
        return BILL_HAS_PAYMENTS.problem();
    }
    if bill.is_held() {
        return PAYMENT_IN_PROGRESS.problem();
    }
    busy()
}

/// Others were faster again and again.
pub(super) fn busy() -> Problem {
    BILL_BUSY.problem().retry_after(RETRY_AFTER_S)
}
