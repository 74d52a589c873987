//! What has ended, in the order of its time.

use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::Cursor;

use super::super::model::EndedId;
use super::super::model::ended::{ENDINGS_MAX, Ended};

sql! {
    PAGE = "SELECT 'session' AS kind, id, CAST(0 AS BIGINT) AS version, revoked_at AS at
            FROM sessions
            WHERE status = 'revoked' AND revoked_at >= $1 AND (revoked_at > $1 OR id > $2)
            UNION ALL
            SELECT 'user' AS kind, id, token_version AS version, updated_at AS at
            FROM users
            WHERE token_version > 0 AND updated_at >= $1 AND (updated_at > $1 OR id > $2)
            ORDER BY at, id LIMIT $3";
}

record! { Ended { kind, id, version, at } }

/// The first ones behind `after`.
pub(crate) async fn page(database: &Database, after: Cursor) -> Result<Vec<Ended>, StoreError> {
    let rows = i64::try_from(ENDINGS_MAX).unwrap_or(i64::MAX);
    database.all(PAGE, params![after.created_at, EndedId::from(after.id), rows]).await
}
