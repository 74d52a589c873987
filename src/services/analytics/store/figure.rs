//! Figures that are counted from facts.
use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::{Currency, Timestamp};

use super::super::model::figures::{InProcess, PaidBills, UserCounts};

sql! {
    USERS = "SELECT COUNT(registered_at) AS registered, COUNT(verified_at) AS verified,
                 COUNT(suspended_at) AS suspended
             FROM users WHERE generation = $1";
    IN_PROCESS = "SELECT currency, COUNT(*) AS payment_count, COUNT(unknown_at) AS unknown_count,
                      CAST(SUM(amount_minor) AS BIGINT) AS total_minor
                  FROM payments WHERE generation = $1 AND ended_at IS NULL
                  GROUP BY currency";
    PAID_BILLS = "SELECT currency, COUNT(*) AS bill_count,
                      CAST(SUM(paid_at - issued_at) AS BIGINT) AS taken_us
                  FROM bills
                  WHERE generation = $1 AND paid_at >= $2 AND paid_at < $3
                    AND issued_at IS NOT NULL AND (CAST($4 AS TEXT) IS NULL OR currency = $4)
                  GROUP BY currency";
}

record! { UserCounts { registered, verified, suspended } }
record! { InProcess { currency, payment_count, unknown_count, total_minor } }
record! { PaidBills { currency, bill_count, taken_us } }

pub(crate) async fn users(database: &Database, generation: i64) -> Result<UserCounts, StoreError> {
    database.one(USERS, params![generation]).await
}

pub(crate) async fn in_process(
    database: &Database,
    generation: i64,
) -> Result<Vec<InProcess>, StoreError> {
    database.all(IN_PROCESS, params![generation]).await
}

pub(crate) async fn paid_bills(
    database: &Database,
    generation: i64,
    (start, end): (Timestamp, Timestamp),
    currency: Option<Currency>,
) -> Result<Vec<PaidBills>, StoreError> {
    database.all(PAID_BILLS, params![generation, start, end, currency]).await
}
