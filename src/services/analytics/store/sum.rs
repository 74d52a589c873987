//! Sums by quarter hours and by days of UTC: added to with each fact, read by reports.
use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{Currency, Timestamp};

use super::super::fold::{Cover, Run, Span};
use super::super::model::fact::{Counted, Labels};
use super::super::model::query::GroupBy;
use super::super::model::totals::{KindSum, SlotSum};

sql! {
    ADD = "INSERT INTO sums (generation, span, kind, at, currency, provider_id, method, reason,
               items, amount_minor)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
           ON CONFLICT (generation, span, kind, at, currency, provider_id, method, reason)
           DO UPDATE SET items = sums.items + 1,
                         amount_minor = sums.amount_minor + excluded.amount_minor";
    // `slot` counts stretches of the width $6 from $4 on.
    SERIES = "SELECT (at - $4) / $6 AS slot, currency,
                  CASE CAST($7 AS TEXT) WHEN 'provider' THEN provider_id WHEN 'method' THEN method
                      ELSE '' END AS part,
                  CAST(SUM(items) AS BIGINT) AS item_count,
                  CAST(SUM(amount_minor) AS BIGINT) AS total_minor
              FROM sums
              WHERE generation = $1 AND span = $2 AND kind = $3 AND at >= $4 AND at < $5
                AND (CAST($8 AS TEXT) IS NULL OR currency = $8)
              GROUP BY slot, currency, part ORDER BY slot LIMIT $9";
    // Whole days of UTC from $3 to $4, and the quarter hours before and after them. All kinds are
    // named since the key has them before the time: each kind is one stretch of it.
    WITHIN = "SELECT kind, currency,
                  CASE CAST($9 AS TEXT) WHEN 'provider' THEN provider_id WHEN 'method' THEN method
                      WHEN 'reason' THEN reason ELSE '' END AS part,
                  CAST(SUM(items) AS BIGINT) AS item_count,
                  CAST(SUM(amount_minor) AS BIGINT) AS total_minor
              FROM (SELECT kind, currency, provider_id, method, reason, items, amount_minor
                    FROM sums
                    WHERE generation = $1 AND span = 86400 AND at >= $3 AND at < $4
                      AND kind IN ('billed', 'voided', 'partially_paid', 'paid', 'reopened', 'overdue',
                          'created', 'outcome_unknown', 'succeeded', 'failed', 'cancelled')
                    UNION ALL
                    SELECT kind, currency, provider_id, method, reason, items, amount_minor
                    FROM sums
                    WHERE generation = $1 AND span = 900 AND at >= $5 AND at < $6
                      AND kind IN ('billed', 'voided', 'partially_paid', 'paid', 'reopened', 'overdue',
                          'created', 'outcome_unknown', 'succeeded', 'failed', 'cancelled')
                    UNION ALL
                    SELECT kind, currency, provider_id, method, reason, items, amount_minor
                    FROM sums
                    WHERE generation = $1 AND span = 900 AND at >= $7 AND at < $8
                      AND kind IN ('billed', 'voided', 'partially_paid', 'paid', 'reopened', 'overdue',
                          'created', 'outcome_unknown', 'succeeded', 'failed', 'cancelled')) AS covered
              WHERE CAST($2 AS TEXT) IS NULL OR currency = $2
              GROUP BY kind, currency, part LIMIT $10";
}

record! { SlotSum { slot, currency, part, item_count, total_minor } }
record! { KindSum { kind, currency, part, item_count, total_minor } }

/// Which sums, and how they are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection {
    pub(crate) generation: i64,
    pub(crate) currency: Option<Currency>,
    pub(crate) group_by: Option<GroupBy>,
    /// The most rows that are read.
    pub(crate) rows_max: u32,
}

/// Adds one item to its quarter hour and to its day.
pub(crate) async fn add(
    tx: &mut Transaction<'_>,
    generation: i64,
    at: Timestamp,
    labels: Labels<'_>,
    amount_minor: i64,
) -> Result<(), StoreError> {
    let Labels { kind, currency, provider_id, method, reason } = labels;
    for span in [Span::QuarterHour, Span::Day] {
        let (seconds, begin) = (span.seconds(), span.begin(at));
        let values = params![
            generation,
            seconds,
            kind,
            begin,
            currency,
            provider_id,
            method,
            reason,
            amount_minor
        ];
        tx.execute(ADD, values).await?;
    }
    Ok(())
}

/// The sums of the slots of a run; slots are counted from its first.
pub(crate) async fn series(
    database: &Database,
    selection: Selection,
    kind: Counted,
    run: &Run,
) -> Result<Vec<SlotSum>, StoreError> {
    let Selection { generation, currency, group_by, rows_max } = selection;
    let (span, word) = (run.span().seconds(), group_by.map(GroupBy::as_str));
    let values =
        params![generation, span, kind, run.start, run.end, run.width_us, word, currency, rows_max];
    database.all(SERIES, values).await
}

/// The sums of each kind within a period.
pub(crate) async fn within(
    database: &Database,
    selection: Selection,
    cover: Cover,
) -> Result<Vec<KindSum>, StoreError> {
    let Selection { generation, currency, group_by, rows_max } = selection;
    let Cover { days, before, after } = cover;
    let word = group_by.map(GroupBy::as_str);
    let values = params![
        generation, currency, days.0, days.1, before.0, before.1, after.0, after.1, word, rows_max
    ];
    database.all(WITHIN, values).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_is_left_out_of_a_period() {
        for kind in Counted::ALL {
            let word = format!("'{kind}'");
            assert_eq!(WITHIN.text.matches(&word).count(), 3, "{word} in {}", WITHIN.text);
        }
    }
}
