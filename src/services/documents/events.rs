//! What documents tells others, and what it does on hearing them: a bill that was issued gets an
//! invoice, a payment that has succeeded a receipt, each by a durable job.
use busbar_http::Problem;
use serde::{Deserialize, Serialize};

use crate::events::{Event, Kind, Origin, Published, kinds, outbox};
use crate::jobs::{self, NewJob};
use crate::storage::Transaction;
use crate::types::{Amount, BillId, Currency, DocumentId, EventId, PaymentId, ProviderId};
use crate::types::{ServiceName, Timestamp, UserId};

use super::model::digest::Sha256;
use super::model::document::{Document, DocumentKind};
use super::model::filename::Filename;
use super::model::subject::Subject;
use super::problem::EVENT_UNREADABLE;

/// The kinds of the jobs that make documents; their key is the id of the bill or payment.
pub(crate) const MAKE_INVOICE: &str = "documents.make_invoice";
pub(crate) const MAKE_RECEIPT: &str = "documents.make_receipt";

#[derive(Debug, Serialize)]
struct Stored<'a> {
    document_id: DocumentId,
    owner_id: UserId,
    kind: DocumentKind,
    subject: &'a Option<Subject>,
    sha256: Sha256,
    size: i64,
    media_type: &'a str,
    filename: &'a Filename,
}

impl Published for Stored<'_> {
    const KIND: Kind = kinds::DOCUMENT_STORED;

    fn subject(&self) -> String {
        subject_of(self.document_id)
    }
}

/// The subject of all that concerns a document.
pub(crate) fn subject_of(id: DocumentId) -> String {
    format!("document/{id}")
}

/// Tells that a document is there.
pub(crate) async fn stored(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    document: &Document,
) -> Result<(), Problem> {
    let told = Stored {
        document_id: document.id,
        owner_id: document.owner_id,
        kind: document.kind,
        subject: &document.subject,
        sha256: document.sha256,
        size: document.size,
        media_type: &document.media_type,
        filename: &document.filename,
    };
    outbox::publish(tx, origin, &told).await?;
    Ok(())
}

/// What is read of `bill.issued`.
#[derive(Deserialize)]
struct BillIssued {
    bill_id: BillId,
}

/// What is read of `payment.succeeded`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct PaymentSucceeded {
    pub(crate) payment_id: PaymentId,
    pub(crate) user_id: UserId,
    pub(crate) bill_id: BillId,
    pub(crate) provider_id: Option<ProviderId>,
    pub(crate) amount_minor: Amount,
    pub(crate) currency: Currency,
    pub(crate) connector: String,
    /// The type of the method, where it is told.
    #[serde(default)]
    pub(crate) method: Option<String>,
}

/// What a job that makes a document goes on with: what it answers, and what it needs of the event.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Task<T> {
    pub(crate) cause: Cause,
    pub(crate) facts: T,
}

/// The event that set it off.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cause {
    event: EventId,
    correlation: String,
    actor: String,
    /// When it happened.
    pub(crate) at: Timestamp,
}

impl Cause {
    fn of(event: &Event) -> Cause {
        Cause {
            event: event.id,
            correlation: event.correlationid.clone(),
            actor: event.actor.clone(),
            at: event.time,
        }
    }

    pub(crate) fn origin(&self, at: Timestamp) -> Origin {
        Origin {
            source: ServiceName::Documents,
            at,
            correlation: self.correlation.clone(),
            causation: Some(self.event),
            actor: self.actor.clone(),
        }
    }
}

/// Enqueues what is to be made.
pub(crate) async fn hear(
    tx: &mut Transaction<'_>,
    event: &Event,
    now: Timestamp,
) -> Result<(), Problem> {
    match event.name() {
        "bill.issued" => {
            let facts: BillIssued = event.read().map_err(unreadable)?;
            make(tx, MAKE_INVOICE, facts.bill_id, &task(event, ()), now).await
        }
        "payment.succeeded" => {
            let facts: PaymentSucceeded = event.read().map_err(unreadable)?;
            make(tx, MAKE_RECEIPT, facts.payment_id, &task(event, facts), now).await
        }
        _ => Ok(()),
    }
}

fn task<T>(event: &Event, facts: T) -> Task<T> {
    Task { cause: Cause::of(event), facts }
}

async fn make(
    tx: &mut Transaction<'_>,
    kind: &'static str,
    key: impl ToString,
    task: &impl Serialize,
    now: Timestamp,
) -> Result<(), Problem> {
    let job = NewJob::new(kind, key, task, now).map_err(Problem::internal)?;
    jobs::enqueue(tx, &job, now).await?;
    Ok(())
}

fn unreadable(error: serde_json::Error) -> Problem {
    EVENT_UNREADABLE.problem().cause(error)
}
