//! What is owed, by how long it has been due.
use actix_web::web::Data;
use busbar_http::{Caller, Problem, Query, Rendered};

use crate::types::{Currency, Date, Timestamp, Zone};

use super::super::Analytics;
use super::super::model::figures::Aged;
use super::super::model::query::{AgingQuery, day};
use super::super::report::aging::AgingReport;
use super::super::store::aging::{self, DueBounds};
use super::Desk;

/// The days after which what is due counts as older.
const AGES: [i64; 3] = [30, 60, 90];

/// `GET /analytics/aging`
pub(crate) async fn show(
    analytics: Data<Analytics>,
    caller: Caller,
    Query(query): Query<AgingQuery>,
) -> Result<Rendered<AgingReport>, Problem> {
    caller.require_staff()?;
    analytics.answer(query.format, make(analytics.clone(), query)).await
}

async fn make(analytics: Data<Analytics>, query: AgingQuery) -> Result<AgingReport, Problem> {
    let desk = analytics.desk(&query.tz).await?;
    let date = day(query.as_of, &query.tz, desk.now)?;
    let aged = aged(&analytics, &desk, date, &query.tz, query.currency).await?;
    Ok(AgingReport::new(desk.head, date, &aged))
}

/// What was owed at the end of the day; today, what is owed now.
pub(super) async fn aged(
    analytics: &Analytics,
    desk: &Desk,
    date: Date,
    zone: &Zone,
    currency: Option<Currency>,
) -> Result<Vec<Aged>, Problem> {
    let tomorrow = date.plus_days(1).filter(|_| date < zone.date_of(desk.now));
    let until = tomorrow.map_or(Timestamp::from_micros(i64::MAX), |day| zone.start_of(day));
    let rows_max = analytics.settings.report_rows_max.saturating_add(1);
    let (database, generation) = (&analytics.database, desk.generation);
    let aged = aging::aged(database, generation, until, currency, bounds(date), rows_max).await?;
    analytics.bounded(aged.len())?;
    Ok(aged)
}

fn bounds(date: Date) -> DueBounds {
    let before = |days: i64| date.plus_days(-days).unwrap_or(date);
    [date, before(AGES[0]), before(AGES[1]), before(AGES[2])]
}
