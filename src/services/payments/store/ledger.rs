//! The ledger as it is read.

use crate::services::payments::model::books::{
    AccountFilter, AccountSums, LedgerSums, StoredEntry, StoredTransfer, TransferFilter,
};
use crate::storage::{Database, FromRow, Row, StoreError, params, record, sql};
use crate::types::{Currency, TransferId};

sql! {
    ACCOUNTS = "SELECT page.id, page.code, page.currency, page.opened_at,
                       CAST(COALESCE(SUM(CASE WHEN t.phase = 'posted' AND e.amount_minor > 0
                           THEN e.amount_minor ELSE 0 END), 0) AS BIGINT) AS debits_minor,
                       CAST(COALESCE(SUM(CASE WHEN t.phase = 'posted' AND e.amount_minor < 0
                           THEN -e.amount_minor ELSE 0 END), 0) AS BIGINT) AS credits_minor,
                       CAST(COALESCE(SUM(CASE WHEN t.phase = 'pending' AND ending.id IS NULL
                           AND e.amount_minor > 0 THEN e.amount_minor ELSE 0 END), 0) AS BIGINT)
                           AS pending_debits_minor,
                       CAST(COALESCE(SUM(CASE WHEN t.phase = 'pending' AND ending.id IS NULL
                           AND e.amount_minor < 0 THEN -e.amount_minor ELSE 0 END), 0) AS BIGINT)
                           AS pending_credits_minor
                FROM (SELECT id, code, currency, opened_at FROM accounts
                      WHERE (CAST($1 AS TEXT) IS NULL OR code = $1)
                        AND (CAST($2 AS TEXT) IS NULL OR currency = $2)
                        AND (CAST($3 AS BIGINT) IS NULL OR opened_at < $3
                             OR (opened_at = $3 AND id < $4))
                      ORDER BY opened_at DESC, id DESC LIMIT $5) AS page
                LEFT JOIN entries AS e ON e.account = page.code AND e.currency = page.currency
                LEFT JOIN transfers AS t ON t.id = e.transfer_id
                LEFT JOIN transfers AS ending ON ending.pending_id = t.id
                GROUP BY page.id, page.code, page.currency, page.opened_at
                ORDER BY page.opened_at DESC, page.id DESC";
    TRIAL = "SELECT CAST(COALESCE(SUM(CASE WHEN t.phase = 'posted' AND e.amount_minor > 0
                        THEN e.amount_minor ELSE 0 END), 0) AS BIGINT) AS debits_minor,
                    CAST(COALESCE(SUM(CASE WHEN t.phase = 'posted' AND e.amount_minor < 0
                        THEN -e.amount_minor ELSE 0 END), 0) AS BIGINT) AS credits_minor,
                    CAST(COALESCE(SUM(CASE WHEN t.phase = 'pending' AND ending.id IS NULL
                        AND e.amount_minor > 0 THEN e.amount_minor ELSE 0 END), 0) AS BIGINT)
                        AS pending_debits_minor,
                    CAST(COALESCE(SUM(CASE WHEN t.phase = 'pending' AND ending.id IS NULL
                        AND e.amount_minor < 0 THEN -e.amount_minor ELSE 0 END), 0) AS BIGINT)
                        AS pending_credits_minor
             FROM entries AS e
             JOIN transfers AS t ON t.id = e.transfer_id
             LEFT JOIN transfers AS ending ON ending.pending_id = t.id
             WHERE e.currency = $1";
    TRANSFERS = "SELECT id, kind, phase, reference, pending_id, currency, debits_minor, at
                 FROM transfers
                 WHERE (CAST($1 AS TEXT) IS NULL OR EXISTS (
                           SELECT 1 FROM entries AS e
                           WHERE e.transfer_id = transfers.id AND e.account = $1))
                   AND (CAST($2 AS TEXT) IS NULL OR reference = $2)
                   AND (CAST($3 AS BIGINT) IS NULL OR at < $3 OR (at = $3 AND id < $4))
                 ORDER BY at DESC, id DESC LIMIT $5";
    TRANSFER = "SELECT id, kind, phase, reference, pending_id, currency, debits_minor, at
                FROM transfers WHERE id = $1";
    ENTRIES = "SELECT account, amount_minor FROM entries WHERE transfer_id = $1 ORDER BY number";
}

record! { StoredTransfer {
    id, kind, phase, reference, pending_id, currency, debits_minor, at,
} }
record! { StoredEntry { account, amount_minor } }
record! { LedgerSums { debits_minor, credits_minor, pending_debits_minor, pending_credits_minor } }

impl FromRow for AccountSums {
    fn from_row(row: &Row<'_>) -> Result<AccountSums, StoreError> {
        Ok(AccountSums {
            id: row.get("id")?,
            code: row.get("code")?,
            currency: row.get("currency")?,
            opened_at: row.get("opened_at")?,
            sums: LedgerSums::from_row(row)?,
        })
    }
}

/// The last opened first, one more than the page shows.
pub(crate) async fn accounts(
    database: &Database,
    filter: &AccountFilter,
) -> Result<Vec<AccountSums>, StoreError> {
    let before = filter.cursor.map(|cursor| cursor.created_at);
    let before_id = filter.cursor.map(|cursor| cursor.id);
    let (any, limit) = (None::<String>, filter.limit.rows_and_one());
    let values = params![any, filter.currency, before, before_id, limit];
    database.all(ACCOUNTS, values).await
}

/// An account in each of its currencies.
pub(crate) async fn account(
    database: &Database,
    code: &str,
) -> Result<Vec<AccountSums>, StoreError> {
    /// More currencies than there are.
    const CURRENCIES_MAX: u32 = 200;
    let none = (None::<Currency>, None::<i64>, None::<String>);
    database.all(ACCOUNTS, params![code, none.0, none.1, none.2, CURRENCIES_MAX]).await
}

/// All accounts of a currency.
pub(crate) async fn trial_balance(
    database: &Database,
    currency: Currency,
) -> Result<LedgerSums, StoreError> {
    database.one(TRIAL, params![currency]).await
}

/// Newest first, one more than the page shows.
pub(crate) async fn transfers(
    database: &Database,
    filter: &TransferFilter,
) -> Result<Vec<StoredTransfer>, StoreError> {
    let before = filter.cursor.map(|cursor| cursor.created_at);
    let before_id = filter.cursor.map(|cursor| cursor.id);
    let limit = filter.limit.rows_and_one();
    let values = params![filter.account, filter.reference, before, before_id, limit];
    database.all(TRANSFERS, values).await
}

pub(crate) async fn transfer(
    database: &Database,
    id: TransferId,
) -> Result<Option<StoredTransfer>, StoreError> {
    database.optional(TRANSFER, params![id]).await
}

pub(crate) async fn entries(
    database: &Database,
    id: TransferId,
) -> Result<Vec<StoredEntry>, StoreError> {
    database.all(ENTRIES, params![id]).await
}
