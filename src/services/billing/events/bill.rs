//! What is told of a bill. Each change is one version, one entry of its history, and one event
//! where others are concerned.
use busbar_http::Problem;
use serde::Serialize;
use serde_json::{Value, json};

use crate::audit;
use crate::events::{Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;
use crate::types::{Amount, BillId, Currency, Date, EventId, PaymentId, ProviderId, UserId};

use super::super::model::bill::Bill;
use super::super::model::history::Entry;
use super::super::model::words::Basis;
use super::super::store;

#[derive(Debug, Serialize)]
struct Issued<'a> {
    bill_id: BillId,
    number: &'a str,
    user_id: UserId,
    provider_id: &'a ProviderId,
    total_minor: Amount,
    currency: Currency,
    due_on: Option<Date>,
    basis: Basis,
    version: i64,
}

/// After a payment; whether anything is left to pay tells the kind.
#[derive(Debug, Serialize)]
struct Paid<'a, const IS_WHOLE: bool> {
    bill_id: BillId,
    number: &'a str,
    user_id: UserId,
    provider_id: &'a ProviderId,
    payment_id: PaymentId,
    balance_minor: Amount,
    currency: Currency,
    version: i64,
}

#[derive(Debug, Serialize)]
struct Voided<'a> {
    bill_id: BillId,
    number: &'a str,
    user_id: UserId,
    provider_id: &'a ProviderId,
    /// What was owed until now.
    amount_minor: Amount,
    currency: Currency,
}

#[derive(Debug, Serialize)]
struct BecameOverdue<'a> {
    bill_id: BillId,
    number: &'a str,
    user_id: UserId,
    provider_id: &'a ProviderId,
    balance_minor: Amount,
    currency: Currency,
    due_on: Option<Date>,
    /// Since it was due.
    days: i64,
}

/// A part of the bill is held for a payment, or is not any more.
#[derive(Debug, Serialize)]
struct Held<const IS_HELD: bool> {
    bill_id: BillId,
    payment_id: PaymentId,
    amount_minor: Amount,
    currency: Currency,
}

/// The subject of all that concerns a bill.
fn subject_of(id: BillId) -> String {
    format!("bill/{id}")
}

impl Published for Issued<'_> {
    const KIND: Kind = kinds::BILL_ISSUED;
    fn subject(&self) -> String {
        subject_of(self.bill_id)
    }
}

impl<const IS_WHOLE: bool> Published for Paid<'_, IS_WHOLE> {
    const KIND: Kind = if IS_WHOLE { kinds::BILL_PAID } else { kinds::BILL_PARTIALLY_PAID };
    fn subject(&self) -> String {
        subject_of(self.bill_id)
    }
}

impl Published for Voided<'_> {
    const KIND: Kind = kinds::BILL_VOIDED;
    fn subject(&self) -> String {
        subject_of(self.bill_id)
    }
}

impl Published for BecameOverdue<'_> {
    const KIND: Kind = kinds::BILL_BECAME_OVERDUE;
    fn subject(&self) -> String {
        subject_of(self.bill_id)
    }
}

impl<const IS_HELD: bool> Published for Held<IS_HELD> {
    const KIND: Kind =
        if IS_HELD { kinds::BILL_RESERVED } else { kinds::BILL_RESERVATION_RELEASED };
    fn subject(&self) -> String {
        subject_of(self.bill_id)
    }
}

/// The number of an issued bill; only drafts have none.
fn number(bill: &Bill) -> &str {
    bill.number.as_deref().unwrap_or_default()
}

pub(crate) async fn issued(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
) -> Result<(), Problem> {
    let issued = Issued {
        bill_id: bill.id,
        number: number(bill),
        user_id: bill.user_id,
        provider_id: &bill.provider_id,
        total_minor: bill.total_minor,
        currency: bill.currency,
        due_on: bill.due_on,
        basis: bill.basis,
        version: bill.version,
    };
    tell(tx, origin, bill, &issued).await
}

