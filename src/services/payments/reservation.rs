//! What billing is asked: to hold the amount of a bill for a payment, and what is open. Does I/O.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use busbar_http::client::{Peer, PeerError};
use busbar_http::trace::REQUEST_ID;
use busbar_http::{Deadline, Problem};
use serde::{Deserialize, Serialize};

use crate::types::{Amount, BillId, Currency, PaymentId, ProviderId, UserId, words};

use super::model::payment::{Payment, Reserved};
use super::problem::{RESERVATION_RELEASED, refusal};

/// How long billing may take. A client's own wait may be over sooner.
const RESERVE_WAIT_MAX: Duration = Duration::from_secs(5);
const LOOK_WAIT_MAX: Duration = Duration::from_secs(1);

/// The order to billing. Repeating it gives the same reservation.
#[derive(Serialize)]
struct ReserveOrder {
    payment_id: PaymentId,
    bill_id: BillId,
    user_id: UserId,
    is_staff: bool,
    amount_minor: Amount,
    currency: Currency,
}

/// What billing holds, or held.
#[derive(Debug, Deserialize)]
pub(crate) struct Reservation {
    bill_number: Option<String>,
    user_id: UserId,
    provider_id: ProviderId,
    pub(crate) status: ReservationStatus,
}

words! {
    /// Where a reservation stands in billing.
    pub(crate) enum ReservationStatus: "reservation_status_invalid" {
        Held = "held",
        Settled = "settled",
        Released = "released",
    }
}

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Reserve {
    Held(Reserved),
    /// Billing says no, and holds nothing.
    Refused(Problem),
    /// Billing was not reached: it has not heard of it by this call.
    Unreached(PeerError),
    /// It may hold it or not.
    Unsure(PeerError),
}

/// Asks billing to hold the payment's amount.
pub(crate) async fn reserve(billing: &Peer, payment: &Payment) -> Reserve {
    let order = ReserveOrder {
        payment_id: payment.id,
        bill_id: payment.bill_id,
        user_id: payment.user_id,
        is_staff: payment.is_staff,
        amount_minor: payment.money.amount(),
        currency: payment.money.currency(),
    };
    let headers = headers(&payment.correlation);
    let deadline = Deadline::after(RESERVE_WAIT_MAX);
    let asked = billing.post_json("/internal/reservations", &order, &headers, deadline);
    match asked.await {
        Ok(reservation) => held(reservation),
        Err(error) => match (refusal(&error), error) {
            (Some(problem), _) => Reserve::Refused(problem),
            (None, error @ PeerError::Unreachable { .. }) => Reserve::Unreached(error),
            (None, error) => Reserve::Unsure(error),
        },
    }
}

fn held(reservation: Reservation) -> Reserve {
    let Reservation { bill_number, user_id, provider_id, status } = reservation;
    if status == ReservationStatus::Released {
        return Reserve::Refused(RESERVATION_RELEASED.problem());
    }
    Reserve::Held(Reserved { bill_number, user_id, provider_id })
}

/// The reservation of a payment as billing has it. `None`: it has none.
pub(crate) async fn look(billing: &Peer, id: PaymentId) -> Result<Option<Reservation>, PeerError> {
    let path = format!("/internal/reservations/{id}");
    let deadline = Deadline::after(LOOK_WAIT_MAX);
    match billing.get_json(&path, &HeaderMap::new(), deadline).await {
        Ok(reservation) => Ok(Some(reservation)),
        Err(PeerError::Status { status, .. }) if status.as_u16() == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is open in one currency, as billing has it.
#[derive(Debug, Deserialize)]
pub(crate) struct OpenBalance {
    pub(crate) currency: Currency,
    open_minor: i64,
    unapplied_minor: i64,
}

impl OpenBalance {
    /// What customers owe: what is open on bills, less what was taken and is on none.
    pub(crate) fn owed_minor(&self) -> i64 {
        self.open_minor - self.unapplied_minor
    }
}

#[derive(Deserialize)]
struct OpenBalances {
    balances: Vec<OpenBalance>,
}

/// What all customers owe, by currency.
pub(crate) async fn open_balances(billing: &Peer) -> Result<Vec<OpenBalance>, PeerError> {
    let (headers, deadline) = (HeaderMap::new(), Deadline::after(LOOK_WAIT_MAX));
    let answer: OpenBalances = billing.get_json("/internal/balances", &headers, deadline).await?;
    Ok(answer.balances)
}

/// The call belongs to the request that the payment began with.
fn headers(correlation: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(correlation) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
    headers
}
