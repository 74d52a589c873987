//! The dashboard: the totals of everything, and the revenue of the last days.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Currency, Date, Period};

use super::super::chart::Chart;
use super::super::export::{Cell, Table};
use super::super::fold::Slot;
use super::super::model::figures::{Aged, InProcess, UserCounts};
use super::super::model::totals::{KindSum, SlotSum, Tally, by_currency};
use super::aging::{Ages, totals};
use super::revenue::{RevenueRow, panels, rows};
use super::{CurrencyAmount, Head, Report};

/// Totals since the beginning, by what they are of and by currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DashboardReport {
    #[serde(flatten)]
    head: Head,
    total_users: i64,
    /// Bills that were issued.
    total_bills: i64,
    /// Payments that were sent to a connector.
    total_payments: i64,
    /// What payments brought in.
    total_revenue: Vec<CurrencyAmount>,
    users: UserFigures,
    bills: BillFigures,
    payments: PaymentFigures,
    currencies: Vec<CurrencyFigures>,
    /// By day, from `revenue_from` on.
    revenue_by_day: Vec<RevenueRow>,
    revenue_from: Date,
    #[serde(skip)]
    date: Date,
    #[serde(skip)]
    labels: Vec<String>,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct UserFigures {
    registered: i64,
    verified: i64,
    /// Suspended at some time.
    suspended: i64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct BillFigures {
    issued: i64,
    voided: i64,
    /// Paid in full and not reopened.
    paid: i64,
    /// On which something is owed.
    open: i64,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
struct PaymentFigures {
    created: i64,
    succeeded: i64,
    failed: i64,
    cancelled: i64,
    in_process: i64,
    /// Those in process whose outcome the connector left open.
    outcome_unknown: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct CurrencyFigures {
    currency: Currency,
    billed_minor: i64,
    voided_minor: i64,
    collected_minor: i64,
    in_process_minor: i64,
    /// The ledger's receivables.
    receivable_minor: i64,
    /// On bills that billing calls overdue.
    overdue_minor: i64,
    /// What was paid beyond bills.
    credit_minor: i64,
}

/// The figures that it is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DashboardSums<'a> {
    pub(crate) users: UserCounts,
    pub(crate) all: &'a [KindSum],
    pub(crate) in_process: &'a [InProcess],
    pub(crate) aged: &'a [Aged],
    pub(crate) slots: &'a [Slot],
    pub(crate) days: &'a [SlotSum],
}

impl DashboardReport {
    pub(crate) fn new(head: Head, period: Period, sums: DashboardSums<'_>) -> DashboardReport {
        let tallies = by_currency(sums.all);
        let ages: BTreeMap<Currency, Ages> =
            totals(sums.aged).into_iter().map(|total| (total.currency, total.ages)).collect();
        let (bills, payments) = figures(&tallies, &ages, sums.in_process);
        let UserCounts { registered, verified, suspended } = sums.users;
        let revenue = |(currency, tally): (&Currency, &Tally)| CurrencyAmount {
            currency: *currency,
            amount_minor: tally.succeeded.minor,
        };
        DashboardReport {
            head,
            total_users: registered,
            total_bills: bills.issued,
            total_payments: payments.created,
            total_revenue: tallies.iter().map(revenue).collect(),
            users: UserFigures { registered, verified, suspended },
            bills,
            payments,
            currencies: currencies(&tallies, &ages, sums.in_process),
            revenue_by_day: rows(sums.slots, sums.days),
            revenue_from: period.start(),
            date: period.end().plus_days(-1).unwrap_or(period.end()),
            labels: sums.slots.iter().map(|slot| slot.label.clone()).collect(),
        }
    }
}

fn figures(
    tallies: &BTreeMap<Currency, Tally>,
    ages: &BTreeMap<Currency, Ages>,
    in_process: &[InProcess],
) -> (BillFigures, PaymentFigures) {
    let (mut bills, mut payments) = (BillFigures::default(), PaymentFigures::default());
    for tally in tallies.values() {
        bills.issued += tally.billed.items;
        bills.voided += tally.voided.items;
        bills.paid += tally.paid.items - tally.reopened.items;
        payments.created += tally.created.items;
        payments.succeeded += tally.succeeded.items;
        payments.failed += tally.failed.items;
        payments.cancelled += tally.cancelled.items;
    }
    bills.open = ages.values().map(|ages| ages.bills).sum();
    payments.in_process = in_process.iter().map(|open| open.payment_count).sum();
    payments.outcome_unknown = in_process.iter().map(|open| open.unknown_count).sum();
    (bills, payments)
}

fn currencies(
    tallies: &BTreeMap<Currency, Tally>,
    ages: &BTreeMap<Currency, Ages>,
    in_process: &[InProcess],
) -> Vec<CurrencyFigures> {
    let open: BTreeMap<Currency, i64> =
        in_process.iter().map(|open| (open.currency, open.total_minor)).collect();
    let known: BTreeSet<Currency> =
        tallies.keys().chain(ages.keys()).chain(open.keys()).copied().collect();
    let figures = |currency: Currency| {
        let tally = tallies.get(&currency).copied().unwrap_or_default();
        let ages = ages.get(&currency).copied().unwrap_or_default();
        CurrencyFigures {
            currency,
            billed_minor: tally.billed.minor,
            voided_minor: tally.voided.minor,
            collected_minor: tally.succeeded.minor,
            in_process_minor: open.get(&currency).copied().unwrap_or_default(),
            receivable_minor: tally.receivable_minor(),
            overdue_minor: ages.overdue_minor,
            credit_minor: ages.credit_minor,
        }
    };
    known.into_iter().map(figures).collect()
}

impl Report for DashboardReport {
    const NAME: &'static str = "dashboard";

    fn head(&self) -> &Head {
        &self.head
    }

    fn about(&self) -> String {
        self.date.to_string()
    }

    /// One figure a row: the dashboard is many small things.
    fn table(&self) -> Table {
        let counts = [
            ("users_registered", self.users.registered),
            ("users_verified", self.users.verified),
            ("users_suspended", self.users.suspended),
            ("bills_issued", self.bills.issued),
            ("bills_voided", self.bills.voided),
            ("bills_paid", self.bills.paid),
            ("bills_open", self.bills.open),
            ("payments_created", self.payments.created),
            ("payments_succeeded", self.payments.succeeded),
            ("payments_failed", self.payments.failed),
            ("payments_cancelled", self.payments.cancelled),
            ("payments_in_process", self.payments.in_process),
            ("payments_outcome_unknown", self.payments.outcome_unknown),
        ];
        let count =
            |(name, value): (&str, i64)| vec![Cell::text(name), Cell::Nothing, value.into()];
        let mut rows: Vec<Vec<Cell>> = counts.into_iter().map(count).collect();
        for figures in &self.currencies {
            let amounts = [
                ("billed_minor", figures.billed_minor),
                ("voided_minor", figures.voided_minor),
                ("collected_minor", figures.collected_minor),
                ("in_process_minor", figures.in_process_minor),
                ("receivable_minor", figures.receivable_minor),
                ("overdue_minor", figures.overdue_minor),
                ("credit_minor", figures.credit_minor),
            ];
            let currency = figures.currency;
            rows.extend(amounts.map(|(name, value)| {
                vec![Cell::text(name), Cell::text(currency), Cell::from(value)]
            }));
        }
        Table { columns: vec!["figure", "currency", "value"], rows }
    }

    fn chart(&self) -> Chart {
        let what = format!(
            "{} users · {} bills · {} payments",
            self.total_users, self.total_bills, self.total_payments
        );
        Chart {
            title: "Dashboard: revenue by day".to_owned(),
            subtitle: self.head.subtitle(&what),
            panels: panels(&self.labels, &self.revenue_by_day),
        }
    }
}
