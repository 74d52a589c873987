//! An operator's word on a payment whose outcome is unknown. Its connector is asked first: what that
//! says counts, and the word only where it says nothing.

use std::time::Duration;

use busbar_http::{Deadline, Problem};
use serde_json::json;

use crate::audit;
use crate::jobs::{self, Job};
use crate::services::payments::Payments;
use crate::services::payments::model::charge::{Found, Verdict};
use crate::services::payments::model::payment::{Attempt, Payment};
use crate::services::payments::model::stage::PaymentFailureCode;
use crate::services::payments::model::view::PaymentResolution;
use crate::services::payments::problem::{
    PAYMENT_IN_HAND, connector_at_it, connector_disagrees, invalid_state,
};
use crate::services::payments::store;
use crate::storage::Transaction;
use crate::types::{PaymentId, Timestamp};

use super::DRIVE;
use super::conclude::{Conclusion, conclude};
use super::follow::{ANSWER_MARGIN, give_back, keep_lease};
use super::step::{Weighed, weigh};

/// A connector that has said nothing in all this time is silent. Less than a request through the
/// gateway has by default.
const SILENT_AFTER: Duration = Duration::from_secs(3);

/// What an operator says became of a payment.
pub(crate) struct Word<'a> {
    pub(crate) outcome: PaymentResolution,
    pub(crate) evidence: &'a str,
    /// Whose word it is, as `user/0190…`.
    pub(crate) actor: String,
    pub(crate) request_id: String,
}

/// Ends the payment, by the word or by what its connector says. Where the two differ the payment
/// has ended all the same, and the operator is told.
pub(crate) async fn resolve(
    payments: &Payments,
    payment: &Payment,
    word: &Word<'_>,
    deadline: Deadline,
) -> Result<Payment, Problem> {
    // Nobody drives it meanwhile: a charge under way would find it ended, and its money lost.
    let job = take_over(payments, payment.id).await?.ok_or(PAYMENT_IN_HAND)?;
    match end(payments, payment, word, &job, deadline).await {
        Ok((ended, Weighed::Contradicted(_))) => Err(connector_disagrees(ended.stage)),
        Ok((ended, _)) => Ok(ended),
        Err(problem) => {
            give_back(payments, &job, "it was not resolved").await;
            Err(problem)
        }
    }
}

/// The job of the payment. `None`: it is being driven.
async fn take_over(payments: &Payments, id: PaymentId) -> Result<Option<Job>, Problem> {
    let (key, lease) = (id.to_string(), payments.settings.lease);
    let take = async |tx: &mut Transaction<'_>| {
        Ok::<_, Problem>(jobs::take(tx, DRIVE, &key, lease).await?)
    };
    payments.database.transaction(take).await
}

async fn end(
    payments: &Payments,
    payment: &Payment,
    word: &Word<'_>,
    job: &Job,
    deadline: Deadline,
) -> Result<(Payment, Weighed), Problem> {
    let attempt = store::attempt::last(&payments.database, payment.id).await?;
    let found = tokio::select! {
        found = ask(payments, payment, &attempt, deadline) => found?,
        () = keep_lease(payments, job) => return Err(PAYMENT_IN_HAND.problem()),
    };
    let weighed = weigh(word.outcome, found);
    let verdict = match &weighed {
        Weighed::TooEarly => return Err(connector_at_it()),
        Weighed::ByWord => word.verdict(payment.id),
        Weighed::Confirmed(verdict) | Weighed::Contradicted(verdict) => verdict.clone(),
    };
    let entry = word.entry(payment, &weighed, payments.clock.now());
    let note = word.note(&weighed);
    let conclusion = Conclusion {
        payment,
        attempt: &attempt,
        verdict: &verdict,
        job: Some(job),
        actor: &word.actor,
        note: Some(&note),
    };
    let ended = conclude(payments, &conclusion, Some(&entry)).await?;
    Ok((ended.ok_or_else(|| invalid_state(payment.stage))?, weighed))
}

/// What the connector says, as long as the request may wait for it.
async fn ask(
    payments: &Payments,
    payment: &Payment,
    attempt: &Attempt,
    deadline: Deadline,
) -> Result<Found, Problem> {
    let connector = payments.connector(&payment.connector)?;
    let wait = deadline.left().saturating_sub(ANSWER_MARGIN).min(SILENT_AFTER);
    match tokio::time::timeout(wait, connector.find(&attempt.charge_key)).await {
        Ok(found) => Ok(found),
        // No haste of a client makes a connector silent.
        Err(_) if wait < SILENT_AFTER => Err(PAYMENT_IN_HAND.problem()),
        Err(_) => Ok(Found::Silent { why: "no answer in time".to_owned() }),
    }
}

impl Word<'_> {
    /// What a connector would have said.
    fn verdict(&self, id: PaymentId) -> Verdict {
        match self.outcome {
            PaymentResolution::Succeeded => {
                Verdict::Succeeded { reference: format!("resolved_{id}") }
            }
            PaymentResolution::Failed => {
                Verdict::Declined { reason: PaymentFailureCode::NotCarriedOut }
            }
        }
    }

    /// What is kept with the change of the payment.
    fn note(&self, weighed: &Weighed) -> String {
        let Word { outcome, evidence, .. } = self;
        match weighed {
            Weighed::Contradicted(_) => {
                format!("as the connector says, though {outcome} was said: {evidence}")
            }
            _ => (*evidence).to_owned(),
        }
    }

    fn entry(&self, payment: &Payment, weighed: &Weighed, at: Timestamp) -> audit::Entry {
        let connector = match weighed {
            Weighed::Confirmed(_) => "agrees",
            Weighed::Contradicted(_) => "disagrees",
            Weighed::ByWord | Weighed::TooEarly => "says nothing",
        };
        audit::Entry {
            actor: self.actor.clone(),
            action: "payment.resolved",
            subject: payment.subject(),
            request_id: Some(self.request_id.clone()),
            at,
            details: json!({
                "outcome": self.outcome, "evidence": self.evidence, "connector": connector,
            }),
        }
    }
}
