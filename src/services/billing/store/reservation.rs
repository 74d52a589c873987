//! What payments hold, one row a payment.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Amount, BillId, PaymentId, Timestamp, UserId};

use super::super::model::reservation::{Reservation, ReservationStatus};

sql! {
    BY_PAYMENT = "SELECT id, payment_id, bill_id, user_id, amount_minor, currency, status,
                      settled_minor
                  FROM reservations WHERE payment_id = $1";
    INSERT = "INSERT INTO reservations (id, payment_id, bill_id, user_id, amount_minor, currency,
                  status, settled_minor, created_at, ended_at)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
              ON CONFLICT (payment_id) DO NOTHING";
    END = "UPDATE reservations SET status = $3, settled_minor = $4, ended_at = $5
           WHERE payment_id = $1 AND status = $2";
    HELD_BY = "SELECT payment_id AS value FROM reservations
               WHERE bill_id = $1 AND user_id = $2 AND status = 'held'
               ORDER BY id DESC LIMIT 1";
}

record! {
    Reservation { id, payment_id, bill_id, user_id, amount_minor, currency, status, settled_minor }
}

pub(crate) async fn by_payment(
    database: &Database,
    payment: PaymentId,
) -> Result<Option<Reservation>, StoreError> {
    database.optional(BY_PAYMENT, params![payment]).await
}

/// The reservation as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    payment: PaymentId,
) -> Result<Option<Reservation>, StoreError> {
    tx.optional(BY_PAYMENT, params![payment]).await
}

/// False when the payment has one. Waits for a transaction that makes one at the moment.
pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    reservation: &Reservation,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Reservation { id, payment_id, bill_id, user_id, .. } = reservation;
    let Reservation { amount_minor, currency, status, settled_minor, .. } = reservation;
    let ended_at = (*status != ReservationStatus::Held).then_some(at);
    let values = params![
        id,
        payment_id,
        bill_id,
        user_id,
        amount_minor,
        currency,
        status,
        settled_minor,
        at,
        ended_at
    ];
    Ok(tx.execute(INSERT, values).await? == 1)
}

/// Ends it with what the bill took. False when it does not stand as `from` says.
pub(crate) async fn end(
    tx: &mut Transaction<'_>,
    payment: PaymentId,
    from: ReservationStatus,
    to: ReservationStatus,
    settled: Amount,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(END, params![payment, from, to, settled, at]).await? == 1)
}

/// The latest payment of somebody that holds a part of the bill.
pub(crate) async fn held_by(
    tx: &mut Transaction<'_>,
    bill: BillId,
    user: UserId,
) -> Result<Option<PaymentId>, StoreError> {
    let held: Option<(PaymentId,)> = tx.optional(HELD_BY, params![bill, user]).await?;
    Ok(held.map(|(payment,)| payment))
}
