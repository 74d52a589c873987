//! The drive of a payment as a task of its own: a client that leaves does not stop it, and one that
//! stays waits only so long.

use std::sync::Arc;
use std::time::Duration;

use busbar_http::{Deadline, Problem, Reply};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use crate::jobs::{self, Job};
use crate::requests;
use crate::services::payments::Payments;
use crate::services::payments::problem::billing_unavailable;
use crate::services::payments::store;
use crate::types::{Backoff, PaymentId};

use super::begin::show;
use super::{Driven, drive};

/// After a failure the job is left to the worker, or to the client's next try.
/// Later and later, so that payments which cannot go on leave the worker to those which can.
const RETRY: Backoff = Backoff { floor_ms: 1_000, ceiling_ms: 30_000 };
/// What is kept of a deadline for writing the answer.
pub(super) const ANSWER_MARGIN: Duration = Duration::from_millis(200);
/// How often a payment is looked at that somebody else brings on.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

type Drive = JoinHandle<Result<Driven, Problem>>;

/// Drives the payment under its job, whose lease is renewed meanwhile.
pub(super) fn spawn(
    payments: Arc<Payments>,
    job: Job,
    id: PaymentId,
    permit: OwnedSemaphorePermit,
) -> Drive {
    actix_rt::spawn(async move {
        let _permit = permit;
        let _in_flight = payments.meters.in_flight();
        let driven = tokio::select! {
            driven = drive(&payments, &job, id) => driven,
            () = keep_lease(&payments, &job) => Err(requests::in_flight()),
        };
        if let Err(problem) = &driven {
            log::warn!("payment {id} stays where it is: {problem}");
            give_back(&payments, &job, problem.code()).await;
        }
        driven
    })
}

/// Renews the lease until it is lost: somebody else drives the payment by then.
pub(super) async fn keep_lease(payments: &Payments, job: &Job) {
    let lease = payments.settings.lease;
    let mut until = tokio::time::Instant::now() + lease;
    loop {
        tokio::time::sleep(lease / 3).await;
        let asked = tokio::time::Instant::now();
        let renew = payments.database.transaction(async |tx| jobs::renew(tx, job, lease).await);
        match tokio::time::timeout_at(until, renew).await {
            Ok(Ok(true)) => until = asked + lease,
            Ok(Ok(false)) | Err(_) => return,
            Ok(Err(error)) => log::warn!("the lease of job {} stays: {error}", job.id),
        }
    }
}

/// Lets go of the job, so that whoever comes next need not wait for its lease.
pub(super) async fn give_back(payments: &Payments, job: &Job, why: &str) {
    let chance = job.id.uuid().as_u64_pair().1;
    let due_at = payments.clock.now().plus(RETRY.wait(job.attempts, chance));
    let given = payments
        .database
        .transaction(async |tx| jobs::give_back(tx, job, due_at, Some(why)).await)
        .await;
    if let Err(problem) = given {
        log::debug!("job {} was not given back: {problem}", job.id);
    }
}

/// Waits for the outcome as long as clients are made to, then tells how far it is.
///
/// A payment that is not shown yet is waited for as long as the request may take. When the drive
/// comes to grief somebody else goes on with it, and is waited for likewise.
pub(super) async fn wait(
    payments: &Payments,
    id: PaymentId,
    task: Drive,
    deadline: Deadline,
) -> Result<Reply, Problem> {
    let deadline = deadline.sooner(deadline.left().saturating_sub(ANSWER_MARGIN));
    let patience = deadline.sooner(payments.settings.wait);
    let mut trouble = match tokio::time::timeout(patience.left(), task).await {
        Ok(Ok(Ok(driven))) => return answer(driven),
        Ok(Ok(Err(problem))) => Some(problem),
        Ok(Err(error)) => return Err(Problem::internal(error)),
        Err(_) => None,
    };
    loop {
        let payment = store::payment::by_id(&payments.database, id).await?;
        let Some(payment) = payment else {
            return Err(trouble.unwrap_or_else(requests::in_flight));
        };
        let is_shown = payment.stage.status().is_some();
        if is_shown && (payment.stage.rests() || patience.left().is_zero()) {
            return show(&payment);
        }
        if deadline.left().is_zero() {
            return Err(trouble.take().unwrap_or_else(|| billing_unavailable("it takes its time")));
        }
        tokio::time::sleep(LOOK_AGAIN.min(deadline.left())).await;
    }
}

fn answer(driven: Driven) -> Result<Reply, Problem> {
    match driven {
        Driven::To(payment) => show(&payment),
        Driven::Refused(problem) => Err(problem),
        Driven::Nowhere => Err(requests::in_flight()),
    }
}
