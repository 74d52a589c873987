//! What is shown of payments, and the questions that are asked about them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{
    Amount, BillId, Currency, Cursor, Limit, PaymentId, ProviderId, Timestamp, UserId, words,
};

use super::metadata::PaymentMetadata;
use super::payment::{Attempt, Payment, Transition};
use super::stage::{AttemptState, PaymentFailureCode, PaymentStatus, Stage};

words! {
    /// What is known of the outcome of a payment in process.
    pub(crate) enum PaymentOutcome: "outcome_invalid" {
        /// The connector left it open; it is asked again, and the bill's amount stays held.
        Unknown = "unknown",
    }
}

/// A payment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PaymentView {
    id: PaymentId,
    status: PaymentStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<PaymentOutcome>,
    bill_id: BillId,
    bill_number: Option<String>,
    user_id: UserId,
    provider_id: Option<ProviderId>,
    amount_minor: Amount,
    currency: Currency,
    amount_captured_minor: Amount,
    connector: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<PaymentFailure>,
    metadata: PaymentMetadata,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Why it came to nothing.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct PaymentFailure {
    code: PaymentFailureCode,
    message: &'static str,
    /// Whether a new payment by the same method may succeed.
    retryable: bool,
}

impl From<PaymentFailureCode> for PaymentFailure {
    fn from(code: PaymentFailureCode) -> PaymentFailure {
        PaymentFailure { code, message: code.message(), retryable: code.is_retryable() }
    }
}

impl PaymentView {
    /// `None`: nothing is shown of it yet.
    pub(crate) fn of(payment: &Payment) -> Option<PaymentView> {
        let status = payment.stage.status()?;
        let is_captured = status == PaymentStatus::Succeeded;
        Some(PaymentView {
            id: payment.id,
            status,
            outcome: (payment.stage == Stage::Unknown).then_some(PaymentOutcome::Unknown),
            bill_id: payment.bill_id,
            bill_number: payment.bill_number.clone(),
            user_id: payment.user_id,
            provider_id: payment.provider_id.clone(),
            amount_minor: payment.money.amount(),
            currency: payment.money.currency(),
            amount_captured_minor: if is_captured { payment.money.amount() } else { Amount::ZERO },
            connector: payment.connector.clone(),
            failure: payment.failure_code.map(PaymentFailure::from),
            metadata: payment.metadata.clone(),
            version: payment.version,
            created_at: payment.created_at,
            updated_at: payment.updated_at,
        })
    }

    /// Where the next page begins.
    pub(crate) fn cursor(&self) -> String {
        Cursor::new(self.created_at, self.id).to_string()
    }
}

/// The road of a payment: its tries at the connector and its changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentTimeline {
    payment_id: PaymentId,
    attempts: Vec<AttemptView>,
    transitions: Vec<TransitionView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AttemptView {
    number: u32,
    connector: String,
    /// What the connector tells the charge by.
    charge_key: String,
    /// The connector's own name for it.
    connector_reference: Option<String>,
    state: AttemptState,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<PaymentFailure>,
    sent_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TransitionView {
    version: i64,
    status: Option<PaymentStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<PaymentOutcome>,
    at: Timestamp,
    /// For staff only: who moved it, and what they had to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl PaymentTimeline {
    pub(crate) fn new(
        payment_id: PaymentId,
        attempts: Vec<Attempt>,
        transitions: Vec<Transition>,
        shows_actors: bool,
    ) -> PaymentTimeline {
        let attempts = attempts.into_iter().map(|attempt| AttemptView {
            number: attempt.number,
            connector: attempt.connector,
            charge_key: attempt.charge_key,
            connector_reference: attempt.connector_reference,
            state: attempt.state,
            failure: attempt.failure_code.map(PaymentFailure::from),
            sent_at: attempt.sent_at,
            answered_at: attempt.answered_at,
        });
        let transitions = transitions.into_iter().map(|transition| TransitionView {
            version: transition.version,
            status: transition.stage.status(),
            outcome: (transition.stage == Stage::Unknown).then_some(PaymentOutcome::Unknown),
            at: transition.at,
            actor: shows_actors.then_some(transition.actor),
            note: transition.note.filter(|_| shows_actors),
        });
        let (attempts, transitions) = (attempts.collect(), transitions.collect());
        PaymentTimeline { payment_id, attempts, transitions }
    }
}

/// `GET /payments?…`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PaymentFilter {
    pub(crate) user_id: Option<UserId>,
    pub(crate) bill_id: Option<BillId>,
    pub(crate) status: Option<PaymentStatus>,
    pub(crate) created_from: Option<Timestamp>,
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

/// `GET /payments/user/{user_id}?…`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

words! {
    /// How an operator ends a payment whose outcome is unknown.
    pub(crate) enum PaymentResolution: "outcome_invalid" {
        Succeeded = "succeeded",
        Failed = "failed",
    }
}

/// The body of `POST /payments/{id}/resolve`: by whoever does not pay it. What the connector says
/// comes first.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveOrder {
    pub(crate) outcome: PaymentResolution,
    /// What shows it: where it was looked up, by what reference. 1 to 1000 characters, no card
    /// number.
    pub(crate) evidence: String,
}
