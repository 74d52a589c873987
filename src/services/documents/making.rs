//! Makes invoices and receipts: durable jobs that ask the other services for the facts, have the
//! paper rendered, and keep it. Does I/O.
//!
//! There is one invoice for each bill and one receipt for each payment, whatever is repeated: the
//! table has a unique key for what the service has made itself.
mod facts;
mod papers;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::block;
use busbar_http::Problem;
use bytes::Bytes;

use crate::jobs::{self, Job};
use crate::storage::Transaction;
use crate::types::{BillId, DocumentId, PaymentId, Text, UserId};

use super::content::Receiver;
use super::events::{Cause, PaymentSucceeded, Task, stored};
use super::keeping::{self, Published};
use super::model::document::{Document, DocumentKind};
use super::model::filename::Filename;
use super::model::subject::Subject;
use super::problem::unreceived;
use super::render::{self, RenderError};
use super::{Documents, store};

use self::facts::Facts;

/// How long one paper may take.
const RENDER_WAIT_MAX: Duration = Duration::from_secs(30);
const PDF: &str = "application/pdf";

/// What is to be kept of a paper beside its bytes.
struct Paper {
    kind: DocumentKind,
    subject: Subject,
    owner_id: UserId,
    filename: Filename,
}

/// Makes the invoice of a bill that was issued.
pub(super) async fn invoice(documents: &Arc<Documents>, job: &Job) -> Result<(), Problem> {
    let task: Task<()> = job.read().map_err(Problem::internal)?;
    let id = BillId::parse(&job.key).map_err(Problem::internal)?;
    let (kind, subject) = (DocumentKind::Invoice, Subject::bill(id));
    if is_made(documents, job, kind, &subject).await? {
        return Ok(());
    }
    let made = async {
        let facts = Facts::of_bill(documents, id, job.failures).await?;
        let (owner_id, filename) = (facts.owner(), facts.filename("invoice", facts.number())?);
        let invoice = papers::invoice(facts)?;
        let pdf = rendered(documents, move || render::invoice(&invoice)).await?;
        Ok((Paper { kind, subject, owner_id, filename }, pdf))
    };
    finish(documents, job, &task.cause, kind, made.await).await
}

/// Makes the receipt of a payment that has succeeded.
pub(super) async fn receipt(documents: &Arc<Documents>, job: &Job) -> Result<(), Problem> {
    let task: Task<PaymentSucceeded> = job.read().map_err(Problem::internal)?;
    let id = PaymentId::parse(&job.key).map_err(Problem::internal)?;
    let (kind, subject) = (DocumentKind::Receipt, Subject::payment(id));
    if is_made(documents, job, kind, &subject).await? {
        return Ok(());
    }
    let Task { cause, facts: payment } = task;
    let made = async {
        let facts = Facts::of_bill(documents, payment.bill_id, job.failures).await?;
        let (owner_id, number) = (payment.user_id, papers::receipt_number(id));
        let filename = facts.filename("receipt", &number)?;
        let receipt = papers::receipt(facts, &payment, number, cause.at);
        let pdf = rendered(documents, move || render::receipt(&receipt)).await?;
        Ok((Paper { kind, subject, owner_id, filename }, pdf))
    };
    finish(documents, job, &cause, kind, made.await).await
}

/// Whether there is nothing left to do; then the job is finished.
async fn is_made(
    documents: &Documents,
    job: &Job,
    kind: DocumentKind,
    subject: &Subject,
) -> Result<bool, Problem> {
    if !store::document::is_made(&documents.database, kind, subject).await? {
        return Ok(false);
    }
    let now = documents.clock.now();
    documents.database.transaction(async |tx| jobs::finish(tx, job, now).await).await?;
    documents.meters.rendered(kind, "repeated");
    Ok(true)
}

/// On a thread of its own, a few at a time.
async fn rendered(
    documents: &Documents,
    render: impl FnOnce() -> Result<Vec<u8>, RenderError> + Send + 'static,
) -> Result<Vec<u8>, Problem> {
    let permit = documents.renders.clone().acquire_owned().await.map_err(Problem::internal)?;
    let work = block(move || {
        let pdf = render();
        drop(permit);
        pdf
    });
    let done = tokio::time::timeout(RENDER_WAIT_MAX, work).await;
    let pdf = done.map_err(|_| Problem::internal("a paper takes too long to render"))?;
    pdf.map_err(Problem::internal)?.map_err(Problem::internal)
}

/// Keeps the paper and ends the job, or counts the failure.
async fn finish(
    documents: &Documents,
    job: &Job,
    cause: &Cause,
    kind: DocumentKind,
    made: Result<(Paper, Vec<u8>), Problem>,
) -> Result<(), Problem> {
    let kept = match made {
        Ok((paper, pdf)) => keep(documents, job, cause, paper, pdf).await,
        Err(problem) => Err(problem),
    };
    let result = match &kept {
        Ok(true) => "made",
        Ok(false) => "repeated",
        Err(_) => "failed",
    };
    documents.meters.rendered(kind, result);
    kept.map(|_| ())
}

/// False: somebody else has kept one meanwhile.
async fn keep(
    documents: &Documents,
    job: &Job,
    cause: &Cause,
    paper: Paper,
    pdf: Vec<u8>,
) -> Result<bool, Problem> {
    documents.failpoints.reach("documents.rendered").await;
    let size = pdf.len() as u64;
    let content = async {
        let receiver = Receiver::begin(&documents.vault, size).await?;
        receiver.push(Bytes::from(pdf)).await?.finish().await
    };
    let content = content.await.map_err(|why| unreceived(why, size))?;
    let now = documents.clock.now();
    let Paper { kind, subject, owner_id, filename } = paper;
    let document = Document {
        id: DocumentId::new(),
        owner_id,
        kind,
        subject: Some(subject),
        filename,
        media_type: PDF.to_owned(),
        size: i64::try_from(size).map_err(Problem::internal)?,
        sha256: content.sha256(),
        is_generated: true,
        created_by: "service/documents".to_owned(),
        created_at: now,
    };
    let origin = cause.origin(now);
    let publish = async |tx: &mut Transaction<'_>| {
        jobs::finish(tx, job, now).await?;
        if !store::document::insert(tx, &document).await? {
            return Ok(Published::Unused(false));
        }
        stored(tx, &origin, &document).await?;
        Ok(Published::Used(true))
    };
    let is_new = keeping::keep(documents, content, publish).await?;
    if is_new {
        documents.meters.stored(kind, size);
    }
    Ok(is_new)
}
