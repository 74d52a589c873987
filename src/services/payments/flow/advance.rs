//! From a payment that was asked for to one that may be sent: billing holds its amount, then it is
//! shown, with its transfer announced in the ledger.

use std::time::Duration;

use busbar_http::Problem;

use crate::jobs::{self, Job};
use crate::requests;
use crate::services::payments::ledger::Transfer;
use crate::services::payments::model::payment::{Attempt, Payment, Reserved};
use crate::services::payments::model::stage::{Move, PaymentFailureCode};
use crate::services::payments::model::view::PaymentView;
use crate::services::payments::problem::billing_unavailable;
use crate::services::payments::reservation::{self, Reserve};
use crate::services::payments::store::{self, payment::Moved};
use crate::services::payments::{Payments, events};
use crate::storage::Transaction;
use crate::types::Timestamp;

use super::Driven;
use super::step::is_given_up;

/// The waits between tries to reach billing.
const RESERVE_AGAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];

/// What came of it.
pub(super) enum Advanced {
    /// It may be sent, and nobody else can have sent it yet.
    Sent(Box<Payment>),
    /// Somebody else was first.
    Overtaken,
    Ended(Driven),
}

/// Has billing hold the amount, and shows the payment.
pub(super) async fn reserve(
    payments: &Payments,
    job: &Job,
    payment: &Payment,
) -> Result<Advanced, Problem> {
    payments.failpoints.reach("payments.before_reserve").await;
    if is_given_up(payment, payments.clock.now()) {
        return give_up(payments, job, payment).await;
    }
    let mut may_be_held = job.attempts > 1;
    match ask(payments, payment, &mut may_be_held).await? {
        Reserve::Held(reserved) => {
            payments.failpoints.reach("payments.after_reserve").await;
            let sent = send(payments, payment, &reserved).await?;
            Ok(sent.map_or(Advanced::Overtaken, |sent| Advanced::Sent(sent.into())))
        }
        // A call that nobody answered may still come to billing: what it would hold by then, the event
        // has released.
        Reserve::Refused(problem) if may_be_held => {
            log::info!(
                "payment {}: refused ({}) after a call without answer",
                payment.id,
                problem.code()
            );
            give_up(payments, job, payment).await
        }
        Reserve::Refused(problem) => {
            remove(payments, job, payment).await?;
            payments.meters.refused();
            Ok(Advanced::Ended(Driven::Refused(problem)))
        }
        Reserve::Unreached(error) => {
            remove(payments, job, payment).await?;
            Ok(Advanced::Ended(Driven::Refused(billing_unavailable(error))))
        }
        Reserve::Unsure(error) => Err(billing_unavailable(error)),
    }
}

/// Asks billing, again after a while when it does not say. It is `Unreached` only if it has heard
/// of the payment by no call there ever was: then nothing can be held.
async fn ask(
    payments: &Payments,
    payment: &Payment,
    may_be_held: &mut bool,
) -> Result<Reserve, Problem> {
    let billing = payments.billing()?;
    for wait in RESERVE_AGAIN {
        match reservation::reserve(billing, payment).await {
            Reserve::Unreached(error) if !*may_be_held => return Ok(Reserve::Unreached(error)),
            Reserve::Unreached(_) => {}
            Reserve::Unsure(_) => *may_be_held = true,
            said => return Ok(said),
        }
        tokio::time::sleep(wait).await;
    }
    Ok(match reservation::reserve(billing, payment).await {
        Reserve::Unreached(error) if *may_be_held => Reserve::Unsure(error),
        said => said,
    })
}

/// Transaction B. `None` when somebody else was first.
async fn send(
    payments: &Payments,
    payment: &Payment,
    reserved: &Reserved,
) -> Result<Option<Payment>, Problem> {
    let attempt = store::attempt::last(&payments.database, payment.id).await?;
    let now = payments.clock.now();
    payments
        .database
        .transaction(async |tx| {
            let Some(sent) = store::payment::send(tx, payment, reserved, now).await? else {
                return Ok(None);
            };
            store::attempt::sent(tx, &attempt, now).await?;
            let pending = transfer(&sent, &attempt, now)?;
            store::transfer::write(tx, &pending).await?;
            events::tell(tx, &sent, &sent.principal, now).await?;
            Ok(Some(sent))
        })
        .await
}

/// The transfer that a payment means.
pub(super) fn transfer(
    payment: &Payment,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<Transfer, Problem> {
    let provider = payment.provider_id.as_ref();
    let provider = provider.ok_or_else(|| Problem::internal("a sent payment without provider"))?;
    let (key, connector) = (&attempt.charge_key, &payment.connector);
    Transfer::payment(key, connector, payment.user_id, provider, payment.money, at)
        .map_err(Problem::internal)
}

/// Takes the payment back, with the claim of its key and its job. When it has gone on, nothing is
/// taken back.
async fn remove(payments: &Payments, job: &Job, payment: &Payment) -> Result<(), Problem> {
    let now = payments.clock.now();
    payments
        .database
        .transaction(async |tx| {
            store::attempt::remove(tx, payment.id).await?;
            if !store::payment::remove(tx, payment.id).await? {
                return Err(Problem::internal("a payment was refused after it had been sent"));
            }
            requests::withdraw(tx, &payment.request()).await?;
            jobs::finish(tx, job, now).await
        })
        .await
}

/// Ends a payment that nothing could be held for; what may be held is released by the event.
async fn give_up(payments: &Payments, job: &Job, payment: &Payment) -> Result<Advanced, Problem> {
    let now = payments.clock.now();
    let cancelled = payments
        .database
        .transaction(async |tx| {
            let cancelled = cancel(tx, payment, now).await?;
            jobs::finish(tx, job, now).await?;
            Ok::<_, Problem>(cancelled)
        })
        .await?;
    payments.meters.ended(cancelled.stage);
    log::warn!("payment {} cancelled: nothing could be held for it", payment.id);
    Ok(Advanced::Ended(Driven::To(cancelled.into())))
}

async fn cancel(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    now: Timestamp,
) -> Result<Payment, Problem> {
    let vanished = || Problem::internal("a payment that was to be given up has gone on");
    let to = payment.stage.after(Move::Cancel).ok_or_else(vanished)?;
    let failure = Some(PaymentFailureCode::NotReserved);
    let moved = Moved { to, failure, at: now, actor: "system", note: None };
    let cancelled = store::payment::make_move(tx, payment, &moved).await?.ok_or_else(vanished)?;
    events::tell(tx, &cancelled, "system", now).await?;
    let view = PaymentView::of(&cancelled);
    requests::finish(tx, &cancelled.request(), 201, &view).await?;
    Ok(cancelled)
}
