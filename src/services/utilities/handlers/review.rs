//! What staff decide on readings: that a suspect one is true, that one is void, what is true.
use actix_web::web::Data;
use busbar_http::{Body, Caller, IfMatch, Path, Problem, Reply, RequestId};

use crate::events::Origin;
use crate::storage::Transaction;
use crate::types::ReadingId;

use super::super::Utilities;
use super::super::events::reading as told;
use super::super::model::batch::fits;
use super::super::model::meter::Meter;
use super::super::model::reading::{Correction, Reading, ReadingStatus};
use super::super::model::words::Quality;
use super::super::problem::{INVALID_STATE, READING_NOT_FOUND};
use super::super::store;
use super::intake::supersede;
use super::meter::meter_seen;
use super::origin;
use super::reading::visible_reading;

/// `POST /readings/{id}/approve`: a held reading counts from now on. One that is lower than before
/// then stands for a register that began again.
pub(crate) async fn approve(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ReadingId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    for_staff(&utilities, &caller, id).await?;
    let at = utilities.clock.now();
    let origin = origin(&caller, &request_id, at);
    let approved = utilities.database.transaction(async |tx| {
        let (reading, meter) = locked(tx, id).await?;
        expected.require(reading.version)?;
        if !store::reading::approve(tx, id, at).await? {
            return Err(invalid_state(&reading, &["held"]));
        }
        let reading = reading_seen(tx, id).await?;
        told::recorded(tx, &origin, &meter, &reading, (reading.at, 1)).await?;
        told::audited(tx, &origin, &reading, "reading.approved").await?;
        Ok(reading)
    });
    let reading = approved.await?;
    utilities.meters.readings("approved", 1);
    utilities.look_at_held().await?;
    Reply::first(200, &reading)
}

/// `POST /readings/{id}/void`: it never counted, or counts no more.
pub(crate) async fn void(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ReadingId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    for_staff(&utilities, &caller, id).await?;
    let at = utilities.clock.now();
    let origin = origin(&caller, &request_id, at);
    let voided = utilities.database.transaction(async |tx| {
        let (reading, meter) = locked(tx, id).await?;
        expected.require(reading.version)?;
        let billed = store::pin::is_billed(tx, id).await?;
        if !store::reading::end(tx, id, ReadingStatus::Void, at).await? {
            return Err(invalid_state(&reading, &["accepted", "held"]));
        }
        let earlier = (id, reading.value);
        let reading = reading_seen(tx, id).await?;
        told::corrected(tx, &origin, &meter, earlier, (&reading, true), billed).await?;
        told::audited(tx, &origin, &reading, "reading.voided").await?;
        Ok(reading)
    });
    let reading = voided.await?;
    utilities.meters.readings("voided", 1);
    utilities.look_at_held().await?;
    Reply::first(200, &reading)
}

/// `POST /readings/{id}/correct`: another value in its place. Both are kept.
pub(crate) async fn correct(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ReadingId>,
    expected: IfMatch,
    Body(correction): Body<Correction>,
) -> Result<Reply, Problem> {
    for_staff(&utilities, &caller, id).await?;
    let origin = origin(&caller, &request_id, utilities.clock.now());
    let corrected = utilities.database.transaction(async |tx| {
        let (earlier, meter) = locked(tx, id).await?;
        expected.require(earlier.version)?;
        if !earlier.status.is_live() {
            return Err(invalid_state(&earlier, &["accepted", "held"]));
        }
        let reading = in_place_of(tx, &earlier, &correction, &origin).await?;
        supersede(tx, &origin, &meter, (id, earlier.value), &reading).await?;
        told::audited(tx, &origin, &reading, "reading.corrected").await?;
        Ok(reading)
    });
    let reading = corrected.await?;
    utilities.meters.readings("corrected", 1);
    utilities.look_at_held().await?;
    Reply::first(200, &reading)
}

/// The reading that says what the register really showed.
async fn in_place_of(
    tx: &mut Transaction<'_>,
    earlier: &Reading,
    correction: &Correction,
    origin: &Origin,
) -> Result<Reading, Problem> {
    let registers = store::meter::registers_seen(tx, earlier.meter_id).await?;
    let register = registers.iter().find(|register| register.id == earlier.register_id);
    if !register.is_some_and(|register| fits(correction.value, register)) {
        let detail = "the register has fewer digits";
        return Err(Problem::field("/value", "value_out_of_range", detail));
    }
    Ok(Reading {
        id: ReadingId::new(),
        value: correction.value,
        quality: Quality::Corrected,
        status: ReadingStatus::Accepted,
        suspicion: None,
        source: correction.source.clone(),
        external_id: None,
        supersedes: Some(earlier.id),
        version: 1,
        created_at: origin.at,
        updated_at: origin.at,
        ..earlier.clone()
    })
}

/// The reading and its meter, which nobody else delivers to until this transaction ends.
async fn locked(tx: &mut Transaction<'_>, id: ReadingId) -> Result<(Reading, Meter), Problem> {
    let meter_id = reading_seen(tx, id).await?.meter_id;
    store::meter::lock(tx, meter_id).await?;
    Ok((reading_seen(tx, id).await?, meter_seen(tx, meter_id).await?))
}

async fn for_staff(utilities: &Utilities, caller: &Caller, id: ReadingId) -> Result<(), Problem> {
    visible_reading(utilities, caller, id).await?;
    caller.require_staff()
}

async fn reading_seen(tx: &mut Transaction<'_>, id: ReadingId) -> Result<Reading, Problem> {
    store::reading::seen(tx, id).await?.ok_or_else(|| READING_NOT_FOUND.problem())
}

fn invalid_state(reading: &Reading, needed: &[&str]) -> Problem {
    INVALID_STATE
        .problem()
        .with("current", reading.status.as_str())
        .with("allowed", needed.to_vec())
}
