//! What is done on hearing of payments: a success settles what was held, a failure gives it back.
//!
//! Each is done once for a payment, whatever is heard how often. Money that has moved is never
//! lost: what no bill takes is put on the list of unapplied payments, which staff see.
use busbar_http::Problem;
use serde::Deserialize;

use crate::events::{Event, Origin};
use crate::storage::Transaction;
use crate::types::{Amount, BillId, Currency, PaymentId, ProviderId, ReservationId, UserId};

use super::super::holding::{Settling, settle};
use super::super::model::bill::Bill;
use super::super::model::reservation::{
    Misfit, Reservation, ReservationStatus, Unapplied, UnappliedId,
};
use super::super::problem::{self, EVENT_UNREADABLE};
use super::super::store;
use super::bill as told;

/// How often a settlement is decided anew because the bill changed meanwhile.
const TRIES_MAX: u32 = 8;

/// What billing needs to know of a payment that has ended.
#[derive(Debug, Deserialize)]
struct Ended {
    payment_id: PaymentId,
    /// Who pays; not always who owes.
    user_id: UserId,
    /// Not known to payments that never held anything.
    provider_id: Option<ProviderId>,
    currency: Currency,
    allocations: Vec<Allocation>,
}

/// The part of a payment that is for one bill.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Allocation {
    bill_id: BillId,
    amount_minor: Amount,
}

/// How often something became of a part of a payment, for the meters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) settled: u64,
    pub(crate) paid: u64,
    pub(crate) released: u64,
    pub(crate) unapplied: u64,
}

/// One part of a payment that was heard of.
struct Part<'a> {
    origin: &'a Origin,
    payment: &'a Ended,
    bill_id: BillId,
    amount: Amount,
}

/// `payment.succeeded`.
pub(crate) async fn succeeded(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    event: &Event,
) -> Result<Outcome, Problem> {
    let payment = read(event)?;
    let mut outcome = Outcome::default();
    for part in parts(origin, &payment) {
        part.take(tx, &mut outcome).await?;
    }
    Ok(outcome)
}

/// `payment.failed` and `payment.cancelled`.
pub(crate) async fn ended_without_money(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    event: &Event,
) -> Result<Outcome, Problem> {
    let payment = read(event)?;
    let mut outcome = Outcome::default();
    for part in parts(origin, &payment) {
        part.give_back(tx, &mut outcome).await?;
    }
    Ok(outcome)
}

/// A payment is for something: one without a bill is told to be unreadable, and seen by staff.
fn read(event: &Event) -> Result<Ended, Problem> {
    let unreadable = |why: &dyn std::fmt::Display| EVENT_UNREADABLE.problem().cause(why);
    let payment: Ended = event.read().map_err(|error| unreadable(&error))?;
    let is_something = |part: &Allocation| part.amount_minor > Amount::ZERO;
    if payment.allocations.is_empty() || !payment.allocations.iter().all(is_something) {
        return Err(unreadable(&"a payment of nothing, or for nothing"));
    }
    Ok(payment)
}

fn parts<'a>(origin: &'a Origin, payment: &'a Ended) -> impl Iterator<Item = Part<'a>> {
    payment.allocations.iter().map(move |part| {
        let Allocation { bill_id, amount_minor: amount } = *part;
        Part { origin, payment, bill_id, amount }
    })
}

