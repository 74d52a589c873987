//! Collections: what was billed, what came in, and how long that takes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Currency, Date, Period};

use super::super::chart::{Chart, Panel, Series, Shape, Unit};
use super::super::export::{Cell, Table};
use super::super::measure::{average_days, outstanding_days, share};
use super::super::model::figures::PaidBills;
use super::super::model::totals::{KindSum, Tally, by_currency};
use super::{Head, Report, days_of, told_days};

/// Billing and payments of a period, each on the day on which it happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CollectionsReport {
    #[serde(flatten)]
    head: Head,
    from: Date,
    /// The first day that does not belong to it.
    to: Date,
    /// Days of the period up to today.
    days: i64,
    data: Vec<CollectionsRow>,
    #[serde(skip)]
    period: Period,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct CollectionsRow {
    currency: Currency,
    bills: i64,
    billed_minor: i64,
    voided_minor: i64,
    /// Billed less voided.
    net_billed_minor: i64,
    payments: i64,
    collected_minor: i64,
    /// Collected to net billed, as a decimal of one; above one where older bills were paid.
    collection_rate: Option<String>,
    /// What was owed at the end of the period: the ledger's receivables.
    receivable_minor: i64,
    /// Receivables to net billed, times the days.
    dso_days: Option<String>,
    /// Bills that were paid in full within the period.
    paid_bills: i64,
    /// How long these took from their issue, in days.
    average_days_to_pay: Option<String>,
}

/// The sums that it is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CollectionsSums<'a> {
    /// Of the period.
    pub(crate) within: &'a [KindSum],
    /// Of all time up to its end.
    pub(crate) until: &'a [KindSum],
    pub(crate) paid: &'a [PaidBills],
}

impl CollectionsReport {
    pub(crate) fn new(
        head: Head,
        period: Period,
        today: Date,
        sums: CollectionsSums<'_>,
    ) -> CollectionsReport {
        let end = today.plus_days(1).map_or(period.end(), |tomorrow| tomorrow.min(period.end()));
        let days = period.start().days_until(end).max(0);
        let (within, until) = (by_currency(sums.within), by_currency(sums.until));
        let paid: BTreeMap<Currency, &PaidBills> =
            sums.paid.iter().map(|paid| (paid.currency, paid)).collect();
        let currencies: BTreeSet<Currency> = within.keys().chain(until.keys()).copied().collect();
        let row = |currency: Currency| {
            let tally = within.get(&currency).copied().unwrap_or_default();
            let receivable = until.get(&currency).map_or(0, Tally::receivable_minor);
            CollectionsRow::new(currency, tally, receivable, days, paid.get(&currency).copied())
        };
        let data = currencies.into_iter().map(row).collect();
        CollectionsReport { head, from: period.start(), to: period.end(), days, data, period }
    }
}

impl CollectionsRow {
    fn new(
        currency: Currency,
        tally: Tally,
        receivable_minor: i64,
        days: i64,
        paid: Option<&PaidBills>,
    ) -> CollectionsRow {
        let (net_billed_minor, collected_minor) = (tally.net_billed_minor(), tally.succeeded.minor);
        let (paid_bills, taken_us) = paid.map_or((0, 0), |paid| (paid.bill_count, paid.taken_us));
        CollectionsRow {
            currency,
            bills: tally.billed.items,
            billed_minor: tally.billed.minor,
            voided_minor: tally.voided.minor,
            net_billed_minor,
            payments: tally.succeeded.items,
            collected_minor,
            collection_rate: share(collected_minor, net_billed_minor),
            receivable_minor,
            dso_days: outstanding_days(receivable_minor, net_billed_minor, days),
            paid_bills,
            average_days_to_pay: average_days(taken_us, paid_bills),
        }
    }
}

impl Report for CollectionsReport {
    const NAME: &'static str = "collections";

    fn head(&self) -> &Head {
        &self.head
    }

    fn about(&self) -> String {
        days_of(self.period)
    }

    fn table(&self) -> Table {
        let row = |row: &CollectionsRow| {
            vec![
                Cell::text(row.currency),
                Cell::from(row.bills),
                Cell::from(row.billed_minor),
                Cell::from(row.voided_minor),
                Cell::from(row.net_billed_minor),
                Cell::from(row.payments),
                Cell::from(row.collected_minor),
                Cell::decimal(row.collection_rate.as_ref()),
                Cell::from(row.receivable_minor),
                Cell::decimal(row.dso_days.as_ref()),
                Cell::from(row.paid_bills),
                Cell::decimal(row.average_days_to_pay.as_ref()),
            ]
        };
        let columns = vec![
            "currency",
            "bills",
            "billed_minor",
            "voided_minor",
            "net_billed_minor",
            "payments",
            "collected_minor",
            "collection_rate",
            "receivable_minor",
            "dso_days",
            "paid_bills",
            "average_days_to_pay",
        ];
        Table { columns, rows: self.data.iter().map(row).collect() }
    }

    fn chart(&self) -> Chart {
        let labels = ["billed", "voided", "collected", "owed at the end"];
        let panel = |row: &CollectionsRow| {
            let values =
                vec![row.billed_minor, row.voided_minor, row.collected_minor, row.receivable_minor];
            Panel {
                heading: format!("Billed and collected in {}", row.currency),
                unit: Unit::Money(row.currency),
                shape: Shape::Bars,
                labels: labels.map(String::from).to_vec(),
                series: vec![Series { name: String::new(), values }],
            }
        };
        Chart {
            title: "Collections".to_owned(),
            subtitle: self.head.subtitle(&told_days(self.period)),
            panels: self.data.iter().map(panel).collect(),
        }
    }
}