/// `bill` as it is after the payment.
pub(crate) async fn paid(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    payment_id: PaymentId,
) -> Result<(), Problem> {
    if bill.balance_minor == Amount::ZERO {
        tell(tx, origin, bill, &paid_of::<true>(bill, payment_id)).await
    } else {
        tell(tx, origin, bill, &paid_of::<false>(bill, payment_id)).await
    }
}

fn paid_of<const IS_WHOLE: bool>(bill: &Bill, payment_id: PaymentId) -> Paid<'_, IS_WHOLE> {
    Paid {
        bill_id: bill.id,
        number: number(bill),
        user_id: bill.user_id,
        provider_id: &bill.provider_id,
        payment_id,
        balance_minor: bill.balance_minor,
        currency: bill.currency,
        version: bill.version,
    }
}

/// `bill` as it is now, `owed` as it was before.
pub(crate) async fn voided(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    owed: Amount,
) -> Result<(), Problem> {
    let voided = Voided {
        bill_id: bill.id,
        number: number(bill),
        user_id: bill.user_id,
        provider_id: &bill.provider_id,
        amount_minor: owed,
        currency: bill.currency,
    };
    tell(tx, origin, bill, &voided).await
}

/// `bill` as it is now.
pub(crate) async fn became_overdue(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
) -> Result<(), Problem> {
    let today = bill.timezone.date_of(origin.at);
    let overdue = BecameOverdue {
        bill_id: bill.id,
        number: number(bill),
        user_id: bill.user_id,
        provider_id: &bill.provider_id,
        balance_minor: bill.balance_minor,
        currency: bill.currency,
        due_on: bill.due_on,
        days: bill.due_on.map_or(0, |due_on| due_on.days_until(today)),
    };
    tell(tx, origin, bill, &overdue).await
}

pub(crate) async fn reserved(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    payment_id: PaymentId,
    amount_minor: Amount,
) -> Result<(), Problem> {
    let (bill_id, currency) = (bill.id, bill.currency);
    let held = Held::<true> { bill_id, payment_id, amount_minor, currency };
    tell(tx, origin, bill, &held).await
}

pub(crate) async fn released(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    payment_id: PaymentId,
    amount_minor: Amount,
) -> Result<(), Problem> {
    let (bill_id, currency) = (bill.id, bill.currency);
    let held = Held::<false> { bill_id, payment_id, amount_minor, currency };
    tell(tx, origin, bill, &held).await
}

/// Publishes, and keeps the same in the bill's history.
async fn tell<P: Published>(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    told: &P,
) -> Result<(), Problem> {
    let id = outbox::publish(tx, origin, told).await?;
    let data = serde_json::to_value(told).map_err(Problem::internal)?;
    append(tx, origin, bill, (id, P::KIND.name), data).await
}

/// What happens to a draft concerns nobody else: it is in the history alone.
pub(crate) async fn noted(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    name: &'static str,
) -> Result<(), Problem> {
    let data = json!({"bill_id": bill.id, "total_minor": bill.total_minor,
        "currency": bill.currency, "version": bill.version});
    append(tx, origin, bill, (EventId::new(), name), data).await
}

async fn append(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    (id, name): (EventId, &'static str),
    data: Value,
) -> Result<(), Problem> {
    let entry = Entry {
        id,
        bill_id: bill.id,
        version: bill.version,
        name: name.to_owned(),
        at: origin.at,
        actor: origin.actor.clone(),
        data: data.to_string(),
    };
    Ok(store::history::append(tx, &entry).await?)
}

/// Who of the staff did what to which bill.
pub(crate) async fn audited(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: &Bill,
    action: &'static str,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        actor: origin.actor.clone(),
        action,
        subject: subject_of(bill.id),
        request_id: Some(origin.correlation.clone()),
        at: origin.at,
        details: json!({"number": bill.number, "total_minor": bill.total_minor,
            "currency": bill.currency, "status": bill.status, "version": bill.version}),
    };
    audit::record(tx, &entry).await?;
    Ok(())
}
