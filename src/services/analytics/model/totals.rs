//! Sums of kinds put together: what happened with bills and payments of one currency. Pure.

use std::collections::BTreeMap;

use crate::types::Currency;

use super::fact::Counted;

/// The sum of one slot of a series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SlotSum {
    pub(crate) slot: i64,
    pub(crate) currency: Currency,
    pub(crate) part: String,
    pub(crate) item_count: i64,
    pub(crate) total_minor: i64,
}

/// The sum of one kind within a period.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KindSum {
    pub(crate) kind: Counted,
    pub(crate) currency: Currency,
    pub(crate) part: String,
    pub(crate) item_count: i64,
    pub(crate) total_minor: i64,
}

/// How many, and how much money.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) items: i64,
    pub(crate) minor: i64,
}

/// What happened, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    pub(crate) billed: Sum,
    pub(crate) voided: Sum,
    pub(crate) paid: Sum,
    pub(crate) reopened: Sum,
    pub(crate) created: Sum,
    pub(crate) unknown: Sum,
    pub(crate) succeeded: Sum,
    pub(crate) failed: Sum,
    pub(crate) cancelled: Sum,
}

impl Tally {
    fn add(&mut self, found: &KindSum) {
        let sum = match found.kind {
            Counted::Billed => &mut self.billed,
            Counted::Voided => &mut self.voided,
            Counted::Paid => &mut self.paid,
            Counted::Reopened => &mut self.reopened,
            Counted::Created => &mut self.created,
            Counted::OutcomeUnknown => &mut self.unknown,
            Counted::Succeeded => &mut self.succeeded,
            Counted::Failed => &mut self.failed,
            Counted::Cancelled => &mut self.cancelled,
            Counted::PartiallyPaid | Counted::Overdue => return,
        };
        sum.items += found.item_count;
        sum.minor += found.total_minor;
    }

    /// What was asked for, without what was voided.
    pub(crate) fn net_billed_minor(&self) -> i64 {
        self.billed.minor - self.voided.minor
    }

    /// What is owed after all of this: the ledger's receivables.
    pub(crate) fn receivable_minor(&self) -> i64 {
        self.net_billed_minor() - self.succeeded.minor
    }

    /// Payments that have ended.
    pub(crate) fn ended(&self) -> i64 {
        self.succeeded.items + self.failed.items + self.cancelled.items
    }
}

/// By currency and part, in their order.
pub(crate) fn by_part(sums: &[KindSum]) -> BTreeMap<(Currency, String), Tally> {
    let mut tallies: BTreeMap<_, Tally> = BTreeMap::new();
    for sum in sums {
        tallies.entry((sum.currency, sum.part.clone())).or_default().add(sum);
    }
    tallies
}

/// By currency.
pub(crate) fn by_currency(sums: &[KindSum]) -> BTreeMap<Currency, Tally> {
    let mut tallies: BTreeMap<_, Tally> = BTreeMap::new();
    for sum in sums {
        tallies.entry(sum.currency).or_default().add(sum);
    }
    tallies
}
