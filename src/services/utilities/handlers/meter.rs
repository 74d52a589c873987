//! Meters: put up and retired by staff, seen by who pays for what they measure.
use std::collections::HashMap;

use actix_web::web::Data;
use busbar_http::{
    Caller, IfMatch, Invalid, Listed, MaybeBody, MaybeKeyed, Path, Problem, Query, Reply, RequestId,
};
use serde::Deserialize;

use crate::storage::Transaction;
use crate::types::{Cursor, Limit, MeterId, ServiceAccountId, Timestamp};

use super::super::Utilities;
use super::super::boundary::TOLERANCE;
use super::super::events::meter as told;
use super::super::model::account::Account;
use super::super::model::batch::AHEAD_MAX;
use super::super::model::meter::{
    Faults, METERS_MAX, Meter, MeterStatus, MeterView, NewMeter, Register, Retirement,
};
use super::super::problem::{
    ACCOUNT_CLOSED, ACCOUNT_UNKNOWN, METER_NOT_FOUND, METER_RETIRED, METERS_TOO_MANY,
    PERIOD_BILLED, READING_AFTER,
};
use super::super::store;
use super::super::store::meter::Selection;
use super::{Repeatable, origin, owner};

/// Which meters, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeterQuery {
    service_account_id: Option<ServiceAccountId>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /meters`.
pub(crate) async fn list(
    utilities: Data<Utilities>,
    caller: Caller,
    Query(query): Query<MeterQuery>,
) -> Result<Listed<MeterView>, Problem> {
    let MeterQuery { service_account_id, limit, cursor } = query;
    let (user_id, rows) = (owner(&caller, None), limit.rows_and_one());
    let selection = Selection { user_id, service_account_id, after: cursor, rows };
    let (meters, registers) = store::meter::page(&utilities.database, &selection).await?;
    let mut of_meter: HashMap<MeterId, Vec<Register>> = HashMap::new();
    for register in registers {
        of_meter.entry(register.meter_id).or_default().push(register);
    }
    let view = |meter: Meter| {
        let registers = of_meter.remove(&meter.id).unwrap_or_default();
        MeterView::new(meter, registers)
    };
    let views = meters.into_iter().map(view).collect();
    Ok(Listed::page(views, limit.rows(), |view: &MeterView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `GET /meters/{id}`.
pub(crate) async fn show(
    utilities: Data<Utilities>,
    caller: Caller,
    Path(id): Path<MeterId>,
) -> Result<Reply, Problem> {
    let meter = visible(&utilities, &caller, id).await?;
    let registers = store::meter::registers(&utilities.database, id).await?;
    Reply::first(200, &MeterView::new(meter, registers))
}

/// `POST /meters`: a meter with its registers, for an account that is supplied.
pub(crate) async fn create(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    MaybeKeyed(new, key): MaybeKeyed<NewMeter>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let (request, at) = (Repeatable::new(&caller, key), utilities.clock.now());
    let (id, origin) = (MeterId::new(), origin(&caller, &request_id, at));
    let registers = new.registers(id).map_err(wrong)?;
    if new.installed_at.is_some_and(|installed| installed > at.plus(AHEAD_MAX)) {
        let detail = "at most five minutes ahead";
        return Err(Problem::field("/installed_at", "installation_in_future", detail));
    }
    let answer = utilities.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, id, at).await? {
            return Ok(earlier);
        }
        let account = supplied(tx, new.service_account_id).await?;
        is_not_billed_yet(tx, &account, new.installed_at).await?;
        let meter = put_up(&new, id, &account, at);
        store::meter::insert(tx, &meter, &registers).await?;
        told::audited(tx, &origin, &meter, "meter.created").await?;
        request.created(tx, &MeterView::new(meter, registers.clone())).await
    });
    answer.await
}

/// `POST /meters/{id}/retire`: it measures no more.
pub(crate) async fn retire(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<MeterId>,
    expected: IfMatch,
    MaybeBody(retirement): MaybeBody<Retirement>,
) -> Result<Reply, Problem> {
    visible(&utilities, &caller, id).await?;
    caller.require_staff()?;
    let now = utilities.clock.now();
    let origin = origin(&caller, &request_id, now);
    let said = retirement.unwrap_or_default().retired_at;
    let retired = utilities.database.transaction(async |tx| {
        store::meter::lock(tx, id).await?;
        let meter = meter_seen(tx, id).await?;
        expected.require(meter.version)?;
        if let Some(said) = said {
            measured_until(tx, &meter, said, now).await?;
        }
        if !store::meter::retire(tx, id, said.unwrap_or(now)).await? {
            return Err(METER_RETIRED.problem());
        }
        let meter = meter_seen(tx, id).await?;
        told::audited(tx, &origin, &meter, "meter.retired").await?;
        Ok(MeterView::new(meter, store::meter::registers_seen(tx, id).await?))
    });
    Reply::first(200, &retired.await?)
}

/// What a meter counts within a period that is billed would stand on no bill. Near the day at which the
/// last one ends, the next one takes it in.
async fn is_not_billed_yet(
    tx: &mut Transaction<'_>,
    account: &Account,
    installed_at: Option<Timestamp>,
) -> Result<(), Problem> {
    let Some(installed) = installed_at else { return Ok(()) };
    let Some(last) = store::pin::last_of_account(tx, account.id).await? else { return Ok(()) };
    let provider = store::provider::seen(tx, account.provider_id).await?;
    let provider = provider.ok_or_else(|| Problem::internal("an account of no provider"))?;
    if installed.plus(TOLERANCE) < provider.timezone.start_of(last) {
        let problem = PERIOD_BILLED.problem().at("/installed_at");
        return Err(problem.with("billed_until", last.to_string()));
    }
    Ok(())
}

/// Whether a meter can have measured up to then and no longer.
async fn measured_until(
    tx: &mut Transaction<'_>,
    meter: &Meter,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), Problem> {
    if until > now {
        let detail = "not later than now";
        return Err(Problem::field("/retired_at", "retirement_in_future", detail));
    }
    if meter.installed_at.is_some_and(|installed| until < installed) {
        let detail = "not before the meter was installed";
        return Err(Problem::field("/retired_at", "retirement_before_installation", detail));
    }
    match store::reading::later(tx, meter.id, until).await? {
        Some(reading) => Err(READING_AFTER.problem().with("reading_id", reading.to_string())),
        None => Ok(()),
    }
}

/// The account that a meter is for, which stays open until this transaction ends.
async fn supplied(tx: &mut Transaction<'_>, id: ServiceAccountId) -> Result<Account, Problem> {
    let account = store::account::seen(tx, id).await?;
    let account = account.ok_or_else(|| ACCOUNT_UNKNOWN.problem().at("/service_account_id"))?;
    if !store::account::lock(tx, id).await? {
        return Err(ACCOUNT_CLOSED.problem());
    }
    if store::meter::active(tx, id).await? >= METERS_MAX {
        return Err(METERS_TOO_MANY.problem().with("meters_max", METERS_MAX));
    }
    Ok(account)
}

fn put_up(new: &NewMeter, id: MeterId, account: &Account, at: Timestamp) -> Meter {
    Meter {
        id,
        service_account_id: account.id,
        user_id: account.user_id,
        serial: new.serial.clone(),
        status: MeterStatus::Active,
        version: 1,
        created_at: at,
        installed_at: new.installed_at,
        retired_at: None,
    }
}

fn wrong(faults: Faults) -> Problem {
    let mut invalid = Invalid::default();
    for (pointer, refused) in faults {
        invalid.add(pointer, refused.code(), refused.detail().to_owned());
    }
    invalid.finish().err().unwrap_or_else(|| Problem::internal("a refusal without a fault"))
}

/// The meter, if the caller may see it.
pub(super) async fn visible(
    utilities: &Utilities,
    caller: &Caller,
    id: MeterId,
) -> Result<Meter, Problem> {
    let meter = store::meter::by_id(&utilities.database, id).await?;
    let meter = meter.filter(|meter| caller.may_see(meter.user_id.uuid()));
    meter.ok_or_else(|| METER_NOT_FOUND.problem())
}

pub(super) async fn meter_seen(tx: &mut Transaction<'_>, id: MeterId) -> Result<Meter, Problem> {
    store::meter::seen(tx, id).await?.ok_or_else(|| METER_NOT_FOUND.problem())
}
