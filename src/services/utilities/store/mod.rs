//! All the SQL of utilities: providers, service accounts, meters, readings, tariffs, pins.
pub(crate) mod account;
pub(crate) mod meter;
pub(crate) mod pin;
pub(crate) mod provider;
pub(crate) mod reading;
pub(crate) mod tariff;
pub(crate) mod usage;

use crate::storage::{Statement, stored_as_text};
use crate::types::Cursor;

use super::model::account::AccountStatus;
use super::model::count::Count;
use super::model::meter::MeterStatus;
use super::model::provider::{ProviderKey, ProviderStatus};
use super::model::reading::{ReadingStatus, Suspicion};
use super::model::words::{Commodity, Direction, Exactness, Label, Quality, RegisterUnit};

stored_as_text!(AccountStatus, Commodity, Count, Direction, Exactness, Label, MeterStatus);
stored_as_text!(ProviderKey, ProviderStatus, Quality, ReadingStatus, RegisterUnit, Suspicion);

/// Every statement, for the test that prepares them on both engines.
pub(crate) fn statements() -> Vec<&'static [Statement]> {
    vec![
        account::STATEMENTS,
        meter::STATEMENTS,
        pin::STATEMENTS,
        provider::STATEMENTS,
        reading::STATEMENTS,
        tariff::STATEMENTS,
        usage::STATEMENTS,
    ]
}

/// The last row that was shown; without one everything comes after it.
fn boundary(after: Option<Cursor>) -> (i64, String) {
    let first = (i64::MAX, String::new());
    after.map_or(first, |cursor| (cursor.created_at.micros(), cursor.id.to_string()))
}
