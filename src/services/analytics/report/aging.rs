//! Aging: what is owed on bills, by how long it has been due.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Currency, Date};

use super::super::chart::{Chart, Panel, Series, Shape, Unit};
use super::super::export::{Cell, Table};
use super::super::model::figures::Aged;
use super::{Head, Report, group};

/// What was owed at the end of a day. The receivables are those of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AgingReport {
    #[serde(flatten)]
    head: Head,
    /// The day at whose end it was so; today: now.
    date: Date,
    data: Vec<AgingRow>,
    totals: Vec<AgingTotal>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct AgingRow {
    /// `null` where only a payment of the bill was heard of.
    provider_id: Option<String>,
    currency: Currency,
    #[serde(flatten)]
    ages: Ages,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct AgingTotal {
    pub(crate) currency: Currency,
    #[serde(flatten)]
    pub(crate) ages: Ages,
}

/// Amounts by the days since they were due, whatever days of grace a bill has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Ages {
    /// Bills on which something is owed.
    pub(crate) bills: i64,
    /// Due that day or later, or at no day.
    pub(crate) current_minor: i64,
    pub(crate) days_1_30_minor: i64,
    pub(crate) days_31_60_minor: i64,
    pub(crate) days_61_90_minor: i64,
    pub(crate) days_over_90_minor: i64,
    /// The sum of the five.
    pub(crate) owed_minor: i64,
    /// The part of it on bills that are overdue, as billing says: their days of grace are over.
    pub(crate) overdue_minor: i64,
    /// What was paid beyond bills.
    pub(crate) credit_minor: i64,
    /// What is owed less what was paid beyond: the ledger's receivables.
    pub(crate) receivable_minor: i64,
}

impl Ages {
    fn of(aged: &Aged) -> Ages {
        let due = aged.days_30_minor + aged.days_60_minor + aged.days_90_minor + aged.older_minor;
        let owed_minor = aged.current_minor + due;
        Ages {
            bills: aged.bill_count,
            current_minor: aged.current_minor,
            days_1_30_minor: aged.days_30_minor,
            days_31_60_minor: aged.days_60_minor,
            days_61_90_minor: aged.days_90_minor,
            days_over_90_minor: aged.older_minor,
            owed_minor,
            overdue_minor: aged.overdue_minor,
            credit_minor: aged.credit_minor,
            receivable_minor: owed_minor - aged.credit_minor,
        }
    }

    fn plus(self, other: Ages) -> Ages {
        Ages {
            bills: self.bills + other.bills,
            current_minor: self.current_minor + other.current_minor,
            days_1_30_minor: self.days_1_30_minor + other.days_1_30_minor,
            days_31_60_minor: self.days_31_60_minor + other.days_31_60_minor,
            days_61_90_minor: self.days_61_90_minor + other.days_61_90_minor,
            days_over_90_minor: self.days_over_90_minor + other.days_over_90_minor,
            owed_minor: self.owed_minor + other.owed_minor,
            overdue_minor: self.overdue_minor + other.overdue_minor,
            credit_minor: self.credit_minor + other.credit_minor,
            receivable_minor: self.receivable_minor + other.receivable_minor,
        }
    }
}

/// By currency.
pub(crate) fn totals(aged: &[Aged]) -> Vec<AgingTotal> {
    let mut sums: BTreeMap<Currency, Ages> = BTreeMap::new();
    for one in aged {
        let sum = sums.entry(one.currency).or_default();
        *sum = sum.plus(Ages::of(one));
    }
    sums.into_iter().map(|(currency, ages)| AgingTotal { currency, ages }).collect()
}

impl AgingReport {
    pub(crate) fn new(head: Head, date: Date, aged: &[Aged]) -> AgingReport {
        let row = |aged: &Aged| AgingRow {
            provider_id: group(&aged.provider_id),
            currency: aged.currency,
            ages: Ages::of(aged),
        };
        AgingReport { head, date, data: aged.iter().map(row).collect(), totals: totals(aged) }
    }
}

impl Report for AgingReport {
    const NAME: &'static str = "aging";

    fn head(&self) -> &Head {
        &self.head
    }

    fn about(&self) -> String {
        self.date.to_string()
    }

    fn table(&self) -> Table {
        let row = |row: &AgingRow| {
            let ages = &row.ages;
            let mut cells = vec![
                Cell::text(self.date),
                Cell::optional(row.provider_id.as_ref()),
                Cell::text(row.currency),
            ];
            let numbers = [
                ages.bills,
                ages.current_minor,
                ages.days_1_30_minor,
                ages.days_31_60_minor,
                ages.days_61_90_minor,
                ages.days_over_90_minor,
                ages.owed_minor,
                ages.credit_minor,
                ages.receivable_minor,
                ages.overdue_minor,
            ];
            cells.extend(numbers.map(Cell::from));
            cells
        };
        let columns = vec![
            "date",
            "provider_id",
            "currency",
            "bills",
            "current_minor",
            "days_1_30_minor",
            "days_31_60_minor",
            "days_61_90_minor",
            "days_over_90_minor",
            "owed_minor",
            "credit_minor",
            "receivable_minor",
            "overdue_minor",
        ];
        Table { columns, rows: self.data.iter().map(row).collect() }
    }

    fn chart(&self) -> Chart {
        let labels =
            ["not past due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "over 90 days"];
        let panel = |total: &AgingTotal| {
            let AgingTotal { currency, ages } = total;
            let values = vec![
                ages.current_minor,
                ages.days_1_30_minor,
                ages.days_31_60_minor,
                ages.days_61_90_minor,
                ages.days_over_90_minor,
            ];
            Panel {
                heading: format!("Owed in {currency}"),
                unit: Unit::Money(*currency),
                shape: Shape::Bars,
                labels: labels.map(String::from).to_vec(),
                series: vec![Series { name: String::new(), values }],
            }
        };
        Chart {
            title: "What is owed, by how long it has been due".to_owned(),
            subtitle: self.head.subtitle(&format!("end of {}", self.date)),
            panels: self.totals.iter().map(panel).collect(),
        }
    }
}
