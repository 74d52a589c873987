//! Taking facts in: into the generation in use, and into the next one while it is being built.
//! Does I/O, in the transaction that takes the event in.
//!
//! Facts may come in any order, but for those of one subject: a payment may be heard of before its
//! bill. So each changes only what it knows, what is summed is summed in any order, and a fact that
//! is there already changes nothing.

use busbar_http::Problem;

use crate::events::Event;
use crate::storage::{StoreError, Transaction};
use crate::types::Timestamp;

use super::events::{fact, told};
use super::model::fact::{
    BillFact, BillNews, Ending, Fact, PaymentFact, PaymentNews, Told, UserNews,
};
use super::model::generation::GenerationState;
use super::store::{bill, generation, payment, source, sum, user};

/// Takes an event in as it is heard. Whether a report is made of it.
pub(super) async fn hear(
    tx: &mut Transaction<'_>,
    event: &Event,
    now: Timestamp,
) -> Result<bool, Problem> {
    let fact = fact(event)?;
    // Locks the source's row first: until this ends no generation begins or comes into use.
    let scan = source::heard(tx, &event.source, event.time, now).await?;
    let scan = scan.ok_or_else(|| Problem::internal(format!("no source {}", event.source)))?;
    let Some(fact) = fact else { return Ok(false) };
    for (number, state) in generation::filled(tx).await? {
        if state == GenerationState::Active || scan.has_passed(event.id) {
            enter(tx, number, &fact, told(event)).await?;
        }
    }
    Ok(true)
}

/// Enters a fact into one generation.
pub(super) async fn enter(
    tx: &mut Transaction<'_>,
    generation: i64,
    fact: &Fact,
    told: Told,
) -> Result<(), StoreError> {
    match fact {
        Fact::Bill(bill) => enter_bill(tx, generation, bill, told).await,
        Fact::Payment(payment) => enter_payment(tx, generation, payment, told).await,
        Fact::User { user_id, news } => match news {
            UserNews::Registered => user::registered(tx, generation, *user_id, told.at).await,
            UserNews::Verified => user::verified(tx, generation, *user_id, told.at).await,
            UserNews::Suspended => user::suspended(tx, generation, *user_id, told.at).await,
        },
    }
}

async fn enter_bill(
    tx: &mut Transaction<'_>,
    generation: i64,
    fact: &BillFact,
    told: Told,
) -> Result<(), StoreError> {
    let (is_new, amount) = match fact.news {
        BillNews::Issued { total, due_on } => {
            (bill::issued(tx, generation, fact, total, due_on, told).await?, total.minor())
        }
        BillNews::Voided { owed } => {
            (bill::voided(tx, generation, fact, owed, told).await?, owed.minor())
        }
        BillNews::Overdue => (bill::overdue(tx, generation, fact, told).await?, 0),
        BillNews::Paid => {
            bill::paid(tx, generation, fact, Some(told.at), told).await?;
            (true, 0)
        }
        BillNews::Reopened => {
            bill::paid(tx, generation, fact, None, told).await?;
            (true, 0)
        }
        BillNews::PartiallyPaid => (true, 0),
    };
    if !is_new {
        return Ok(());
    }
    let moved = match fact.news {
        BillNews::Issued { .. } => amount,
        BillNews::Voided { .. } => -amount,
        _ => 0,
    };
    if moved != 0 {
        bill::moved(tx, generation, (fact.bill_id, fact.currency), moved, told).await?;
    }
    sum::add(tx, generation, told.at, fact.labels(), amount).await
}

async fn enter_payment(
    tx: &mut Transaction<'_>,
    generation: i64,
    fact: &PaymentFact,
    told: Told,
) -> Result<(), StoreError> {
    let is_new = match &fact.news {
        PaymentNews::Created => payment::created(tx, generation, fact, told.at).await?,
        PaymentNews::OutcomeUnknown => payment::unknown(tx, generation, fact, told.at).await?,
        PaymentNews::Succeeded { .. } => {
            payment::ended(tx, generation, fact, Ending::Succeeded, told.at).await?
        }
        PaymentNews::Failed { .. } => {
            payment::ended(tx, generation, fact, Ending::Failed, told.at).await?
        }
        PaymentNews::Cancelled { .. } => {
            payment::ended(tx, generation, fact, Ending::Cancelled, told.at).await?
        }
    };
    if !is_new {
        return Ok(());
    }
    if let PaymentNews::Succeeded { parts } = &fact.news {
        for (bill_id, amount) in parts {
            let of = (*bill_id, fact.currency);
            bill::credited(tx, generation, of, &fact.provider_id, *amount, told.at).await?;
            bill::moved(tx, generation, of, -amount.minor(), told).await?;
        }
    }
    sum::add(tx, generation, told.at, fact.labels(), fact.amount.minor()).await
}
