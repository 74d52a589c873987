//! What payments tells others, one event for each stage that is shown, and what it does on hearing
//! of bills: it keeps the books of what customers owe.

use std::marker::PhantomData;

use busbar_http::Problem;
use serde::{Deserialize, Serialize};

use crate::events::{Event, Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;
use crate::types::{
    Amount, BillId, Currency, PaymentId, ProviderId, Refused, ServiceName, Timestamp, UserId,
};

use super::ledger::Transfer;
use super::model::payment::Payment;
use super::model::stage::Stage;
use super::model::view::PaymentFailure;
use super::problem::EVENT_UNREADABLE;
use super::store;

/// What every event of a payment says.
#[derive(Debug, Serialize)]
struct Facts {
    payment_id: PaymentId,
    user_id: UserId,
    bill_id: BillId,
    provider_id: Option<ProviderId>,
    allocations: [Allocation; 1],
    amount_minor: Amount,
    currency: Currency,
    connector: String,
    /// The type of the method that it is paid with.
    method: String,
    version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<PaymentFailure>,
}

/// The part of a payment that goes to one bill.
#[derive(Debug, Serialize)]
struct Allocation {
    bill_id: BillId,
    amount_minor: Amount,
}

/// Facts told as one kind of news.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Told<N> {
    facts: Facts,
    #[serde(skip)]
    news: PhantomData<N>,
}

/// A stage that others hear of.
trait News {
    const KIND: Kind;
}

struct Created;
struct OutcomeUnknown;
struct Succeeded;
struct Failed;
struct Cancelled;

impl News for Created {
    const KIND: Kind = kinds::PAYMENT_CREATED;
}

impl News for OutcomeUnknown {
    const KIND: Kind = kinds::PAYMENT_OUTCOME_UNKNOWN;
}

impl News for Succeeded {
    const KIND: Kind = kinds::PAYMENT_SUCCEEDED;
}

impl News for Failed {
    const KIND: Kind = kinds::PAYMENT_FAILED;
}

impl News for Cancelled {
    const KIND: Kind = kinds::PAYMENT_CANCELLED;
}

impl<N: News> Published for Told<N> {
    const KIND: Kind = N::KIND;

    fn subject(&self) -> String {
        format!("payment/{}", self.facts.payment_id)
    }
}

impl Facts {
    fn of(payment: &Payment) -> Facts {
        let amount_minor = payment.money.amount();
        Facts {
            payment_id: payment.id,
            user_id: payment.user_id,
            bill_id: payment.bill_id,
            provider_id: payment.provider_id.clone(),
            allocations: [Allocation { bill_id: payment.bill_id, amount_minor }],
            amount_minor,
            currency: payment.money.currency(),
            connector: payment.connector.clone(),
            // Each kind of method belongs to the connector of its name.
            method: payment.connector.clone(),
            version: payment.version,
            failure: payment.failure_code.map(PaymentFailure::from),
        }
    }
}

/// Tells that the payment has come to the stage that it is in.
pub(crate) async fn tell(
    tx: &mut Transaction<'_>,
    payment: &Payment,
    actor: &str,
    at: Timestamp,
) -> Result<(), Problem> {
    let origin = Origin {
        source: ServiceName::Payments,
        at,
        correlation: payment.correlation.clone(),
        causation: None,
        actor: actor.to_owned(),
    };
    match payment.stage {
        Stage::Reserving => Ok(()),
        Stage::Sent => publish::<Created>(tx, &origin, payment).await,
        Stage::Unknown => publish::<OutcomeUnknown>(tx, &origin, payment).await,
        Stage::Succeeded => publish::<Succeeded>(tx, &origin, payment).await,
        Stage::Failed => publish::<Failed>(tx, &origin, payment).await,
        Stage::Cancelled => publish::<Cancelled>(tx, &origin, payment).await,
    }
}

async fn publish<N: News>(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    payment: &Payment,
) -> Result<(), Problem> {
    let told = Told::<N> { facts: Facts::of(payment), news: PhantomData };
    outbox::publish(tx, origin, &told).await?;
    Ok(())
}

/// What is read of `bill.issued`.
#[derive(Deserialize)]
struct BillIssued {
    bill_id: BillId,
    user_id: UserId,
    provider_id: ProviderId,
    total_minor: Amount,
    currency: Currency,
}

/// What is read of `bill.voided`.
#[derive(Deserialize)]
struct BillVoided {
    bill_id: BillId,
    user_id: UserId,
    provider_id: ProviderId,
    amount_minor: Amount,
    currency: Currency,
}

/// Enters what a bill makes a customer owe, or no longer owe.
pub(crate) async fn hear(
    tx: &mut Transaction<'_>,
    event: &Event,
    now: Timestamp,
) -> Result<(), Problem> {
    match event.name() {
        "bill.issued" => {
            let bill: BillIssued = event.read().map_err(unreadable)?;
            let total = bill.total_minor.in_currency(bill.currency);
            let (user, provider) = (bill.user_id, &bill.provider_id);
            enter(tx, Transfer::bill_issued(bill.bill_id, user, provider, total, now)).await
        }
        "bill.voided" => {
            let bill: BillVoided = event.read().map_err(unreadable)?;
            let rest = bill.amount_minor.in_currency(bill.currency);
            let (user, provider) = (bill.user_id, &bill.provider_id);
            enter(tx, Transfer::bill_voided(bill.bill_id, user, provider, rest, now)).await
        }
        _ => Ok(()),
    }
}

/// A bill of nothing moves nothing; a transfer that is entered stays as it is.
async fn enter(
    tx: &mut Transaction<'_>,
    transfer: Result<Transfer, Refused>,
) -> Result<(), Problem> {
    if let Ok(transfer) = transfer {
        store::transfer::write(tx, &transfer).await?;
    }
    Ok(())
}

fn unreadable(error: serde_json::Error) -> Problem {
    EVENT_UNREADABLE.problem().cause(error)
}