impl Part<'_> {
    /// Puts the money on its bill, and what does not fit on the list.
    async fn take(&self, tx: &mut Transaction<'_>, outcome: &mut Outcome) -> Result<(), Problem> {
        for _ in 0..TRIES_MAX {
            let known = store::reservation::seen(tx, self.payment.payment_id).await?;
            let bill = store::bill::seen(tx, self.bill_id).await?;
            match settle(bill.as_ref(), known.as_ref(), self.amount, self.payment.currency) {
                Settling::Done => return Ok(()),
                Settling::Misfit { reason } => {
                    if let Some(known) = &known {
                        self.release(tx, known, outcome).await?;
                    }
                    return self.set_aside(tx, bill.as_ref(), self.amount, reason, outcome).await;
                }
                Settling::Apply { applied, released, surplus } => {
                    let (id, at) = (self.bill_id, self.origin.at);
                    if store::bill::settle(tx, id, applied, released, at).await? {
                        self.end(tx, known.as_ref(), applied).await?;
                        self.tell_paid(tx, outcome).await?;
                        let reason = Misfit::BalanceExceeded;
                        return self.set_aside(tx, bill.as_ref(), surplus, reason, outcome).await;
                    }
                    // Somebody paid or reserved meanwhile: decided anew.
                }
            }
        }
        Err(problem::busy())
    }

    async fn tell_paid(
        &self,
        tx: &mut Transaction<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        let bill = self.bill(tx).await?;
        told::paid(tx, self.origin, &bill, self.payment.payment_id).await?;
        outcome.settled += 1;
        outcome.paid += u64::from(bill.balance_minor == Amount::ZERO);
        Ok(())
    }

    /// The payment's row ends as settled, or is made so when it never held anything.
    async fn end(
        &self,
        tx: &mut Transaction<'_>,
        known: Option<&Reservation>,
        applied: Amount,
    ) -> Result<(), Problem> {
        let (settled, at) = (ReservationStatus::Settled, self.origin.at);
        let is_done = match known {
            Some(known) => {
                let id = known.payment_id;
                store::reservation::end(tx, id, known.status, settled, applied, at).await?
            }
            None => store::reservation::insert(tx, &self.row(settled, applied), at).await?,
        };
        // The payment reserves at this very moment: the whole event is taken in again.
        if is_done { Ok(()) } else { Err(problem::busy()) }
    }

    /// Gives back what the payment holds. One that holds nothing yet leaves a released row: its
    /// request to reserve may still be on the way, and must find that the payment is over.
    async fn give_back(
        &self,
        tx: &mut Transaction<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        if let Some(known) = store::reservation::seen(tx, self.payment.payment_id).await? {
            return self.release(tx, &known, outcome).await;
        }
        if store::bill::seen(tx, self.bill_id).await?.is_none() {
            return Ok(()); // Nothing can be reserved of it either.
        }
        let row = self.row(ReservationStatus::Released, Amount::ZERO);
        let is_new = store::reservation::insert(tx, &row, self.origin.at).await?;
        if is_new { Ok(()) } else { Err(problem::busy()) }
    }

    /// No effect on what has ended, or is held of another bill.
    async fn release(
        &self,
        tx: &mut Transaction<'_>,
        known: &Reservation,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        let (held, released) = (ReservationStatus::Held, ReservationStatus::Released);
        let (id, amount, at) = (known.payment_id, known.amount_minor, self.origin.at);
        if known.bill_id != self.bill_id
            || !store::reservation::end(tx, id, held, released, Amount::ZERO, at).await?
        {
            return Ok(());
        }
        if !store::bill::release(tx, known.bill_id, amount, at).await? {
            let what = format!("bill {} holds less than payment {id}", known.bill_id);
            return Err(Problem::internal(what));
        }
        let bill = self.bill(tx).await?;
        outcome.released += 1;
        told::released(tx, self.origin, &bill, id, amount).await
    }

    /// Nothing is set aside when there is nothing left.
    async fn set_aside(
        &self,
        tx: &mut Transaction<'_>,
        bill: Option<&Bill>,
        amount: Amount,
        reason: Misfit,
        outcome: &mut Outcome,
    ) -> Result<(), Problem> {
        if amount == Amount::ZERO {
            return Ok(());
        }
        let Ended { payment_id, user_id, provider_id, currency, .. } = self.payment;
        let unapplied = Unapplied {
            id: UnappliedId::new(),
            payment_id: *payment_id,
            bill_id: self.bill_id,
            user_id: bill.map_or(*user_id, |bill| bill.user_id),
            provider_id: provider_id.clone(),
            amount_minor: amount,
            currency: *currency,
            reason,
            created_at: self.origin.at,
        };
        if store::unapplied::insert(tx, &unapplied).await? {
            let bill = self.bill_id;
            log::error!(
                "payment {payment_id} brought money that bill {bill} cannot take: {reason}"
            );
            outcome.unapplied += 1;
        }
        Ok(())
    }

    fn row(&self, status: ReservationStatus, settled_minor: Amount) -> Reservation {
        Reservation {
            id: ReservationId::new(),
            payment_id: self.payment.payment_id,
            bill_id: self.bill_id,
            user_id: self.payment.user_id,
            amount_minor: self.amount,
            currency: self.payment.currency,
            status,
            settled_minor,
        }
    }

    /// The bill as it is now.
    async fn bill(&self, tx: &mut Transaction<'_>) -> Result<Bill, Problem> {
        let bill = store::bill::seen(tx, self.bill_id).await?;
        bill.ok_or_else(|| Problem::internal(format!("bill {} is gone", self.bill_id)))
    }
}
