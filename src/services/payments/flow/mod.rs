//! The road of a payment, from wherever it is found to where it can be brought now. Does I/O.
//!
//! ```text
//! A  claim the key, insert payment and attempt, enqueue its job        begin
//!    billing holds the amount                                          advance
//! B  pending transfer, attempt sent, payment.created                   advance
//!    the connector carries it out                                      drive
//! C  result, transfer posted or voided, event, stored answer, job done conclude
//! ```
//!
//! Between the transactions the process may die. Whoever holds the job's lease next finds the
//! payment in one of its stages and goes on from there: found before B it reserves again, which
//! billing takes for the same reservation; found before C it asks the connector first, and sends
//! again only what that has never seen. Whose outcome nobody finds is ended by an operator, who is
//! heard where the connector says nothing (`resolve`).

mod advance;
mod begin;
mod conclude;
mod follow;
mod resolve;
mod step;

use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Job};
use crate::types::PaymentId;

pub(crate) use self::begin::create;
pub(crate) use self::resolve::{Word, resolve};

use self::advance::Advanced;
use self::conclude::{Conclusion, conclude};
use self::step::{Next, Step, after_answer, after_found, step};
use super::Payments;
use super::model::charge::{Answer, Charge, Verdict};
use super::model::payment::{Attempt, Payment};
use super::store;

/// The kind of the jobs that bring payments to their ends; their key is the payment's id.
pub(crate) const DRIVE: &str = "drive_payment";
/// More steps than any payment takes in one go.
const STEPS_MAX: usize = 8;
/// How long a connector may take for one call; after that the outcome is unknown.
const CONNECTOR_WAIT_MAX: Duration = Duration::from_secs(30);

/// Where a drive has brought a payment.
pub(crate) enum Driven {
    /// To an end, or to where only time helps.
    To(Box<Payment>),
    /// It was refused, and is as if it had never been asked for.
    Refused(Problem),
    /// There is no such payment (any more).
    Nowhere,
}

/// Brings a payment as far as it can be brought now. The job is finished or given back with it;
/// on an error it is still held.
pub(crate) async fn drive(
    payments: &Payments,
    job: &Job,
    id: PaymentId,
) -> Result<Driven, Problem> {
    let mut ours: Option<Payment> = None;
    for _ in 0..STEPS_MAX {
        let is_ours = ours.is_some();
        let found = match ours.take() {
            Some(payment) => Some(payment),
            None => store::payment::by_id(&payments.database, id).await?,
        };
        let Some(payment) = found else { return Ok(Driven::Nowhere) };
        let driven = match step(payment.stage, is_ours) {
            Step::Reserve => match advance::reserve(payments, job, &payment).await? {
                Advanced::Sent(sent) => {
                    ours = Some(*sent);
                    None
                }
                Advanced::Overtaken => None,
                Advanced::Ended(driven) => Some(driven),
            },
            Step::Charge => charge(payments, job, &payment).await?,
            Step::Ask => ask(payments, job, &payment).await?,
            Step::Rest => {
                finish(payments, job).await?;
                Some(Driven::To(payment.into()))
            }
        };
        if let Some(driven) = driven {
            return Ok(driven);
        }
    }
    Err(Problem::internal(format!("payment {id} goes in circles")))
}

async fn finish(payments: &Payments, job: &Job) -> Result<(), Problem> {
    let now = payments.clock.now();
    payments.database.transaction(async |tx| jobs::finish(tx, job, now).await).await
}

/// Has the connector carry it out. `None`: somebody else has moved it meanwhile.
async fn charge(
    payments: &Payments,
    job: &Job,
    payment: &Payment,
) -> Result<Option<Driven>, Problem> {
    let attempt = store::attempt::last(&payments.database, payment.id).await?;
    let charge = Charge::new(payment, &attempt);
    let connector = payments.connector(&payment.connector)?;
    payments.failpoints.reach("payments.before_connector").await;
    let asked = tokio::time::timeout(CONNECTOR_WAIT_MAX, connector.charge(&charge)).await;
    payments.failpoints.reach("payments.after_connector").await;
    let answer = asked.unwrap_or(Answer::Open { why: "no answer in time".to_owned() });
    payments.meters.charged(&answer);
    let driven = go_on(payments, job, payment, &attempt, after_answer(answer)).await?;
    for verdict in connector.callbacks(&charge).await {
        hear_again(payments, payment, &attempt, &verdict).await?;
    }
    Ok(driven)
}

/// Asks the connector what became of it, and sends it when it was never seen.
async fn ask(payments: &Payments, job: &Job, payment: &Payment) -> Result<Option<Driven>, Problem> {
    let attempt = store::attempt::last(&payments.database, payment.id).await?;
    let connector = payments.connector(&payment.connector)?;
    let asked = connector.find(&attempt.charge_key);
    let next = match tokio::time::timeout(CONNECTOR_WAIT_MAX, asked).await {
        Ok(found) => after_found(found),
        Err(_) => Next::Wait { why: "no answer in time".to_owned() },
    };
    match next {
        Next::Charge => charge(payments, job, payment).await,
        next => go_on(payments, job, payment, &attempt, next).await,
    }
}

async fn go_on(
    payments: &Payments,
    job: &Job,
    payment: &Payment,
    attempt: &Attempt,
    next: Next,
) -> Result<Option<Driven>, Problem> {
    let moved = match next {
        Next::Conclude(verdict) => {
            let (payment, verdict) = (payment, &verdict);
            let actor = payment.principal.as_str();
            let conclusion =
                Conclusion { payment, attempt, verdict, job: Some(job), actor, note: None };
            let concluded = conclude(payments, &conclusion, None).await?;
            payments.failpoints.reach("payments.after_commit").await;
            concluded
        }
        Next::Wait { why } => conclude::leave_open(payments, job, payment, attempt, &why).await?,
        Next::Charge => None,
    };
    Ok(moved.map(|payment| Driven::To(payment.into())))
}

/// What a connector repeats changes nothing.
async fn hear_again(
    payments: &Payments,
    payment: &Payment,
    attempt: &Attempt,
    verdict: &Verdict,
) -> Result<(), Problem> {
    let Some(now) = store::payment::by_id(&payments.database, payment.id).await? else {
        return Ok(());
    };
    let actor = payment.principal.as_str();
    let conclusion = Conclusion { payment: &now, attempt, verdict, job: None, actor, note: None };
    if conclude(payments, &conclusion, None).await?.is_none() {
        payments.meters.repeated();
    }
    Ok(())
}
