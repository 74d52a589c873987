//! The next number of a series.
use crate::storage::{StoreError, Transaction, params, sql};

use super::super::numbering::Series;

sql! {
    NEXT = "INSERT INTO number_series (provider_id, series, year, last_sequence)
            VALUES ($1, $2, $3, 1)
            ON CONFLICT (provider_id, series, year)
                DO UPDATE SET last_sequence = number_series.last_sequence + 1
            RETURNING last_sequence AS value";
}

/// Takes it. Others of the series wait until this transaction ends; if it is rolled back, the
/// next one gets the same number: a failed issue leaves no gap.
pub(crate) async fn next(tx: &mut Transaction<'_>, series: &Series) -> Result<i64, StoreError> {
    let Series { provider_id, paper, year } = series;
    let (sequence,) = tx.one(NEXT, params![provider_id, paper.as_str(), year]).await?;
    Ok(sequence)
}
