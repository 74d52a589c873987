//! What a register showed around an instant, for usage.
use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::{Date, Period, RegisterId, Timestamp};

use super::super::model::reading::ReadingStatus;
use super::super::model::usage::Sighting;

sql! {
    // The index of readings that count or are held is used only where it says so.
    UP_TO = "SELECT id, at, value, quality, status FROM readings
             WHERE register_id = $1 AND status IN ('accepted', 'held') AND status = $2
               AND at <= $3 AND at > $4 AND at < $5
             ORDER BY at DESC LIMIT 1";
    AFTER = "SELECT id, at, value, quality, status FROM readings
             WHERE register_id = $1 AND status IN ('accepted', 'held') AND status = $2
               AND at > $3 AND at > $4 AND at < $5
             ORDER BY at LIMIT 1";
    // Also what was corrected or made void since: the bill stands, and the next one goes on from
    // what it was made from. So the next bill settles the difference.
    // Bills of an earlier release have not said at which days: theirs are told by their nearness.
    BILLED = "SELECT r.id AS id, r.at AS at, r.value AS value, r.quality AS quality,
                  r.status AS status
              FROM usage_pins AS p JOIN readings AS r ON r.id = p.reading_id
              WHERE p.register_id = $1
                AND (p.boundary = $2 OR p.boundary IS NULL AND r.at >= $3 AND r.at <= $4)
              ORDER BY CASE WHEN p.boundary IS NULL THEN 1 ELSE 0 END, p.pinned_at, p.bill_id
              LIMIT 1";
    // Days and their readings come in one order, whatever lies between: what one bill has up to a
    // reading, no other has from an earlier one on.
    AROUND_BILLED = "SELECT MAX(CASE WHEN p.boundary <= $2 THEN r.at END) AS lower,
                         MIN(CASE WHEN p.boundary >= $3 THEN r.at END) AS upper
                     FROM usage_pins AS p JOIN readings AS r ON r.id = p.reading_id
                     WHERE p.register_id = $1";
    // Numbers of nine digits and six places keep their order as floating numbers.
    // What is counted begins and ends with the values that were chosen, whatever became of their
    // readings since.
    ROLLOVERS = "SELECT COUNT(*) AS value
                 FROM (SELECT shown, LAG(shown) OVER (ORDER BY place, at) AS before
                       FROM (SELECT CAST(value AS DOUBLE PRECISION) AS shown, at, 1 AS place
                             FROM readings
                             WHERE register_id = $1 AND status IN ('accepted', 'held')
                               AND status = 'accepted' AND at > $2 AND at < $3
                             UNION ALL
                             SELECT CAST($4 AS DOUBLE PRECISION), CAST($2 AS BIGINT), 0
                             UNION ALL
                             SELECT CAST($5 AS DOUBLE PRECISION), CAST($3 AS BIGINT), 2) AS chain
                       ) AS steps
                 WHERE shown < before";
}

record! { Sighting { id, at, value, quality, status } }

struct AroundBilled {
    lower: Option<Timestamp>,
    upper: Option<Timestamp>,
}
record! { AroundBilled { lower, upper } }

/// The last one at an instant or before it, and the first one after it, of those between two
/// others.
pub(crate) async fn around(
    database: &Database,
    register: RegisterId,
    status: ReadingStatus,
    at: Timestamp,
    (after, before): (Timestamp, Timestamp),
) -> Result<[Option<Sighting>; 2], StoreError> {
    let values = params![register, status, at, after, before];
    Ok([database.optional(UP_TO, values).await?, database.optional(AFTER, values).await?])
}

/// The one that a bill begins or ends with at the start of a day.
pub(crate) async fn billed(
    database: &Database,
    register: RegisterId,
    boundary: Date,
    (from, to): (Timestamp, Timestamp),
) -> Result<Option<Sighting>, StoreError> {
    database.optional(BILLED, params![register, boundary, from, to]).await
}

/// Up to when bills before a period have billed, and from when on those after it.
pub(crate) async fn around_billed(
    database: &Database,
    register: RegisterId,
    period: Period,
) -> Result<(Option<Timestamp>, Option<Timestamp>), StoreError> {
    let (start, end) = (period.start(), period.end());
    let values = params![register, start, end];
    let AroundBilled { lower, upper } = database.one(AROUND_BILLED, values).await?;
    Ok((lower, upper))
}

/// How often the register began again between two readings.
pub(crate) async fn rollovers(
    database: &Database,
    register: RegisterId,
    start: &Sighting,
    end: &Sighting,
) -> Result<i64, StoreError> {
    let values = params![register, start.at, end.at, start.value, end.value];
    let (rollovers,): (i64,) = database.one(ROLLOVERS, values).await?;
    Ok(rollovers)
}
