//! A draft: what staff state or readings say, checked once at the door.
use serde::Deserialize;
use utoipa::ToSchema;

use crate::types::{
    BillId, Currency, Date, Name, Period, ProviderId, Refused, ServiceAccountId, Timestamp, UserId,
    Zone,
};

use super::super::totals::Totals;
use super::bill::Bill;
use super::line::{Line, NewLine};
use super::order::{RatedOrder, StatedBill};
use super::usage::Usage;
use super::words::{Basis, Exactness};

/// A bill has at least one line and at most so many.
pub(crate) const LINES_MAX: usize = 200;

/// What is changed in a draft; what is not said stays. Lines are replaced as a whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillChange {
    #[serde(default)]
    due_on: Option<Date>,
    #[serde(default)]
    period: Option<Period>,
    #[serde(default)]
    lines: Option<Vec<NewLine>>,
    #[serde(default)]
    service_account_id: Option<ServiceAccountId>,
    #[serde(default)]
    timezone: Option<Zone>,
    #[serde(default)]
    exactness: Option<Exactness>,
    /// The version that is changed, as in `If-Match`.
    #[serde(default)]
    pub(crate) version: Option<i64>,
}

/// A draft whose fields agree with each other.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) id: BillId,
    pub(crate) user_id: UserId,
    pub(crate) provider_id: ProviderId,
    /// As it is called, where utilities has told.
    pub(crate) provider_name: Option<Name>,
    pub(crate) service_account_id: Option<ServiceAccountId>,
    pub(crate) currency: Currency,
    pub(crate) period: Period,
    pub(crate) due_on: Option<Date>,
    pub(crate) timezone: Zone,
    pub(crate) basis: Basis,
    pub(crate) exactness: Exactness,
    pub(crate) lines: Vec<Line>,
    pub(crate) totals: Totals,
}

/// Everything that is wrong with a body: where, and why.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Faults(pub(crate) Vec<(String, Refused)>);

impl Draft {
    /// A bill of stated lines. `at` is when it would be issued at the earliest.
    pub(crate) fn stated(bill: StatedBill, at: Timestamp) -> Result<Draft, Faults> {
        let mut faults = Faults::default();
        faults.note("/due_on", due_in_time(bill.due_on, bill.timezone.date_of(at)));
        let lines = faults.lines(bill.lines);
        let totals = faults.note("/lines", Totals::of(&lines, bill.currency));
        let Some(totals) = totals.filter(|_| faults.0.is_empty()) else { return Err(faults) };
        Ok(Draft {
            id: BillId::new(),
            user_id: bill.user_id,
            provider_id: bill.provider_id,
            provider_name: None,
            service_account_id: bill.service_account_id,
            currency: bill.currency,
            period: bill.period,
            due_on: bill.due_on,
            timezone: bill.timezone,
            basis: Basis::Manual,
            exactness: bill.exactness,
            lines,
            totals,
        })
    }

    /// A bill of what was used, in `lines`. `at` is when it would be issued at the earliest.
    pub(crate) fn rated(
        order: &RatedOrder,
        usage: Usage,
        lines: Vec<Line>,
        at: Timestamp,
    ) -> Result<Draft, Faults> {
        let mut faults = Faults::default();
        let basis = usage.basis();
        let Usage { service_account, provider, .. } = usage;
        faults.note("/due_on", due_in_time(order.due_on, provider.timezone.date_of(at)));
        let totals = faults.note("/period", Totals::of(&lines, provider.currency));
        let Some(totals) = totals.filter(|_| faults.0.is_empty()) else { return Err(faults) };
        Ok(Draft {
            id: BillId::new(),
            user_id: service_account.user_id,
            exactness: order.exactness.unwrap_or(provider.exactness()),
            provider_id: provider.id,
            provider_name: provider.name,
            service_account_id: Some(service_account.id),
            currency: provider.currency,
            period: order.period,
            due_on: order.due_on,
            timezone: provider.timezone,
            basis,
            lines,
            totals,
        })
    }

