//! All the SQL of billing: bills with their lines, numbers, history, and what payments hold.
pub(crate) mod account;
pub(crate) mod bill;
pub(crate) mod history;
pub(crate) mod line;
pub(crate) mod list;
pub(crate) mod number;
pub(crate) mod overdue;
pub(crate) mod pins;
pub(crate) mod reservation;
pub(crate) mod unapplied;

use crate::storage::{Statement, stored_as_text};

use super::model::bill::BillStatus;
use super::model::line::LineKind;
use super::model::reservation::{Misfit, ReservationStatus, UnappliedId};
use super::model::words::{Basis, Exactness};
use crate::types::tariff::TaxCode;

stored_as_text!(Basis, BillStatus, Exactness, LineKind, Misfit, ReservationStatus);
stored_as_text!(TaxCode, UnappliedId);

/// Every statement, for the test that prepares them on both engines.
pub(crate) fn statements() -> Vec<&'static [Statement]> {
    vec![
        account::STATEMENTS,
        bill::STATEMENTS,
        history::STATEMENTS,
        line::STATEMENTS,
        list::STATEMENTS,
        number::STATEMENTS,
        overdue::STATEMENTS,
        pins::STATEMENTS,
        reservation::STATEMENTS,
        unapplied::STATEMENTS,
    ]
}
