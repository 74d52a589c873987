//! Transaction A, and what a request gets that comes with a key.

use std::sync::Arc;

use busbar_http::{Deadline, Problem, Reply};

use crate::jobs::{self, Job, NewJob};
use crate::requests::{self, Claim};
use crate::services::payments::Payments;
use crate::services::payments::model::payment::{Attempt, Payment};
use crate::services::payments::model::stage::Stage;
use crate::services::payments::model::view::PaymentView;
use crate::services::payments::problem::busy;
use crate::services::payments::store;
use crate::storage::Transaction;
use crate::types::{PaymentId, Text};

use super::{DRIVE, follow};

/// What a claim of a key comes to.
enum Begun {
    /// The answer is there.
    Answered(Reply),
    /// Nothing but time brings this payment on.
    Waits(Box<Payment>),
    /// The payment is ours to drive, under this job.
    Ours { id: PaymentId, job: Job },
}

/// Takes the payment on, or finds the one that its key stands for, and waits for its outcome.
pub(crate) async fn create(
    payments: &Arc<Payments>,
    payment: &Payment,
    deadline: Deadline,
) -> Result<Reply, Problem> {
    let permit = payments.permits.clone().try_acquire_owned().ok();
    let may_drive = permit.is_some();
    let begun = payments
        .database
        .transaction(async |tx| begin(tx, payments, payment, may_drive).await)
        .await?;
    match (begun, permit) {
        (Begun::Answered(reply), _) => Ok(reply),
        (Begun::Waits(payment), _) => Ok(Reply { is_replayed: true, ..show(&payment)? }),
        (Begun::Ours { id, job }, Some(permit)) => {
            let task = follow::spawn(payments.clone(), job, id, permit);
            let reply = follow::wait(payments, id, task, deadline).await?;
            let is_replayed = reply.is_replayed || id != payment.id;
            Ok(Reply { is_replayed, ..reply })
        }
        (Begun::Ours { .. }, None) => Err(busy()),
    }
}

async fn begin(
    tx: &mut Transaction<'_>,
    payments: &Payments,
    payment: &Payment,
    may_drive: bool,
) -> Result<Begun, Problem> {
    let (now, resource) = (payments.clock.now(), payment.id.to_string());
    match requests::claim(tx, &payment.request(), &resource, now).await? {
        Claim::Replay(reply) => Ok(Begun::Answered(reply)),
        Claim::Running { resource } => resume(tx, payments, &resource, may_drive).await,
        Claim::New if !may_drive => Err(busy()),
        Claim::New => first(tx, payments, payment).await,
    }
}

/// A new payment, and the job that brings it to its end, held by us from the start.
async fn first(
    tx: &mut Transaction<'_>,
    payments: &Payments,
    payment: &Payment,
) -> Result<Begun, Problem> {
    let now = payments.clock.now();
    if !store::payment::insert(tx, payment).await? {
        return forgotten(tx, payment).await;
    }
    store::attempt::insert(tx, &Attempt::first(payment)).await?;
    let job = NewJob::new(DRIVE, payment.id, &(), now).map_err(Problem::internal)?;
    jobs::enqueue(tx, &job, now).await?;
    let job = jobs::take(tx, DRIVE, &job.key, payments.settings.lease).await?;
    let job = job.ok_or_else(|| Problem::internal("a new job is not free"))?;
    Ok(Begun::Ours { id: payment.id, job })
}

/// The key's answer is no longer kept, but its payment is: one key, one payment, for ever.
async fn forgotten(tx: &mut Transaction<'_>, payment: &Payment) -> Result<Begun, Problem> {
    let earlier = store::payment::by_key(tx, payment).await?.ok_or_else(requests::in_flight)?;
    if earlier.fingerprint != payment.fingerprint {
        return Err(requests::KEY_REUSED.problem());
    }
    if !earlier.stage.is_final() {
        // The claim is undone with this: its resource would be another payment.
        return Err(requests::in_flight());
    }
    let kept = requests::finish(tx, &payment.request(), 201, &PaymentView::of(&earlier)).await?;
    Ok(Begun::Answered(Reply { is_replayed: true, ..kept }))
}

/// A payment of the key exists and has no answer yet: it is driven, or was cut off.
async fn resume(
    tx: &mut Transaction<'_>,
    payments: &Payments,
    resource: &str,
    may_drive: bool,
) -> Result<Begun, Problem> {
    let id = PaymentId::parse(resource).map_err(Problem::internal)?;
    let payment = store::payment::reread(tx, id).await?.ok_or_else(requests::in_flight)?;
    if payment.stage == Stage::Unknown {
        return Ok(Begun::Waits(payment.into()));
    }
    let job = jobs::take(tx, DRIVE, resource, payments.settings.lease).await?;
    match job {
        None => Err(requests::in_flight()),
        Some(_) if !may_drive => Err(busy()),
        Some(job) => Ok(Begun::Ours { id, job }),
    }
}

/// The payment as it stands now.
pub(super) fn show(payment: &Payment) -> Result<Reply, Problem> {
    let view = PaymentView::of(payment).ok_or_else(requests::in_flight)?;
    Reply::first(201, &view)
}
