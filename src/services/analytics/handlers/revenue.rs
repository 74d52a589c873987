//! What payments brought in.
use actix_web::web::Data;
use busbar_http::{Caller, Problem, Query, Rendered};

use super::super::Analytics;
use super::super::fold::{Slot, Span, runs, slots};
use super::super::model::fact::Counted;
use super::super::model::query::{Granularity, RevenueQuery, period};
use super::super::model::totals::SlotSum;
use super::super::report::revenue::{RevenueReport, RevenueScope};
use super::super::store::sum::{self, Selection};

/// `GET /analytics/revenue`
pub(crate) async fn show(
    analytics: Data<Analytics>,
    caller: Caller,
    Query(query): Query<RevenueQuery>,
) -> Result<Rendered<RevenueReport>, Problem> {
    caller.require_staff()?;
    analytics.answer(query.format, make(analytics.clone(), query)).await
}

async fn make(analytics: Data<Analytics>, query: RevenueQuery) -> Result<RevenueReport, Problem> {
    let desk = analytics.desk(&query.tz).await?;
    let scope = RevenueScope {
        period: period(query.from, query.to, &query.tz, desk.now)?,
        granularity: query.granularity.unwrap_or(Granularity::Day),
        group_by: query.group_by,
    };
    let slots = slots(scope.period, scope.granularity, &query.tz);
    let selection = analytics.selection(&desk, query.currency, query.group_by.map(Into::into));
    let (sums, span) = series(&analytics, selection, &slots).await?;
    Ok(RevenueReport::new(desk.head.from(span.into()), scope, &slots, &sums))
}

/// The revenue of each slot, and what it was read from.
pub(super) async fn series(
    analytics: &Analytics,
    selection: Selection,
    slots: &[Slot],
) -> Result<(Vec<SlotSum>, Span), Problem> {
    let (mut sums, mut span) = (Vec::new(), Span::Day);
    for run in runs(slots) {
        let first = i64::try_from(run.first).map_err(Problem::internal)?;
        let found = sum::series(&analytics.database, selection, Counted::Succeeded, &run).await?;
        sums.extend(found.into_iter().map(|sum| SlotSum { slot: first + sum.slot, ..sum }));
        analytics.bounded(sums.len())?;
        if run.span() == Span::QuarterHour {
            span = Span::QuarterHour;
        }
    }
    Ok((sums, span))
}
