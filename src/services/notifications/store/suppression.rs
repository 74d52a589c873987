//! Addresses that take no mail, in storage: as digests, so that nobody reads addresses off them.

use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::Timestamp;

sql! {
    INSERT = "INSERT INTO suppressions (address, error_code, since) VALUES ($1, $2, $3)
              ON CONFLICT (address) DO NOTHING";
    IS_THERE = "SELECT error_code AS value FROM suppressions WHERE address = $1";
    REMOVE = "DELETE FROM suppressions WHERE address = $1";
}

pub(crate) async fn insert(
    tx: &mut Transaction<'_>,
    address: &str,
    code: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(INSERT, params![address, code, at]).await.map(drop)
}

pub(crate) async fn is_there(database: &Database, address: &str) -> Result<bool, StoreError> {
    let code: Option<(String,)> = database.optional(IS_THERE, params![address]).await?;
    Ok(code.is_some())
}

/// False: mail goes there anyway.
pub(crate) async fn remove(tx: &mut Transaction<'_>, address: &str) -> Result<bool, StoreError> {
    Ok(tx.execute(REMOVE, params![address]).await? == 1)
}
