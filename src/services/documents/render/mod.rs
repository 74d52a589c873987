//! Invoices and receipts as PDF/A: the same facts give the same bytes. Pure: no I/O, no clock.
//!
//! In reading order: `letters` (fonts, how wide a text is, where it wraps), `sheet` (marks on pages,
//! page breaks), `table`, `frame` (what both papers have), `invoice` and `receipt`, `pdf` (marks
//! become a file), `figures` (how amounts and days are written).
mod figures;
mod frame;
mod invoice;
mod letters;
mod pdf;
mod receipt;
mod sheet;
mod table;
#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use self::invoice::invoice;
pub(crate) use self::receipt::receipt;

use crate::types::{Amount, Currency, Date, Period};

/// What an invoice says.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) number: String,
    pub(crate) provider: String,
    pub(crate) customer: Party,
    pub(crate) account: Option<String>,
    pub(crate) currency: Currency,
    pub(crate) period: Period,
    pub(crate) issued_on: Date,
    pub(crate) due_on: Date,
    /// Where consumption was not measured, how it was found.
    pub(crate) basis: Option<&'static str>,
    pub(crate) lines: Vec<Charge>,
    pub(crate) readings: Vec<Measured>,
    pub(crate) subtotal: Amount,
    pub(crate) tax: Amount,
    pub(crate) total: Amount,
}

/// What a receipt says.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) number: String,
    pub(crate) invoice_number: String,
    pub(crate) provider: String,
    pub(crate) customer: Party,
    pub(crate) currency: Currency,
    pub(crate) period: Period,
    pub(crate) paid_on: Date,
    /// How it was paid, in words.
    pub(crate) method: String,
    pub(crate) payment: String,
    pub(crate) invoice_total: Amount,
    pub(crate) amount: Amount,
}

/// Whom a paper is for.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// A line of an invoice.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) description: String,
    pub(crate) quantity: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) rate: Option<String>,
    pub(crate) tax_code: Option<String>,
    pub(crate) amount: Amount,
    pub(crate) tax: Amount,
}

/// What a meter showed at the start and at the end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    pub(crate) serial: String,
    pub(crate) start: Option<Shown>,
    pub(crate) end: Option<Shown>,
    pub(crate) quantity: String,
    pub(crate) unit: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) on: Date,
    pub(crate) value: String,
    pub(crate) is_estimated: bool,
}

/// A paper could not be made; it says why, for the log.
#[derive(Debug)]
pub(crate) struct RenderError(String);

impl RenderError {
    fn new(what: impl Into<String>) -> RenderError {
        RenderError(what.into())
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RenderError {}
