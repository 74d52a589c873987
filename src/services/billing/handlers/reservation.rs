//! Reservations: a payment holds its part of a bill before it moves money.
use actix_web::web::Data;
use busbar_http::{Body, Path, Problem, Reply, RequestId, ServiceCaller};

use crate::events::Origin;
use crate::storage::Transaction;
use crate::types::{Amount, PaymentId, ReservationId, ServiceName};

use super::super::Billing;
use super::super::events::bill as told;
use super::super::holding::{Refusal, judge};
use super::super::model::bill::{Bill, Viewer};
use super::super::model::reservation::{
    Reservation, ReservationOrder, ReservationStatus, ReservationView,
};
use super::super::problem::{
    self, BILL_NOT_FOUND, RESERVATION_MISMATCH, RESERVATION_NOT_FOUND, RESERVATION_RELEASED,
};
use super::super::store;
use super::bill_seen;

/// How often a hold is tried anew because the bill changed between the look and the write.
const TRIES_MAX: u32 = 8;

/// `POST /internal/reservations`: holds a part of a bill. The same order again finds the same.
pub(crate) async fn create(
    billing: Data<Billing>,
    caller: ServiceCaller,
    request_id: RequestId,
    Body(order): Body<ReservationOrder>,
) -> Result<Reply, Problem> {
    let amount = order.amount_minor.positive();
    amount.map_err(|r| Problem::field("/amount_minor", r.code(), r.detail().to_owned()))?;
    let origin = Origin {
        source: ServiceName::Billing,
        at: billing.clock.now(),
        correlation: request_id.id().to_owned(),
        causation: None,
        actor: format!("service/{}", caller.service),
    };
    let made = billing.database.transaction(async |tx| reserve(tx, &origin, &order).await).await;
    billing.meters.reserved(made.as_ref().map(|(_, is_new)| *is_new).ok());
    let (view, is_new) = made?;
    Reply::first(if is_new { 201 } else { 200 }, &view)
}

/// `GET /internal/reservations/{payment_id}`.
pub(crate) async fn show(
    billing: Data<Billing>,
    _: ServiceCaller,
    Path(payment): Path<PaymentId>,
) -> Result<Reply, Problem> {
    let reservation = store::reservation::by_payment(&billing.database, payment).await?;
    let reservation = reservation.ok_or_else(|| RESERVATION_NOT_FOUND.problem())?;
    let bill = store::bill::by_id(&billing.database, reservation.bill_id).await?;
    let bill = bill.ok_or_else(|| Problem::internal("a reservation of no bill"))?;
    Reply::first(200, &view(&bill, &reservation))
}

/// The reservation, and whether it is a new one.
async fn reserve(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    order: &ReservationOrder,
) -> Result<(ReservationView, bool), Problem> {
    if let Some(known) = store::reservation::seen(tx, order.payment_id).await? {
        return Ok((repeated(tx, order, &known).await?, false));
    }
    let bill = payable_seen(tx, order).await?;
    if let Err(refusal) = judge(&bill, order.amount_minor, order.currency) {
        // The order that made this one superfluous may have committed since the look above.
        return match store::reservation::seen(tx, order.payment_id).await? {
            Some(known) => Ok((repeated(tx, order, &known).await?, false)),
            None => Err(refused(tx, order, refusal).await?),
        };
    }
    let reservation = held(order);
    if !store::reservation::insert(tx, &reservation, origin.at).await? {
        let known = store::reservation::seen(tx, order.payment_id).await?;
        let known = known.ok_or_else(problem::busy)?;
        return Ok((repeated(tx, order, &known).await?, false));
    }
    hold(tx, origin, order).await?;
    let bill = bill_seen(tx, order.bill_id).await?;
    told::reserved(tx, origin, &bill, order.payment_id, order.amount_minor).await?;
    Ok((view(&bill, &reservation), true))
}

/// Takes the amount from what is available; the guard is in the statement.
async fn hold(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    order: &ReservationOrder,
) -> Result<(), Problem> {
    let (id, amount, currency) = (order.bill_id, order.amount_minor, order.currency);
    for _ in 0..TRIES_MAX {
        if store::bill::hold(tx, id, amount, currency, origin.at).await? {
            return Ok(());
        }
        // Why not? Unless it has just become possible, that is the answer.
        if let Err(refusal) = judge(&bill_seen(tx, id).await?, amount, currency) {
            return Err(refused(tx, order, refusal).await?);
        }
    }
    Err(problem::busy())
}

/// The bill, if the payer may pay it: their own once it is issued, or any for staff.
async fn payable_seen(tx: &mut Transaction<'_>, order: &ReservationOrder) -> Result<Bill, Problem> {
    let payer = if order.is_staff { Viewer::Staff } else { Viewer::Customer(order.user_id) };
    let bill = store::bill::seen(tx, order.bill_id).await?;
    bill.filter(|bill| bill.is_visible_to(payer)).ok_or_else(|| BILL_NOT_FOUND.problem())
}

/// The refusal, with the payment that stands in the way if it is the payer's own.
async fn refused(
    tx: &mut Transaction<'_>,
    order: &ReservationOrder,
    refusal: Refusal,
) -> Result<Problem, Problem> {
    let problem = Problem::from(refusal);
    if !matches!(refusal, Refusal::Reserved { .. }) {
        return Ok(problem);
    }
    let own = store::reservation::held_by(tx, order.bill_id, order.user_id).await?;
    Ok(match own {
        Some(payment) => problem.with("by_payment_id", payment.to_string()),
        None => problem,
    })
}

/// What was answered before, as it stands now.
async fn repeated(
    tx: &mut Transaction<'_>,
    order: &ReservationOrder,
    known: &Reservation,
) -> Result<ReservationView, Problem> {
    if !known.answers(order) {
        return Err(RESERVATION_MISMATCH.problem());
    }
    if known.status == ReservationStatus::Released {
        return Err(RESERVATION_RELEASED.problem());
    }
    Ok(view(&bill_seen(tx, known.bill_id).await?, known))
}

fn held(order: &ReservationOrder) -> Reservation {
    Reservation {
        id: ReservationId::new(),
        payment_id: order.payment_id,
        bill_id: order.bill_id,
        user_id: order.user_id,
        amount_minor: order.amount_minor,
        currency: order.currency,
        status: ReservationStatus::Held,
        settled_minor: Amount::ZERO,
    }
}

fn view(bill: &Bill, reservation: &Reservation) -> ReservationView {
    ReservationView {
        payment_id: reservation.payment_id,
        bill_id: reservation.bill_id,
        bill_number: bill.number.clone(),
        user_id: bill.user_id,
        provider_id: bill.provider_id.clone(),
        amount_minor: reservation.amount_minor,
        currency: reservation.currency,
        status: reservation.status,
        settled_minor: reservation.settled_minor,
    }
}
