//! How payments ended.
use actix_web::web::Data;
use busbar_http::{Caller, Problem, Query, Rendered};

use super::super::Analytics;
use super::super::fold::{Cover, bounds};
use super::super::model::query::{SuccessQuery, period};
use super::super::report::success::SuccessReport;
use super::super::store::sum;

/// `GET /analytics/payments/success`
pub(crate) async fn success(
    analytics: Data<Analytics>,
    caller: Caller,
    Query(query): Query<SuccessQuery>,
) -> Result<Rendered<SuccessReport>, Problem> {
    caller.require_staff()?;
    analytics.answer(query.format, make(analytics.clone(), query)).await
}

async fn make(analytics: Data<Analytics>, query: SuccessQuery) -> Result<SuccessReport, Problem> {
    let desk = analytics.desk(&query.tz).await?;
    let period = period(query.from, query.to, &query.tz, desk.now)?;
    let (start, end) = bounds(period, &query.tz);
    let cover = Cover::of(start, end);
    let selection = analytics.selection(&desk, query.currency, query.group_by);
    let sums = sum::within(&analytics.database, selection, cover).await?;
    analytics.bounded(sums.len())?;
    let head = desk.head.from(cover.span().into());
    Ok(SuccessReport::new(head, period, query.group_by, &sums))
}
