//! Usage of a period, for billing: what registers counted, and by which prices.
use actix_web::web::Data;
use busbar_http::{Found, Problem, Query, ServiceCaller};
use serde::Deserialize;

use crate::storage::Database;
use crate::types::{Date, Period, ServiceAccountId};

use super::super::Utilities;
use super::super::boundary::Missing;
use super::super::model::account::{Account, Assignment};
use super::super::model::meter::{METERS_OF_PERIOD_MAX, Meter, Register};
use super::super::model::provider::Provider;
use super::super::model::tariff::VersionView;
use super::super::model::usage::{
    Gap, ReadingRole, RegisterUsage, Sighting, TariffInForce, UsageAccount, UsageProvider,
    UsageView, UsedReading,
};
use super::super::problem::{
    ACCOUNT_CLOSED, ACCOUNT_NOT_FOUND, METERS_TOO_MANY, NO_TARIFF, QUANTITY_OUT_OF_RANGE,
};
use super::super::store;
use super::ends::{Ends, Span, ends_of};

/// A period of usage is not longer.
const PERIOD_DAYS_MAX: i64 = 366;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UsageQuery {
    service_account_id: ServiceAccountId,
    /// The first day, in the provider's time zone.
    start: Date,
    /// The day after the last.
    end: Date,
}

/// `GET /internal/usage`.
pub(crate) async fn show(
    utilities: Data<Utilities>,
    _: ServiceCaller,
    Query(query): Query<UsageQuery>,
) -> Result<Found<UsageView>, Problem> {
    let period = period_of(&query)?;
    let database = &utilities.database;
    let account = store::account::by_id(database, query.service_account_id).await?;
    let account = account.ok_or_else(|| ACCOUNT_NOT_FOUND.problem())?;
    let provider = store::provider::by_id(database, account.provider_id).await?;
    let provider = provider.ok_or_else(|| Problem::internal("an account of no provider"))?;
    was_open(database, &account, &provider, period).await?;
    let tariffs = tariffs_of(database, &account, period).await?;
    let mut view = empty(account, provider, tariffs);
    let span = Span::of(&view.provider.timezone, period);
    for meter in meters_of(database, view.service_account.id, span).await? {
        let Some(span) = span.within(&meter) else { continue };
        for register in store::meter::registers(database, meter.id).await? {
            match usage_of(database, &meter, &register, span).await? {
                Ok(usage) => view.registers.push(usage),
                Err(gaps) => view.gaps.extend(gaps),
            }
        }
    }
    Ok(Found(view))
}

/// After the day on which it was closed nothing is supplied.
async fn was_open(
    database: &Database,
    account: &Account,
    provider: &Provider,
    period: Period,
) -> Result<(), Problem> {
    let Some(closed_at) = store::account::closed_at(database, account.id).await? else {
        return Ok(());
    };
    let last = provider.timezone.date_of(closed_at);
    match last.plus_days(1) {
        Some(next) if period.end() > next => {
            Err(ACCOUNT_CLOSED.problem().with("on", last.to_string()))
        }
        _ => Ok(()),
    }
}

/// All meters that measured in the span: none is left out of a bill in silence.
async fn meters_of(
    database: &Database,
    account: ServiceAccountId,
    span: Span,
) -> Result<Vec<Meter>, Problem> {
    let meters = store::meter::of_account(
        database,
        account,
        (span.start, span.end),
        METERS_OF_PERIOD_MAX + 1,
    )
    .await?;
    if i64::try_from(meters.len()).is_ok_and(|count| count > METERS_OF_PERIOD_MAX) {
        return Err(METERS_TOO_MANY.problem().with("meters_max", METERS_OF_PERIOD_MAX));
    }
    Ok(meters)
}

fn period_of(query: &UsageQuery) -> Result<Period, Problem> {
    let wrong = |code: &'static str, detail: String| Problem::field("/end", code, detail);
    let period = Period::new(query.start, query.end);
    let period = period.map_err(|r| wrong(r.code(), r.detail().to_owned()))?;
    if period.days() > PERIOD_DAYS_MAX {
        return Err(wrong("period_too_long", format!("at most {PERIOD_DAYS_MAX} days")));
    }
    Ok(period)
}

fn empty(account: Account, provider: Provider, tariffs: Vec<TariffInForce>) -> UsageView {
    let Account { id, user_id, provider_id, status, .. } = account;
    let Provider { name, currency, timezone, exactness, .. } = provider;
    UsageView {
        service_account: UsageAccount { id, user_id, provider_id, status },
        provider: UsageProvider { id: provider.id, name, currency, timezone, exactness },
        tariffs,
        registers: Vec::new(),
        gaps: Vec::new(),
    }
}

/// The versions that hold for the account on some day of the period; on each day, one does.
async fn tariffs_of(
    database: &Database,
    account: &Account,
    period: Period,
) -> Result<Vec<TariffInForce>, Problem> {
    let assigned = store::account::tariffs(database, account.id).await?;
    let (mut tariffs, mut covered) = (Vec::new(), period.start());
    let none_on = |day: Date| NO_TARIFF.problem().with("on", day.to_string());
    for (place, Assignment { tariff_id, from_date }) in assigned.iter().enumerate() {
        let until = assigned.get(place + 1).map_or(period.end(), |next| next.from_date);
        let (start, end) = ((*from_date).max(period.start()), until.min(period.end()));
        if start >= end {
            continue;
        }
        let versions = store::tariff::in_force(database, *tariff_id, start, end).await?;
        if covered < start || versions.first().is_none_or(|first| first.effective_from > start) {
            return Err(none_on(covered.min(start)));
        }
        covered = end;
        for version in versions {
            let VersionView { tariff_id, version, effective_from, content, .. } =
                version.try_into().map_err(Problem::internal)?;
            let effective_from = effective_from.max(*from_date);
            tariffs.push(TariffInForce { tariff_id, version, effective_from, content });
        }
    }
    if covered < period.end() { Err(none_on(covered)) } else { Ok(tariffs) }
}

/// What a register counted, or why that is not known: for no reason where there is nothing to know.
async fn usage_of(
    database: &Database,
    meter: &Meter,
    register: &Register,
    span: Span,
) -> Result<Result<RegisterUsage, Vec<Gap>>, Problem> {
    let (start, end) = match ends_of(database, register, span).await? {
        Ends::Found(start, end) => (start, end),
        Ends::Elsewhere => return Ok(Err(Vec::new())),
        Ends::Missing(missing) => {
            return Ok(Err(missing.into_iter().map(|missing| gap(register, missing)).collect()));
        }
    };
    let rollovers = store::usage::rollovers(database, register.id, &start, &end).await?;
    let over = register.beyond().times(rollovers);
    let quantity = end.value.minus(start.value).plus(over).multiplied(register.multiplier);
    if !quantity.can_be_read() {
        return Err(QUANTITY_OUT_OF_RANGE.problem().with("register_id", register.id.to_string()));
    }
    Ok(Ok(RegisterUsage {
        register_id: register.id,
        meter_id: meter.id,
        serial: meter.serial.clone(),
        unit: register.unit.clone(),
        direction: register.direction,
        quantity,
        multiplier: register.multiplier,
        readings: [used(start, ReadingRole::Start), used(end, ReadingRole::End)],
        rolled_over: rollovers > 0,
    }))
}

fn gap(register: &Register, missing: Missing) -> Gap {
    Gap { register_id: register.id, reason: missing.reason, near: missing.near }
}

fn used(sighting: Sighting, role: ReadingRole) -> UsedReading {
    let Sighting { id, at, value, quality, .. } = sighting;
    UsedReading { id, at, value, quality, role }
}
