//! Billing says which readings a bill was made from, so that a correction of one is told as what
//! it is: a bill that may be wrong.
use actix_web::web::Data;
use busbar_http::{Body, Found, NoContent, Path, Problem, RequestId, ServiceCaller};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::Origin;
use crate::storage::Transaction;
use crate::types::{BillId, Date, ReadingId, ServiceName};

use super::super::Utilities;
use super::super::events::reading as told;
use super::super::model::reading::ReadingStatus;
use super::super::problem::READING_UNKNOWN;
use super::super::store;
use super::meter::meter_seen;

/// Readings of one bill: two of each register of the meters of a period are fewer.
const READINGS_MAX: usize = 4_000;

#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pins {
    bill_id: BillId,
    /// At most 4 000.
    readings: Vec<Pinned>,
}

/// A reading that a bill begins or ends with.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pinned {
    id: ReadingId,
    /// The first day of the bill's period, or the day after its last; not said by an earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    boundary: Option<Date>,
}

/// `POST /internal/usage/pins`: adds to what the bill is known to be made from.
pub(crate) async fn create(
    utilities: Data<Utilities>,
    caller: ServiceCaller,
    request_id: RequestId,
    Body(pins): Body<Pins>,
) -> Result<Found<Pins>, Problem> {
    if pins.readings.len() > READINGS_MAX {
        let detail = format!("at most {READINGS_MAX} readings");
        return Err(Problem::field("/readings", "count_invalid", detail));
    }
    let origin = Origin {
        source: ServiceName::Utilities,
        at: utilities.clock.now(),
        correlation: request_id.id().to_owned(),
        causation: None,
        actor: format!("service/{}", caller.service),
    };
    let pinned = utilities.database.transaction(async |tx| {
        for (index, reading) in pins.readings.iter().enumerate() {
            pin(tx, &origin, pins.bill_id, *reading, index).await?;
        }
        Ok::<_, Problem>(())
    });
    pinned.await?;
    Ok(Found(pins))
}

/// `DELETE /internal/usage/pins/{bill_id}`: no bill was made from them after all.
pub(crate) async fn delete(
    utilities: Data<Utilities>,
    _: ServiceCaller,
    Path(bill): Path<BillId>,
) -> Result<NoContent, Problem> {
    let unpinned = utilities.database.transaction(async |tx| store::pin::unpin(tx, bill).await);
    unpinned.await?;
    Ok(NoContent)
}

/// A reading that was corrected between the look at it and its bill: that is told once more, now
/// that there is a bill.
async fn pin(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    bill: BillId,
    Pinned { id, boundary }: Pinned,
    index: usize,
) -> Result<(), Problem> {
    let reading = store::reading::seen(tx, id).await?;
    let unknown = || READING_UNKNOWN.problem().at(format!("/readings/{index}"));
    let reading = reading.ok_or_else(unknown)?;
    store::meter::lock(tx, reading.meter_id).await?;
    if !store::pin::pin(tx, bill, (id, reading.register_id), boundary, origin.at).await? {
        return Ok(());
    }
    let successor = match store::reading::seen(tx, id).await?.map(|reading| reading.status) {
        Some(ReadingStatus::Superseded) => store::reading::successor(tx, id).await?,
        Some(ReadingStatus::Void) => None,
        _ => return Ok(()),
    };
    let meter = meter_seen(tx, reading.meter_id).await?;
    let now = successor.as_ref().map_or((&reading, true), |successor| (successor, false));
    told::corrected(tx, origin, &meter, (id, reading.value), now, true).await
}
