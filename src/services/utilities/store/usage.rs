//! What a register showed around an instant, for usage.
use std::time::Duration;

use crate::storage::{Database, StoreError, params, record, sql};
use crate::types::{RegisterId, Timestamp};

use super::super::model::reading::ReadingStatus;
use super::super::model::usage::Sighting;

sql! {
    // The index of readings that count or are held is used only where it says so.
    UP_TO = "SELECT id, at, value, quality, status FROM readings
             WHERE register_id = $1 AND status IN ('accepted', 'held') AND status = $2
               AND at <= $3
             ORDER BY at DESC LIMIT 1";
    AFTER = "SELECT id, at, value, quality, status FROM readings
             WHERE register_id = $1 AND status IN ('accepted', 'held') AND status = $2
               AND at > $3
             ORDER BY at LIMIT 1";
    // Also what was corrected or made void since: the bill stands, and the next one goes on from
    // what it was made from. So the next bill settles the difference. By the index of meters.
    BILLED = "SELECT id, at, value, quality, status FROM readings
              WHERE meter_id = (SELECT g.meter_id FROM registers AS g WHERE g.id = $1)
                AND register_id = $1 AND at >= $2 AND at <= $3
                AND EXISTS (SELECT 1 FROM usage_pins AS p WHERE p.reading_id = readings.id)
              ORDER BY at LIMIT $4";
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

/// Around one midnight bills begin and end; more readings than these are no help.
const BILLED_MAX: i64 = 100;

record! { Sighting { id, at, value, quality, status } }

/// The last one at an instant or before it, and the first one after it.
pub(crate) async fn around(
    database: &Database,
    register: RegisterId,
    status: ReadingStatus,
    at: Timestamp,
) -> Result<[Option<Sighting>; 2], StoreError> {
    let before = database.optional(UP_TO, params![register, status, at]).await?;
    let after = database.optional(AFTER, params![register, status, at]).await?;
    Ok([before, after])
}

/// Those near an instant that bills were made from.
pub(crate) async fn billed(
    database: &Database,
    register: RegisterId,
    at: Timestamp,
    tolerance: Duration,
) -> Result<Vec<Sighting>, StoreError> {
    let (from, to) = (at.minus(tolerance), at.plus(tolerance));
    database.all(BILLED, params![register, from, to, BILLED_MAX]).await
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
