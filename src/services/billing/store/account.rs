//! Which service account is billed for which days.
use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::{BillId, Period, ServiceAccountId};

sql! {
    CLAIM = "INSERT INTO billed_accounts (service_account_id, drafts) VALUES ($1, 1)
             ON CONFLICT (service_account_id)
                 DO UPDATE SET drafts = billed_accounts.drafts + 1
             RETURNING drafts AS value";
    DRAFTS = "SELECT drafts AS value FROM billed_accounts WHERE service_account_id = $1";
    OVERLAP = "SELECT id AS value FROM bills
               WHERE service_account_id = $1 AND id <> $2 AND status <> 'void'
                 AND period_start < $4 AND period_end > $3
               ORDER BY period_start, id LIMIT 1";
}

/// Another bill of the account that stands on a day of the period, if there is one, and how many drafts
/// were made before. Others who ask for the account wait from here on until this transaction ends, and
/// then see its bill.
pub(crate) async fn claim(
    tx: &mut Transaction<'_>,
    account: ServiceAccountId,
    bill: BillId,
    period: Period,
) -> Result<(Option<BillId>, i64), StoreError> {
    let (drafts,): (i64,) = tx.one(CLAIM, params![account]).await?;
    let (start, end) = (period.start(), period.end());
    let other: Option<(BillId,)> = tx.optional(OVERLAP, params![account, bill, start, end]).await?;
    Ok((other.map(|(other,)| other), drafts - 1))
}

/// How many drafts of an account were made so far.
pub(crate) async fn drafts(
    database: &Database,
    account: ServiceAccountId,
) -> Result<i64, StoreError> {
    let drafts: Option<(i64,)> = database.optional(DRAFTS, params![account]).await?;
    Ok(drafts.map_or(0, |(drafts,)| drafts))
}

/// As `claim`, for a look: nobody waits.
pub(crate) async fn overlapping(
    database: &Database,
    account: ServiceAccountId,
    bill: BillId,
    period: Period,
) -> Result<Option<BillId>, StoreError> {
    let (start, end) = (period.start(), period.end());
    let values = params![account, bill, start, end];
    let other: Option<(BillId,)> = database.optional(OVERLAP, values).await?;
    Ok(other.map(|(other,)| other))
}
