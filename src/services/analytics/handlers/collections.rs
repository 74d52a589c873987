//! What was billed and what came in.
use actix_web::web::Data;
use busbar_http::{Caller, Problem, Query, Rendered};

use super::super::Analytics;
use super::super::fold::{Cover, bounds};
use super::super::model::query::{CollectionsQuery, period};
use super::super::report::collections::{CollectionsReport, CollectionsSums};
use super::super::store::{figure, sum};

/// `GET /analytics/collections`
pub(crate) async fn show(
    analytics: Data<Analytics>,
    caller: Caller,
    Query(query): Query<CollectionsQuery>,
) -> Result<Rendered<CollectionsReport>, Problem> {
    caller.require_staff()?;
    analytics.answer(query.format, make(analytics.clone(), query)).await
}

async fn make(
    analytics: Data<Analytics>,
    query: CollectionsQuery,
) -> Result<CollectionsReport, Problem> {
    let desk = analytics.desk(&query.tz).await?;
    let period = period(query.from, query.to, &query.tz, desk.now)?;
    let (start, end) = bounds(period, &query.tz);
    let (cover, ever) = (Cover::of(start, end), Cover::until(end));
    let selection = analytics.selection(&desk, query.currency, None);
    let database = &analytics.database;
    let within = sum::within(database, selection, cover).await?;
    let until = sum::within(database, selection, ever).await?;
    analytics.bounded(within.len().max(until.len()))?;
    let paid = figure::paid_bills(database, desk.generation, (start, end), query.currency).await?;
    let today = query.tz.date_of(desk.now);
    let sums = CollectionsSums { within: &within, until: &until, paid: &paid };
    Ok(CollectionsReport::new(desk.head.from(cover.span().into()), period, today, sums))
}
