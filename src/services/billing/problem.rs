//! What can go wrong with bills.
use busbar_http::{Invalid, Kind, Problem, problems};
use serde_json::json;

use crate::types::BillId;

use super::holding;
use super::model::bill::{Bill, BillStatus};
use super::model::draft::Faults;
use super::rating;

problems! {
    BILL_NOT_FOUND => 404 "bill_not_found" "there is no such bill";
    RESERVATION_NOT_FOUND => 404 "reservation_not_found" "the payment holds nothing";
    DRAFT_OVERTAKEN => 409 "draft_overtaken" "other drafts of the account are made at the moment: ask again";
    BILL_IMMUTABLE => 409 "bill_immutable" "only a draft can be changed";
    SERVICE_ACCOUNT_NOT_FOUND => 404 "service_account_not_found" "there is no such account";
    BILL_NOT_ISSUED => 409 "bill_not_issued" "a draft has no invoice";
    PERIOD_OVERLAP => 409 "period_overlap" "some day is on another bill of the account";
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
    NO_TARIFF => 422 "no_tariff" "no tariff holds on a day of the period";
    SERVICE_ACCOUNT_CLOSED => 422 "service_account_closed"
        "the service account was closed before the period ends";
    QUANTITY_OUT_OF_RANGE => 422 "quantity_out_of_range"
        "a register counted more than a quantity can say";
    MISSING_READINGS => 422 "missing_readings" "it is not known what was used in the period";
    UNIT_MISMATCH => 422 "unit_mismatch" "what is counted and what has a price do not agree";
    TARIFF_UNSUPPORTED => 422 "tariff_unsupported" "the tariff cannot be rated yet";
    UTILITIES_UNAVAILABLE => 503 "utilities_unavailable" "readings cannot be had at the moment";
    DOCUMENTS_UNAVAILABLE => 503 "documents_unavailable" "documents cannot be had at the moment";
    BILL_BUSY => 503 "bill_busy" "too many payments of the bill at once";
    EVENT_UNREADABLE => 422 "event_unreadable" "the event's data are not what its type says";
}

const RETRY_AFTER_S: u64 = 1;
/// For a service that is away: it is seldom back within a second.
const AWAY_RETRY_AFTER_S: u64 = 5;

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

impl From<holding::Refusal> for Problem {
    fn from(refusal: holding::Refusal) -> Problem {
        use holding::Refusal;
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

impl From<rating::Refusal> for Problem {
    fn from(refusal: rating::Refusal) -> Problem {
        use rating::Refusal;
        match refusal {
            Refusal::NoTariff { on } => {
                NO_TARIFF.problem().at("/period").with("on", on.to_string())
            }
            Refusal::TariffUnsupported { tariff_id, version, faults } => {
                let faults = faults.iter().map(|f| json!({"pointer": f.pointer, "code": f.code}));
                let problem = TARIFF_UNSUPPORTED.problem().with("tariff_id", tariff_id.to_string());
                problem.with("version", version).with("faults", faults.collect::<Vec<_>>())
            }
            Refusal::CurrencyMismatch { currency } => {
                let detail = format!("the provider is paid in another currency than {currency}");
                CURRENCY_MISMATCH.problem().detail(detail)
            }
            Refusal::NothingCounted { unit } => {
                let detail = format!("the tariff has a price by {unit}, which no register counts");
                UNIT_MISMATCH.problem().detail(detail).with("unit", unit.to_string())
            }
            Refusal::NoPrice { unit } => {
                let detail = format!("a register counts {unit}, which the tariff has no price by");
                UNIT_MISMATCH.problem().detail(detail).with("unit", unit.to_string())
            }
            Refusal::Beyond(refused) => {
                Problem::field("/period", refused.code(), refused.detail().to_owned())
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

/// Some day of the period is on another bill.
pub(super) fn overlap(bill: BillId) -> Problem {
    PERIOD_OVERLAP.problem().at("/period").with("bill_id", bill.to_string())
}

/// Another service is away, or does not answer as it should.
pub(super) fn away(kind: Kind, why: impl std::fmt::Display) -> Problem {
    kind.problem().retry_after(AWAY_RETRY_AFTER_S).cause(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_too_slow_again_and_again_may_come_again() {
        let busy = busy();
        assert_eq!((busy.status().as_u16(), busy.code()), (503, "bill_busy"));
    }
}