    /// A draft that is kept.
    pub(crate) fn kept(bill: Bill, lines: Vec<Line>) -> Draft {
        Draft {
            id: bill.id,
            user_id: bill.user_id,
            provider_id: bill.provider_id,
            provider_name: bill.provider_name,
            service_account_id: bill.service_account_id,
            currency: bill.currency,
            period: bill.period,
            due_on: bill.due_on,
            timezone: bill.timezone,
            basis: bill.basis,
            exactness: bill.exactness,
            lines,
            totals: Totals {
                subtotal: bill.subtotal_minor,
                tax: bill.tax_minor,
                total: bill.total_minor,
            },
        }
    }

    /// The draft as it is after a change.
    pub(crate) fn changed(self, change: BillChange, at: Timestamp) -> Result<Draft, Faults> {
        let mut faults = Faults::default();
        let timezone = change.timezone.clone().unwrap_or_else(|| self.timezone.clone());
        faults.note("/due_on", due_in_time(change.due_on, timezone.date_of(at)));
        if self.basis != Basis::Manual {
            change.what_was_rated().for_each(|field| faults.not_allowed(field, RATED));
        }
        let lines = match change.lines {
            Some(lines) => faults.lines(lines),
            None => self.lines,
        };
        let totals = faults.note("/lines", Totals::of(&lines, self.currency));
        let Some(totals) = totals.filter(|_| faults.0.is_empty()) else { return Err(faults) };
        Ok(Draft {
            service_account_id: change.service_account_id.or(self.service_account_id),
            period: change.period.unwrap_or(self.period),
            due_on: change.due_on.or(self.due_on),
            timezone,
            exactness: change.exactness.unwrap_or(self.exactness),
            lines,
            totals,
            ..self
        })
    }
}

/// Why a rated draft is not changed in what it was rated by.
const RATED: &str = "it was worked out from readings: delete the draft and have it rated again";

impl BillChange {
    /// What it names of that from which a bill is rated.
    fn what_was_rated(&self) -> impl Iterator<Item = &'static str> {
        let named = [
            ("lines", self.lines.is_some()),
            ("period", self.period.is_some()),
            ("service_account_id", self.service_account_id.is_some()),
            ("timezone", self.timezone.is_some()),
        ];
        named.into_iter().filter(|(_, is_named)| *is_named).map(|(field, _)| field)
    }

    /// Whether the bill may come to stand on days of another one.
    pub(crate) fn moves(&self) -> bool {
        self.period.is_some() || self.service_account_id.is_some()
    }

    pub(crate) fn has_lines(&self) -> bool {
        self.lines.is_some()
    }
}

/// A bill is due on the day of its issue at the earliest.
pub(crate) fn due_in_time(due_on: Option<Date>, issued_on: Date) -> Result<(), Refused> {
    match due_on {
        Some(due_on) if due_on < issued_on => {
            Err(Refused::new("due_before_issue", format!("a bill of {issued_on} is due later")))
        }
        _ => Ok(()),
    }
}

impl Faults {
    /// A field that must be there is not.
    pub(super) fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        let missing = || Refused::new("field_required", format!("missing field `{field}`"));
        self.note(&format!("/{field}"), value.ok_or_else(missing))
    }

    /// A field is there that must not be.
    pub(super) fn not_allowed(&mut self, field: &str, why: &'static str) {
        self.0.push((format!("/{field}"), Refused::new("field_not_allowed", why)));
    }

    /// The value, or a note of what is wrong with it.
    fn note<T>(&mut self, pointer: &str, result: Result<T, Refused>) -> Option<T> {
        result.map_err(|refused| self.0.push((pointer.to_owned(), refused))).ok()
    }

    fn lines(&mut self, lines: Vec<NewLine>) -> Vec<Line> {
        if !(1..=LINES_MAX).contains(&lines.len()) {
            let detail = format!("a bill has 1 to {LINES_MAX} lines");
            self.0.push(("/lines".to_owned(), Refused::new("line_count_invalid", detail)));
            return Vec::new();
        }
        let mut checked = Vec::with_capacity(lines.len());
        for (index, line) in lines.into_iter().enumerate() {
            match line.check() {
                Ok(line) => checked.push(line),
                Err((field, refused)) => self.0.push((format!("/lines/{index}/{field}"), refused)),
            }
        }
        checked
    }
}

#[cfg(test)]
mod tests;
