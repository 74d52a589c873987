//! What is owed on bills, by how long it has been due.
use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::{Currency, Date, Timestamp};

use super::super::model::figures::Aged;

sql! {
    // A bill whose movements sum to zero now, and has not moved since, was settled then too.
    AGED = "SELECT provider_id, currency,
                CAST(SUM(CASE WHEN owed > 0 THEN 1 ELSE 0 END) AS BIGINT) AS bill_count,
                CAST(SUM(CASE WHEN owed > 0 AND (due_on IS NULL OR due_on >= $4)
                    THEN owed ELSE 0 END) AS BIGINT) AS current_minor,
                CAST(SUM(CASE WHEN owed > 0 AND due_on < $4 AND due_on >= $5
                    THEN owed ELSE 0 END) AS BIGINT) AS days_30_minor,
                CAST(SUM(CASE WHEN owed > 0 AND due_on < $5 AND due_on >= $6
                    THEN owed ELSE 0 END) AS BIGINT) AS days_60_minor,
                CAST(SUM(CASE WHEN owed > 0 AND due_on < $6 AND due_on >= $7
                    THEN owed ELSE 0 END) AS BIGINT) AS days_90_minor,
                CAST(SUM(CASE WHEN owed > 0 AND due_on < $7
                    THEN owed ELSE 0 END) AS BIGINT) AS older_minor,
                CAST(SUM(CASE WHEN owed > 0 AND overdue_at < $2
                    THEN owed ELSE 0 END) AS BIGINT) AS overdue_minor,
                CAST(SUM(CASE WHEN owed < 0 THEN -owed ELSE 0 END) AS BIGINT) AS credit_minor
            FROM (SELECT b.provider_id, b.currency, b.due_on, b.overdue_at,
                         CAST(SUM(m.amount_minor) AS BIGINT) AS owed
                  FROM bills AS b JOIN movements AS m
                       ON m.generation = b.generation AND m.bill_id = b.bill_id
                          AND m.currency = b.currency
                  WHERE b.generation = $1 AND (b.open_minor <> 0 OR b.last_moved_at >= $2)
                    AND m.at < $2 AND (CAST($3 AS TEXT) IS NULL OR b.currency = $3)
                  GROUP BY b.bill_id, b.provider_id, b.currency, b.due_on, b.overdue_at) AS then_owed
            GROUP BY provider_id, currency LIMIT $8";
}

record! {
    Aged {
        provider_id, currency, bill_count, current_minor, days_30_minor, days_60_minor,
        days_90_minor, older_minor, overdue_minor, credit_minor
    }
}

/// The last due days of each age: due on or after the first is not past its day, and so on.
pub(crate) type DueBounds = [Date; 4];

/// What was owed just before `until`.
pub(crate) async fn aged(
    database: &Database,
    generation: i64,
    until: Timestamp,
    currency: Option<Currency>,
    bounds: DueBounds,
    rows_max: u32,
) -> Result<Vec<Aged>, StoreError> {
    let [today, days_30, days_60, days_90] = bounds;
    let values = params![generation, until, currency, today, days_30, days_60, days_90, rows_max];
    let mut aged: Vec<Aged> = database.all(AGED, values).await?;
    // Engines may sort texts differently.
    aged.sort_by(|a, b| (a.currency, &a.provider_id).cmp(&(b.currency, &b.provider_id)));
    Ok(aged)
}
