//! Readings: delivered by staff and their machines, looked up by who pays.
use actix_web::web::Data;
use busbar_http::{Caller, Listed, Path, Problem, Query, Reply, RequestId};
use serde::Deserialize;

use crate::storage::Transaction;
use crate::types::{Cursor, Limit, MeterId, ReadingId, RegisterId, Timestamp};

use super::super::Utilities;
use super::super::model::batch::{Against, IntakeView, Item, Rejected};
use super::super::model::reading::{NewReading, Reading, ReadingStatus};
use super::super::problem::{METER_RETIRED, READING_CONFLICT, READING_NOT_FOUND, REGISTER_UNKNOWN};
use super::super::store;
use super::super::store::reading::Selection;
use super::intake::Intake;
use super::meter::{meter_seen, visible};
use super::origin;
use super::posted::Posted;

/// Which readings of a meter, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadingQuery {
    register_id: Option<RegisterId>,
    status: Option<ReadingStatus>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Which page of the readings that wait.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeldQuery {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /meters/{id}/readings`: newest first.
pub(crate) async fn list(
    utilities: Data<Utilities>,
    caller: Caller,
    Path(meter_id): Path<MeterId>,
    Query(query): Query<ReadingQuery>,
) -> Result<Listed<Reading>, Problem> {
    visible(&utilities, &caller, meter_id).await?;
    let ReadingQuery { register_id, status, from, to, limit, cursor } = query;
    let (after, rows) = (cursor, limit.rows_and_one());
    let selection = Selection { meter_id, register_id, status, from, to, after, rows };
    let readings = store::reading::page(&utilities.database, &selection).await?;
    Ok(page(readings, limit))
}

/// `GET /readings/held`: all that wait for somebody's word, newest first.
pub(crate) async fn held(
    utilities: Data<Utilities>,
    caller: Caller,
    Query(query): Query<HeldQuery>,
) -> Result<Listed<Reading>, Problem> {
    caller.require_staff()?;
    let HeldQuery { limit, cursor } = query;
    let readings = store::reading::held(&utilities.database, cursor, limit.rows_and_one()).await?;
    Ok(page(readings, limit))
}

fn page(readings: Vec<Reading>, limit: Limit) -> Listed<Reading> {
    Listed::page(readings, limit.rows(), |reading: &Reading| {
        Cursor::new(reading.at, reading.id).to_string()
    })
}

/// `GET /readings/{id}`.
pub(crate) async fn show(
    utilities: Data<Utilities>,
    caller: Caller,
    Path(id): Path<ReadingId>,
) -> Result<Reply, Problem> {
    Reply::first(200, &visible_reading(&utilities, &caller, id).await?)
}

/// The reading, if the caller may see its meter.
pub(super) async fn visible_reading(
    utilities: &Utilities,
    caller: &Caller,
    id: ReadingId,
) -> Result<Reading, Problem> {
    let reading = store::reading::by_id(&utilities.database, id).await?;
    let reading = reading.ok_or_else(|| READING_NOT_FOUND.problem())?;
    let meter = visible(utilities, caller, reading.meter_id).await;
    // Whose meter it is not, learns nothing of its readings either.
    meter.map_err(|_| READING_NOT_FOUND.problem())?;
    Ok(reading)
}

/// `POST /meters/{id}/readings`: one reading, or up to ten thousand. Of several, those that are in
/// order are kept, whatever the others are.
pub(crate) async fn record(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<MeterId>,
    posted: Posted,
) -> Result<Reply, Problem> {
    visible(&utilities, &caller, id).await?;
    caller.require_staff()?;
    let origin = origin(&caller, &request_id, utilities.clock.now());
    let taken = utilities.database.transaction(async |tx| {
        store::meter::lock(tx, id).await?;
        // As it is now that nobody retires it.
        let meter = meter_seen(tx, id).await?;
        let registers = store::meter::registers_seen(tx, id).await?;
        let mut intake = Intake {
            origin: &origin,
            meter: &meter,
            view: IntakeView::default(),
            shows_reading: matches!(posted, Posted::One(_)),
            corrections: 0,
            unwritten: Vec::new(),
            conflict: None,
        };
        let (installed_at, retired_at) = (meter.installed_at, meter.retired_at);
        let against = Against { registers: &registers, installed_at, retired_at, now: origin.at };
        match &posted {
            Posted::One(new) => one(tx, &mut intake, against, new).await?,
            Posted::Many(all) => many(tx, &mut intake, against, all).await?,
        }
        Ok::<_, Problem>((intake.view, intake.corrections))
    });
    let (view, corrections) = taken.await?;
    count(&utilities, &view, corrections).await?;
    Reply::first(200, &view)
}

/// What is wrong with it is what the request is answered.
async fn one(
    tx: &mut Transaction<'_>,
    intake: &mut Intake<'_>,
    against: Against<'_>,
    new: &NewReading,
) -> Result<(), Problem> {
    let item = Item::new(0, new.clone(), against).map_err(refused)?;
    intake.take(tx, against.registers, vec![item]).await?;
    match intake.conflict {
        Some(known) => Err(READING_CONFLICT.problem().with("reading_id", known.to_string())),
        None => Ok(()),
    }
}

async fn many(
    tx: &mut Transaction<'_>,
    intake: &mut Intake<'_>,
    against: Against<'_>,
    posted: &[Result<NewReading, Rejected>],
) -> Result<(), Problem> {
    let mut items = Vec::with_capacity(posted.len());
    for (index, reading) in posted.iter().enumerate() {
        let checked = reading.clone().and_then(|new| Item::new(index, new, against));
        match checked {
            Ok(item) => items.push(item),
            Err(rejected) => intake.view.rejected.push(rejected),
        }
    }
    intake.take(tx, against.registers, items).await?;
    intake.view.held.sort_by_key(|held| held.index);
    intake.view.rejected.sort_by_key(|rejected| rejected.index);
    Ok(())
}

fn refused(rejected: Rejected) -> Problem {
    for kind in [REGISTER_UNKNOWN, METER_RETIRED] {
        if rejected.code == kind.code {
            return kind.problem().at(rejected.pointer);
        }
    }
    Problem::field(rejected.pointer, rejected.code, rejected.detail)
}

async fn count(
    utilities: &Utilities,
    view: &IntakeView,
    corrections: usize,
) -> Result<(), Problem> {
    let meters = &utilities.meters;
    meters.readings("accepted", view.accepted - corrections);
    meters.readings("corrected", corrections);
    meters.readings("duplicate", view.duplicates);
    meters.readings("held", view.held.len());
    meters.readings("rejected", view.rejected.len());
    if !view.held.is_empty() || corrections > 0 {
        utilities.look_at_held().await?;
    }
    Ok(())
}
