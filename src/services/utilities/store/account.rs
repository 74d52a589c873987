//! Service accounts, and which tariff holds for them from which day on.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Cursor, Date, ServiceAccountId, TariffId, Timestamp, UserId};

use super::super::model::account::{Account, AccountStatus, Assignment};
use super::super::model::provider::ProviderKey;

sql! {
    BY_ID = "SELECT id, provider_id, user_id, reference, address, status, version, created_at,
                 updated_at
             FROM service_accounts WHERE id = $1";
    PAGE = "SELECT id, provider_id, user_id, reference, address, status, version, created_at,
                updated_at
            FROM service_accounts
            WHERE (CAST($1 AS TEXT) IS NULL OR user_id = $1)
              AND (CAST($2 AS TEXT) IS NULL OR provider_id = $2)
              AND (CAST($3 AS TEXT) IS NULL OR status = $3)
              AND (created_at < $4 OR (created_at = $4 AND id < $5))
            ORDER BY created_at DESC, id DESC LIMIT $6";
    INSERT = "INSERT INTO service_accounts (id, provider_id, user_id, reference, address, status,
                  version, created_at, updated_at)
              VALUES ($1, $2, $3, $4, $5, 'active', 1, $6, $6)";
    TOUCH = "UPDATE service_accounts SET version = version + 1, updated_at = $2
             WHERE id = $1 AND status = 'active'";
    // Changes nothing: it locks the account for what is decided on its being active.
    LOCK = "UPDATE service_accounts SET version = version WHERE id = $1 AND status = 'active'";
    CLOSE = "UPDATE service_accounts SET status = 'closed', closed_at = $2, updated_at = $2,
                 version = version + 1
             WHERE id = $1 AND status = 'active'";
    CLOSED_AT = "SELECT closed_at AS value FROM service_accounts WHERE id = $1";
    TARIFFS = "SELECT tariff_id, from_date FROM account_tariffs
               WHERE service_account_id = $1 ORDER BY from_date";
    ASSIGN = "INSERT INTO account_tariffs (service_account_id, from_date, tariff_id)
              VALUES ($1, $2, $3)
              ON CONFLICT (service_account_id, from_date) DO UPDATE SET tariff_id = $3";
}

record! {
    Account {
        id, provider_id, user_id, reference, address, status, version, created_at, updated_at,
    }
}

record! { Assignment { tariff_id, from_date } }

/// Which accounts, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) user_id: Option<UserId>,
    pub(crate) provider_id: Option<ProviderKey>,
    pub(crate) status: Option<AccountStatus>,
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: i64,
}

pub(crate) async fn by_id(
    database: &Database,
    id: ServiceAccountId,
) -> Result<Option<Account>, StoreError> {
    database.optional(BY_ID, params![id]).await
}

/// The account as the transaction sees it.
pub(crate) async fn seen(
    tx: &mut Transaction<'_>,
    id: ServiceAccountId,
) -> Result<Option<Account>, StoreError> {
    tx.optional(BY_ID, params![id]).await
}

/// Newest first.
pub(crate) async fn page(
    database: &Database,
    selection: &Selection,
) -> Result<Vec<Account>, StoreError> {
    let Selection { user_id, provider_id, status, after, rows } = selection;
    let (before, id) = super::boundary(*after);
    database.all(PAGE, params![user_id, provider_id, status, before, id, rows]).await
}

pub(crate) async fn insert(tx: &mut Transaction<'_>, account: &Account) -> Result<(), StoreError> {
    let Account { id, provider_id, user_id, reference, address, created_at, .. } = account;
    tx.execute(INSERT, params![id, provider_id, user_id, reference, address, created_at]).await?;
    Ok(())
}

/// Makes a new version of an active account. False when it is closed, or not there.
pub(crate) async fn touch(
    tx: &mut Transaction<'_>,
    id: ServiceAccountId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(TOUCH, params![id, at]).await? == 1)
}

/// Keeps an active account open until the transaction ends. False when it is closed, or not there.
pub(crate) async fn lock(
    tx: &mut Transaction<'_>,
    id: ServiceAccountId,
) -> Result<bool, StoreError> {
    Ok(tx.execute(LOCK, params![id]).await? == 1)
}

/// False when it is closed already, or not there.
pub(crate) async fn close(
    tx: &mut Transaction<'_>,
    id: ServiceAccountId,
    at: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(CLOSE, params![id, at]).await? == 1)
}

/// When it was closed, if it is.
pub(crate) async fn closed_at(
    database: &Database,
    id: ServiceAccountId,
) -> Result<Option<Timestamp>, StoreError> {
    let known: Option<(Option<Timestamp>,)> = database.optional(CLOSED_AT, params![id]).await?;
    Ok(known.and_then(|(closed_at,)| closed_at))
}

/// Oldest first.
pub(crate) async fn tariffs(
    database: &Database,
    id: ServiceAccountId,
) -> Result<Vec<Assignment>, StoreError> {
    database.all(TARIFFS, params![id]).await
}

/// The tariffs as the transaction sees them.
pub(crate) async fn tariffs_seen(
    tx: &mut Transaction<'_>,
    id: ServiceAccountId,
) -> Result<Vec<Assignment>, StoreError> {
    tx.all(TARIFFS, params![id]).await
}

/// In place of the tariff that began on the same day.
pub(crate) async fn assign(
    tx: &mut Transaction<'_>,
    id: ServiceAccountId,
    from: Date,
    tariff: TariffId,
) -> Result<(), StoreError> {
    tx.execute(ASSIGN, params![id, from, tariff]).await?;
    Ok(())
}
