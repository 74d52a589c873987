//! Revenue: what payments brought in, by day or month, provider and method.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Currency, Date, Period};

use super::super::chart::{Chart, Panel, Series, Shape, Unit};
use super::super::export::{Cell, Table};
use super::super::fold::Slot;
use super::super::model::query::{Granularity, RevenueGroup};
use super::super::model::totals::SlotSum;
use super::{CurrencyAmount, Head, Report, days_of, group, told_days};

/// Payments that succeeded, on the day on which they did. Days and months without any are left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RevenueReport {
    #[serde(flatten)]
    head: Head,
    from: Date,
    /// The first day that does not belong to it.
    to: Date,
    granularity: Granularity,
    group_by: Option<RevenueGroup>,
    data: Vec<RevenueRow>,
    totals: Vec<CurrencyAmount>,
    #[serde(skip)]
    period: Period,
    #[serde(skip)]
    labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RevenueRow {
    /// `2026-11-01` or `2026-11`.
    pub(crate) period: String,
    pub(crate) currency: Currency,
    /// The provider or the method; `null` where it is not known, or nothing is kept apart.
    pub(crate) group: Option<String>,
    pub(crate) payments: i64,
    pub(crate) amount_minor: i64,
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RevenueScope {
    pub(crate) period: Period,
    pub(crate) granularity: Granularity,
    pub(crate) group_by: Option<RevenueGroup>,
}

impl RevenueReport {
    /// `sums` name their slots by their place among `slots`.
    pub(crate) fn new(
        head: Head,
        scope: RevenueScope,
        slots: &[Slot],
        sums: &[SlotSum],
    ) -> RevenueReport {
        let RevenueScope { period, granularity, group_by } = scope;
        let data = rows(slots, sums);
        let mut totals: BTreeMap<Currency, i64> = BTreeMap::new();
        data.iter().for_each(|row| *totals.entry(row.currency).or_default() += row.amount_minor);
        let total = |(currency, amount_minor)| CurrencyAmount { currency, amount_minor };
        RevenueReport {
            head,
            from: period.start(),
            to: period.end(),
            granularity,
            group_by,
            data,
            totals: totals.into_iter().map(total).collect(),
            period,
            labels: slots.iter().map(|slot| slot.label.clone()).collect(),
        }
    }
}

/// Sums as rows, in the order of periods, currencies and groups.
pub(crate) fn rows(slots: &[Slot], sums: &[SlotSum]) -> Vec<RevenueRow> {
    let row = |sum: &SlotSum| {
        let slot = slots.get(usize::try_from(sum.slot).ok()?)?;
        Some(RevenueRow {
            period: slot.label.clone(),
            currency: sum.currency,
            group: group(&sum.part),
            payments: sum.item_count,
            amount_minor: sum.total_minor,
        })
    };
    let mut rows: Vec<RevenueRow> = sums.iter().filter_map(row).collect();
    let key = |row: &RevenueRow| (row.period.clone(), row.currency, row.group.clone());
    rows.sort_by_cached_key(key);
    rows
}

/// A panel for each currency: a value for each label, a series for each group.
pub(crate) fn panels(labels: &[String], rows: &[RevenueRow]) -> Vec<Panel> {
    let places: BTreeMap<&str, usize> =
        labels.iter().enumerate().map(|(place, label)| (label.as_str(), place)).collect();
    let mut series: BTreeMap<Currency, BTreeMap<String, Vec<i64>>> = BTreeMap::new();
    for row in rows {
        let Some(place) = places.get(row.period.as_str()) else { continue };
        let name = row.group.clone().unwrap_or_default();
        let values = series.entry(row.currency).or_default().entry(name);
        values.or_insert_with(|| vec![0; labels.len()])[*place] += row.amount_minor;
    }
    let panel = |(currency, series): (Currency, BTreeMap<String, Vec<i64>>)| {
        let is_one = series.len() == 1;
        let named = |(name, values): (String, Vec<i64>)| {
            let name = if name.is_empty() && !is_one { "not known".to_owned() } else { name };
            Series { name, values }
        };
        Panel {
            heading: format!("Revenue in {currency}"),
            unit: Unit::Money(currency),
            shape: Shape::Stacked,
            labels: labels.to_vec(),
            series: series.into_iter().map(named).collect(),
        }
    };
    series.into_iter().map(panel).collect()
}

impl Report for RevenueReport {
    const NAME: &'static str = "revenue";

    fn head(&self) -> &Head {
        &self.head
    }

    fn about(&self) -> String {
        days_of(self.period)
    }

    fn table(&self) -> Table {
        let row = |row: &RevenueRow| {
            vec![
                Cell::text(&row.period),
                Cell::text(row.currency),
                Cell::optional(row.group.as_ref()),
                Cell::from(row.payments),
                Cell::from(row.amount_minor),
            ]
        };
        let group = self.group_by.map_or("group", RevenueGroup::as_str);
        Table {
            columns: vec!["period", "currency", group, "payments", "amount_minor"],
            rows: self.data.iter().map(row).collect(),
        }
    }

    fn chart(&self) -> Chart {
        let by = self.group_by.map(|group| format!(", by {group}")).unwrap_or_default();
        let title = format!("Revenue by {}{by}", self.granularity);
        let subtitle = self.head.subtitle(&told_days(self.period));
        Chart { title, subtitle, panels: panels(&self.labels, &self.data) }
    }
}
