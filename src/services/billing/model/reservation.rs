//! What a payment holds of a bill, and payments that fit no bill.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{
    Amount, BillId, Currency, PaymentId, ProviderId, ReservationId, Timestamp, UserId, id, words,
};

id! {
    /// Money that is on no bill.
    UnappliedId,
}

words! {
    /// Held until the payment ends; settled by its success, released by its failure.
    pub(crate) enum ReservationStatus: "status_unknown" {
        Held = "held",
        Settled = "settled",
        Released = "released",
    }
}

/// `POST /internal/reservations`: hold a part of a bill for a payment.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReservationOrder {
    pub(crate) payment_id: PaymentId,
    pub(crate) bill_id: BillId,
    /// Who pays.
    pub(crate) user_id: UserId,
    /// Staff may pay the bills of others.
    pub(crate) is_staff: bool,
    pub(crate) amount_minor: Amount,
    pub(crate) currency: Currency,
}

/// A reservation as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reservation {
    pub(crate) id: ReservationId,
    pub(crate) payment_id: PaymentId,
    pub(crate) bill_id: BillId,
    pub(crate) user_id: UserId,
    pub(crate) amount_minor: Amount,
    pub(crate) currency: Currency,
    pub(crate) status: ReservationStatus,
    pub(crate) settled_minor: Amount,
}

impl Reservation {
    /// Whether the order asks for what this is.
    pub(crate) fn answers(&self, order: &ReservationOrder) -> bool {
        self.bill_id == order.bill_id
            && self.amount_minor == order.amount_minor
            && self.currency == order.currency
    }
}

/// A reservation with what the payer's side needs to know of the bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReservationView {
    pub(crate) payment_id: PaymentId,
    pub(crate) bill_id: BillId,
    pub(crate) bill_number: Option<String>,
    /// Who owes the bill; the payer may be somebody of the staff.
    pub(crate) user_id: UserId,
    pub(crate) provider_id: ProviderId,
    pub(crate) amount_minor: Amount,
    pub(crate) currency: Currency,
    pub(crate) status: ReservationStatus,
    /// How much of it the bill took.
    pub(crate) settled_minor: Amount,
}

words! {
    /// Why money that came was not put on its bill.
    pub(crate) enum Misfit: "reason_unknown" {
        BillUnknown = "bill_unknown",
        /// Draft or void.
        BillNotPayable = "bill_not_payable",
        CurrencyMismatch = "currency_mismatch",
        /// The bill took what it could; this is the rest.
        BalanceExceeded = "balance_exceeded",
        /// The payment has settled another bill already.
        PaymentRepeated = "payment_repeated",
    }
}

/// Money that was taken and is on no bill: somebody has to give it back or find its bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Unapplied {
    pub(crate) id: UnappliedId,
    pub(crate) payment_id: PaymentId,
    pub(crate) bill_id: BillId,
    /// Who owes the bill, where it is known; who paid otherwise.
    pub(crate) user_id: UserId,
    pub(crate) provider_id: Option<ProviderId>,
    pub(crate) amount_minor: Amount,
    pub(crate) currency: Currency,
    pub(crate) reason: Misfit,
    pub(crate) created_at: Timestamp,
}

/// What is owed in one currency, and what was paid and is on no bill.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Balance {
    pub(crate) currency: Currency,
    pub(crate) open_minor: i64,
    /// The part of it that is held for payments.
    pub(crate) reserved_minor: i64,
    pub(crate) unapplied_minor: i64,
}
