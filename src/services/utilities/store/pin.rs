//! Which bills were made from which readings.
use crate::storage::{StoreError, Transaction, params, sql};
use crate::types::{BillId, Date, ReadingId, RegisterId, ServiceAccountId, Timestamp};

sql! {
    PIN = "INSERT INTO usage_pins (bill_id, reading_id, register_id, boundary, pinned_at)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bill_id, reading_id) DO NOTHING";
    UNPIN = "DELETE FROM usage_pins WHERE bill_id = $1";
    LAST_OF_ACCOUNT = "SELECT MAX(p.boundary) AS value
                       FROM usage_pins AS p JOIN registers AS g ON g.id = p.register_id
                       JOIN meters AS m ON m.id = g.meter_id
                       WHERE m.service_account_id = $1";
    OF_READING = "SELECT COUNT(*) AS value FROM usage_pins WHERE reading_id = $1";
}

/// At the start of `boundary` the bill begins or ends with the reading. False when it was so already.
pub(crate) async fn pin(
    tx: &mut Transaction<'_>,
    bill: BillId,
    (reading, register): (ReadingId, RegisterId),
    boundary: Option<Date>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(PIN, params![bill, reading, register, boundary, at]).await? == 1)
}

/// How many readings the bill was made from until now.
pub(crate) async fn unpin(tx: &mut Transaction<'_>, bill: BillId) -> Result<u64, StoreError> {
    tx.execute(UNPIN, params![bill]).await
}

/// Whether some bill was made from the reading.
pub(crate) async fn is_billed(
    tx: &mut Transaction<'_>,
    reading: ReadingId,
) -> Result<bool, StoreError> {
    let (bills,): (i64,) = tx.one(OF_READING, params![reading]).await?;
    Ok(bills > 0)
}

/// The last day at which a bill of an account begins or ends.
pub(crate) async fn last_of_account(
    tx: &mut Transaction<'_>,
    account: ServiceAccountId,
) -> Result<Option<Date>, StoreError> {
    let (last,): (Option<Date>,) = tx.one(LAST_OF_ACCOUNT, params![account]).await?;
    Ok(last)
}
