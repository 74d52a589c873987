//! What utilities has not been told yet of the readings in bills.
use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::ServiceAccountId;

sql! {
    // A draft that was deleted has left no account behind: these come after the account's own.
    UNTOLD = "SELECT j.kind, j.key, j.payload
              FROM jobs AS j LEFT JOIN bills AS b ON b.id = j.key
              WHERE j.state IN ('waiting', 'dead') AND j.kind IN ($1, $2)
                AND (b.id IS NULL OR b.service_account_id = $3)
              ORDER BY CASE WHEN b.id IS NULL THEN 1 ELSE 0 END, j.due_at, j.id LIMIT $4";
}

/// More than these are not told at one request.
const UNTOLD_MAX: i64 = 100;

/// A job that has not been carried out.
pub(crate) struct Untold {
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) payload: String,
}

record! { Untold { kind, key, payload } }

/// Of the bills of an account, and of drafts that are gone.
pub(crate) async fn untold(
    database: &Database,
    kinds: (&str, &str),
    account: ServiceAccountId,
) -> Result<Vec<Untold>, StoreError> {
    database.all(UNTOLD, params![kinds.0, kinds.1, account, UNTOLD_MAX]).await
}
