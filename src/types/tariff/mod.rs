//! A version of a tariff: what a provider charges for, from a day on.
//!
//! `content` is the version as it is written; `TariffContent::check` makes a [`Tariff`] of it, or
//! tells everything that is wrong. A `Tariff` can be rated without failing on its prices. What
//! cannot be rated yet (time of use, seasons, demand, minimum charges) is refused, never ignored.
//! Reading order: `words`, `content`, `checked`, `check` and `calendar` (the rules). Pure.
mod calendar;
mod check;
mod checked;
mod content;
mod words;

pub use checked::{Charge, Component, Tariff, Tax, Tier};
pub use content::{Applies, ComponentContent, Season, TariffContent, TierContent, TouPeriod};
pub use words::{
    ComponentKind, Holidays, MeterClock, MinuteOfDay, MonthDay, Per, TariffKey, TaxCode, TierScope,
    Unit, Weekday,
};

/// What is wrong with a tariff: where (JSON Pointer), a stable code, a sentence for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TariffFault {
    pub pointer: String,
    pub code: &'static str,
    pub detail: String,
}
