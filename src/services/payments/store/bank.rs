//! The books of the simulated bank. They are written in transactions of their own.

use crate::services::payments::model::charge::{Charge, SimCharge};
use crate::services::payments::model::stage::PaymentFailureCode;
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{PaymentId, Timestamp};

/// More charges of one payment are not shown.
const CHARGES_MAX: u32 = 100;

sql! {
    RECEIVE = "INSERT INTO sim_charges
                   (charge_key, reference, amount_minor, currency, token, decline_code,
                    received_at, answers_at, calls)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)
               ON CONFLICT (charge_key) DO UPDATE SET calls = sim_charges.calls + 1
               RETURNING charge_key, reference, amount_minor, currency, token, decline_code,
                         received_at, answers_at, calls";
    BY_KEY = "SELECT charge_key, reference, amount_minor, currency, token, decline_code,
                     received_at, answers_at, calls
              FROM sim_charges WHERE charge_key = $1";
    BY_REFERENCE = "SELECT charge_key, reference, amount_minor, currency, token, decline_code,
                           received_at, answers_at, calls
                    FROM sim_charges WHERE reference = $1 ORDER BY charge_key LIMIT $2";
}

record! { SimCharge {
    charge_key, reference, money, token, decline_code, received_at, answers_at, calls,
} }

/// Writes a charge down when it is asked for. One that is known stays as it is.
pub(crate) async fn receive(
    tx: &mut Transaction<'_>,
    charge: &Charge,
    decline: Option<PaymentFailureCode>,
    received_at: Timestamp,
    answers_at: Timestamp,
) -> Result<SimCharge, StoreError> {
    let Charge { key, reference, money, token } = charge;
    let (amount, currency) = (money.amount(), money.currency());
    let values = params![key, reference, amount, currency, token, decline, received_at, answers_at];
    tx.one(RECEIVE, values).await
}

pub(crate) async fn by_key(
    database: &Database,
    key: &str,
) -> Result<Option<SimCharge>, StoreError> {
    database.optional(BY_KEY, params![key]).await
}

pub(crate) async fn by_reference(
    database: &Database,
    reference: PaymentId,
) -> Result<Vec<SimCharge>, StoreError> {
    database.all(BY_REFERENCE, params![reference, CHARGES_MAX]).await
}
