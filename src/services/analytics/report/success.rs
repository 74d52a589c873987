//! How payments end: by method, provider, and the reason why they failed.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Currency, Date, Period};

use super::super::chart::{Chart, Panel, Series, Shape, Unit};
use super::super::export::{Cell, Table};
use super::super::measure::share;
use super::super::model::query::GroupBy;
use super::super::model::totals::{KindSum, Tally, by_currency, by_part};
use super::{Head, Report, days_of, group, told_days};

/// Payments by how they ended, on the day on which they did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SuccessReport {
    #[serde(flatten)]
    head: Head,
    from: Date,
    /// The first day that does not belong to it.
    to: Date,
    group_by: Option<GroupBy>,
    data: Vec<SuccessRow>,
    totals: Vec<SuccessRow>,
    #[serde(skip)]
    period: Period,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct SuccessRow {
    /// The method, provider or reason; `null` where there is none, or nothing is kept apart.
    group: Option<String>,
    currency: Currency,
    /// Sent to the connector.
    created: i64,
    /// Whose outcome the connector left open for a while.
    outcome_unknown: i64,
    succeeded: i64,
    failed: i64,
    cancelled: i64,
    succeeded_minor: i64,
    failed_minor: i64,
    /// Those that succeeded among those that succeeded or failed, as a decimal of one.
    success_rate: Option<String>,
    /// All that ended among all of the currency, as a decimal of one.
    share: Option<String>,
}

impl SuccessRow {
    fn new(currency: Currency, part: &str, tally: &Tally, all_ended: i64) -> SuccessRow {
        SuccessRow {
            group: group(part),
            currency,
            created: tally.created.items,
            outcome_unknown: tally.unknown.items,
            succeeded: tally.succeeded.items,
            failed: tally.failed.items,
            cancelled: tally.cancelled.items,
            succeeded_minor: tally.succeeded.minor,
            failed_minor: tally.failed.minor,
            success_rate: share(tally.succeeded.items, tally.succeeded.items + tally.failed.items),
            share: share(tally.ended(), all_ended),
        }
    }

    fn is_empty(&self) -> bool {
        self.created + self.outcome_unknown + self.succeeded + self.failed + self.cancelled == 0
    }
}

impl SuccessReport {
    pub(crate) fn new(
        head: Head,
        period: Period,
        group_by: Option<GroupBy>,
        sums: &[KindSum],
    ) -> SuccessReport {
        let totals = by_currency(sums);
        let row = |((currency, part), tally): (&(Currency, String), &Tally)| {
            let all = totals.get(currency).map_or(0, Tally::ended);
            SuccessRow::new(*currency, part, tally, all)
        };
        let parts = by_part(sums);
        let data = parts.iter().map(row).filter(|row| !row.is_empty()).collect();
        let total = |(currency, tally): (&Currency, &Tally)| {
            SuccessRow::new(*currency, "", tally, tally.ended())
        };
        let totals = totals.iter().map(total).filter(|row| !row.is_empty()).collect();
        let (from, to) = (period.start(), period.end());
        SuccessReport { head, from, to, group_by, data, totals, period }
    }

    /// What a row is called in a chart.
    fn label(&self, row: &SuccessRow) -> String {
        match (&row.group, self.group_by) {
            (Some(group), _) => group.clone(),
            (None, None) => "all".to_owned(),
            (None, Some(GroupBy::Reason)) => "no reason".to_owned(),
            (None, Some(_)) => "not known".to_owned(),
        }
    }
}

impl Report for SuccessReport {
    const NAME: &'static str = "payment-success";

    fn head(&self) -> &Head {
        &self.head
    }

    fn about(&self) -> String {
        days_of(self.period)
    }

    fn table(&self) -> Table {
        let row = |row: &SuccessRow| {
            let mut cells = vec![Cell::optional(row.group.as_ref()), Cell::text(row.currency)];
            let numbers = [
                row.created,
                row.outcome_unknown,
                row.succeeded,
                row.failed,
                row.cancelled,
                row.succeeded_minor,
                row.failed_minor,
            ];
            cells.extend(numbers.map(Cell::from));
            cells.push(Cell::decimal(row.success_rate.as_ref()));
            cells.push(Cell::decimal(row.share.as_ref()));
            cells
        };
        let columns = vec![
            self.group_by.map_or("group", GroupBy::as_str),
            "currency",
            "created",
            "outcome_unknown",
            "succeeded",
            "failed",
            "cancelled",
            "succeeded_minor",
            "failed_minor",
            "success_rate",
            "share",
        ];
        Table { columns, rows: self.data.iter().map(row).collect() }
    }

    fn chart(&self) -> Chart {
        let mut rows: BTreeMap<Currency, Vec<&SuccessRow>> = BTreeMap::new();
        self.data.iter().for_each(|row| rows.entry(row.currency).or_default().push(row));
        let panel = |(currency, rows): (Currency, Vec<&SuccessRow>)| {
            let series = |name: &str, of: fn(&SuccessRow) -> i64| Series {
                name: name.to_owned(),
                values: rows.iter().map(|row| of(row)).collect(),
            };
            Panel {
                heading: format!("Payments in {currency}"),
                unit: Unit::Count,
                shape: Shape::Bars,
                labels: rows.iter().map(|row| self.label(row)).collect(),
                series: vec![
                    series("succeeded", |row| row.succeeded),
                    series("failed", |row| row.failed),
                    series("cancelled", |row| row.cancelled),
                ],
            }
        };
        let by = self.group_by.map(|group| format!(", by {group}")).unwrap_or_default();
        Chart {
            title: format!("How payments ended{by}"),
            subtitle: self.head.subtitle(&told_days(self.period)),
            panels: rows.into_iter().map(panel).collect(),
        }
    }
}
