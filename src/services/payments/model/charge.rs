//! What a connector is asked, and what it says.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Amount, Currency, Money, PaymentId, Timestamp};

use super::order::MethodToken;
use super::payment::{Attempt, Payment};
use super::stage::PaymentFailureCode;

/// A charge to be carried out, once for its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Charge {
    /// `<payment>:<attempt>`: the connector carries out one charge for it, however often it hears.
    pub(crate) key: String,
    /// What we call it in the connector's books: the payment.
    pub(crate) reference: PaymentId,
    pub(crate) money: Money,
    pub(crate) token: MethodToken,
}

impl Charge {
    pub(crate) fn new(payment: &Payment, attempt: &Attempt) -> Charge {
        Charge {
            key: attempt.charge_key.clone(),
            reference: payment.id,
            money: payment.money,
            token: payment.token.clone(),
        }
    }
}

/// How a charge ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// The connector's own name for the charge.
    Succeeded {
        reference: String,
    },
    Declined {
        reason: PaymentFailureCode,
    },
}

/// What a connector says to a charge.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done(Verdict),
    /// It may have been carried out or not.
    Open {
        why: String,
    },
}

/// What a connector says when it is asked for a charge by its key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// It has never heard of it, so nothing was carried out.
    NeverSeen,
    Pending,
    Done(Verdict),
    /// It did not say.
    Silent {
        why: String,
    },
}

/// A charge in the books of the simulated bank.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SimCharge {
    pub(crate) charge_key: String,
    pub(crate) reference: PaymentId,
    pub(crate) money: Money,
    pub(crate) token: MethodToken,
    pub(crate) decline_code: Option<PaymentFailureCode>,
    pub(crate) received_at: Timestamp,
    pub(crate) answers_at: Timestamp,
    pub(crate) calls: u32,
}

/// What the simulated bank has seen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SimChargeView {
    charge_key: String,
    reference: PaymentId,
    amount_minor: Amount,
    currency: Currency,
    /// `pending`, `succeeded` or `declined`.
    status: &'static str,
    decline_code: Option<PaymentFailureCode>,
    received_at: Timestamp,
    answers_at: Timestamp,
    /// How often it was asked for.
    calls: u32,
}

impl SimCharge {
    /// How it ended, once it has.
    pub(crate) fn verdict(&self, now: Timestamp) -> Option<Verdict> {
        if now < self.answers_at {
            return None;
        }
        Some(match self.decline_code {
            Some(reason) => Verdict::Declined { reason },
            None => Verdict::Succeeded { reference: format!("sim_{}", self.charge_key) },
        })
    }

    pub(crate) fn shown(self, now: Timestamp) -> SimChargeView {
        let status = match self.verdict(now) {
            None => "pending",
            Some(Verdict::Succeeded { .. }) => "succeeded",
            Some(Verdict::Declined { .. }) => "declined",
        };
        SimChargeView {
            charge_key: self.charge_key,
            reference: self.reference,
            amount_minor: self.money.amount(),
            currency: self.money.currency(),
            status,
            decline_code: self.decline_code,
            received_at: self.received_at,
            answers_at: self.answers_at,
            calls: self.calls,
        }
    }
}

/// `GET /sim/charges?reference=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimFilter {
    pub(crate) reference: PaymentId,
}
