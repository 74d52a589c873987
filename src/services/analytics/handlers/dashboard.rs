//! The totals of everything.
use actix_web::web::Data;
use busbar_http::{Caller, Problem, Query, Rendered};

use super::super::Analytics;
use super::super::fold::{Cover, slots};
use super::super::model::query::{DashboardQuery, Granularity, period};
use super::super::report::dashboard::{DashboardReport, DashboardSums};
use super::super::store::{figure, sum};
use super::aging::aged;
use super::revenue::series;

/// `GET /analytics/dashboard`
pub(crate) async fn show(
    analytics: Data<Analytics>,
    caller: Caller,
    Query(query): Query<DashboardQuery>,
) -> Result<Rendered<DashboardReport>, Problem> {
    caller.require_staff()?;
    analytics.answer(query.format, make(analytics.clone(), query)).await
}

async fn make(
    analytics: Data<Analytics>,
    query: DashboardQuery,
) -> Result<DashboardReport, Problem> {
    let desk = analytics.desk(&query.tz).await?;
    let (database, today) = (&analytics.database, query.tz.date_of(desk.now));
    let selection = analytics.selection(&desk, None, None);
    let period = period(None, None, &query.tz, desk.now)?;
    let slots = slots(period, Granularity::Day, &query.tz);
    let users = figure::users(database, desk.generation).await?;
    let all = sum::within(database, selection, Cover::everything()).await?;
    let in_process = figure::in_process(database, desk.generation).await?;
    let aged = aged(&analytics, &desk, today, &query.tz, None).await?;
    let (days, span) = series(&analytics, selection, &slots).await?;
    let sums = DashboardSums {
        users,
        all: &all,
        in_process: &in_process,
        aged: &aged,
        slots: &slots,
        days: &days,
    };
    Ok(DashboardReport::new(desk.head.from(span.into()), period, sums))
}
