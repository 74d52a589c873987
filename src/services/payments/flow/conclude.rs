//! Transaction C: a verdict becomes the end of a payment; and what stands in its place while
//! there is none.

use busbar_http::Problem;

use crate::audit;
use crate::jobs::{self, Job};
use crate::requests;
use crate::services::payments::ledger::{TransferKind, TransferPhase};
use crate::services::payments::model::charge::Verdict;
use crate::services::payments::model::payment::{Attempt, Payment};
use crate::services::payments::model::stage::{Move, Stage};
use crate::services::payments::model::view::PaymentView;
use crate::services::payments::store::{self, payment::Moved};
use crate::services::payments::{Payments, events};
use crate::storage::Transaction;
use crate::types::Timestamp;

use super::advance::transfer;
use super::step::{poll_wait, verdict_move};

/// A verdict, and on whose word.
pub(crate) struct Conclusion<'a> {
    pub(crate) payment: &'a Payment,
    pub(crate) attempt: &'a Attempt,
    pub(crate) verdict: &'a Verdict,
    /// Finished with it, where there is one.
    pub(crate) job: Option<&'a Job>,
    pub(crate) actor: &'a str,
    pub(crate) note: Option<&'a str>,
}

/// Ends the payment, and puts that on record where an entry is given. `None`: it had come to an end
/// before, and stays as it is.
pub(crate) async fn conclude(
    payments: &Payments,
    conclusion: &Conclusion<'_>,
    entry: Option<&audit::Entry>,
) -> Result<Option<Payment>, Problem> {
    let now = payments.clock.now();
    let concluded = payments
        .database
        .transaction(async |tx| {
            let concluded = write(tx, conclusion, now).await?;
            if let (Some(_), Some(entry)) = (&concluded, entry) {
                audit::record(tx, entry).await?;
            }
            Ok::<_, Problem>(concluded)
        })
        .await?;
    if let Some(payment) = &concluded {
        payments.meters.ended(payment.stage);
        if conclusion.payment.stage == Stage::Unknown {
            payments.meters.found_out();
        }
        let took_ms = now.since(payment.created_at).as_millis();
        log::info!("payment {} {} in {took_ms} ms", payment.id, payment.stage);
    }
    Ok(concluded)
}

async fn write(
    tx: &mut Transaction<'_>,
    conclusion: &Conclusion<'_>,
    now: Timestamp,
) -> Result<Option<Payment>, Problem> {
    let Conclusion { payment, attempt, verdict, job, actor, note } = *conclusion;
    let (what, failure) = verdict_move(verdict);
    let Some(to) = payment.stage.after(what) else { return Ok(None) };
    let moved = Moved { to, failure, at: now, actor, note };
    let Some(ended) = store::payment::make_move(tx, payment, &moved).await? else {
        return Ok(None);
    };
    store::attempt::answered(tx, attempt, verdict, now).await?;
    settle(tx, payment, attempt, to, now).await?;
    events::tell(tx, &ended, actor, now).await?;
    requests::finish(tx, &ended.request(), 201, &PaymentView::of(&ended)).await?;
    if let Some(job) = job {
        jobs::finish(tx, job, now).await?;
    }
    Ok(Some(ended))
}

/// Posts the pending transfer, or voids it.
async fn settle(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    attempt: &Attempt,
    to: Stage,
    now: Timestamp,
) -> Result<(), Problem> {
    let pending = transfer(payment, attempt, now)?;
    let id = store::transfer::pending(tx, TransferKind::Payment, pending.reference()).await?;
    let pending = pending.with_id(id);
    let ending = if to == Stage::Succeeded { pending.posting(now) } else { pending.voiding(now) };
    if store::transfer::write(tx, &ending).await? {
        return Ok(());
    }
    let phase: TransferPhase = ending.phase();
    Err(Problem::internal(format!("the transfer of {} was {phase} before", payment.id)))
}

/// Nobody knows what became of it: the amount stays held, and the connector is asked again.
/// `None`: it has moved meanwhile.
pub(super) async fn leave_open(
    payments: &Payments,
    job: &Job,
    payment: &Payment,
    attempt: &Attempt,
    why: &str,
) -> Result<Option<Payment>, Problem> {
    let now = payments.clock.now();
    let asked = if payment.stage == Stage::Unknown { payment.polls + 1 } else { 0 };
    let chance = payment.id.uuid().as_u64_pair().1.wrapping_add(asked.into());
    let due_at = now.plus(poll_wait(&payments.settings.unknown_polls, asked, chance));
    let open = payments
        .database
        .transaction(async |tx| {
            let lost = lose_sight(tx, payment, attempt, now).await?;
            if lost.is_some() {
                jobs::give_back(tx, job, due_at, Some(why)).await?;
            }
            Ok::<_, Problem>(lost)
        })
        .await?;
    if open.is_some() && asked == 0 {
        payments.meters.lost_sight();
        log::warn!("payment {}: outcome unknown: {why}", payment.id);
    }
    Ok(open)
}

/// Notes that the outcome is unknown, or that it still is. `None` when it has moved meanwhile.
async fn lose_sight(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<Option<Payment>, Problem> {
    let Some(to) = payment.stage.after(Move::LoseSight) else {
        let is_still = store::payment::polled(tx, payment).await?;
        return Ok(is_still.then(|| payment.clone()));
    };
    let actor = payment.principal.as_str();
    let moved = Moved { to, failure: None, at: now, actor, note: None };
    let Some(lost) = store::payment::make_move(tx, payment, &moved).await? else {
        return Ok(None);
    };
    store::attempt::lost(tx, attempt).await?;
    events::tell(tx, &lost, actor, now).await?;
    Ok(Some(lost))
}
