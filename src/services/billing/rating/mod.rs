//! From what was used and the prices that held to the lines of a bill. Pure.
//!
//! The period is split at each local midnight at which another version of the tariff begins
//! (`stretch`); what is counted by the period (fixed charges, quantities, the bounds of tiers) is
//! shared out by days. Each line is its quantity times its rate, rounded once, half to even
//! (`charge`). A tax is the share of all lines that name it, rounded once, and given to them by
//! largest remainder (`tax`). Each line keeps the trace of how it came about.
mod charge;
mod stretch;
mod tax;

use crate::types::tariff::{Tariff, TariffFault, Unit};
use crate::types::{Currency, Date, Period, Refused, TariffId};

use super::model::draft::LINES_MAX;
use super::model::line::Line;
use super::model::usage::{TariffVersion, Usage};

use self::stretch::Stretches;

/// A version of the tariff that can be rated.
#[derive(Clone, Debug)]
struct Priced {
    tariff_id: TariffId,
    version: i64,
    effective_from: Date,
    tariff: Tariff,
}

/// Why there are no lines.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// No price holds on this day.
    NoTariff { on: Date },
    /// A version cannot be rated by this release.
    TariffUnsupported { tariff_id: TariffId, version: i64, faults: Vec<TariffFault> },
    /// The prices are not in the provider's currency.
    CurrencyMismatch { currency: Currency },
    /// A price is for something that no register counts.
    NothingCounted { unit: Unit },
    /// A register counts something that has no price.
    NoPrice { unit: Unit },
    /// A number is beyond what can be billed.
    Beyond(Refused),
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Refusal {
        Refusal::Beyond(refused)
    }
}

/// The lines of a bill: by stretch of the period, then as the tariff names its components.
pub(crate) fn rate(usage: &Usage, period: Period) -> Result<Vec<Line>, Refusal> {
    let versions: Vec<Priced> =
        usage.tariffs.iter().map(priced).collect::<Result<Vec<_>, Refusal>>()?;
    let stretches = Stretches::of(period, &versions)?;
    let mut items = Vec::new();
    for (index, stretch) in stretches.all.iter().enumerate() {
        let currency = stretch.price.tariff.currency;
        if currency != usage.provider.currency {
            return Err(Refusal::CurrencyMismatch { currency });
        }
        units_match(usage, stretch.price)?;
        items.extend(charge::items(usage, &stretches, index)?);
    }
    if items.len() > LINES_MAX {
        let detail = format!("a bill has at most {LINES_MAX} lines");
        return Err(Refused::new("line_count_invalid", detail).into());
    }
    let taxes = tax::shares(&items)?;
    let lines = items.into_iter().zip(taxes).map(|(item, tax)| item.line(tax));
    Ok(lines.collect::<Result<Vec<_>, Refused>>()?)
}

fn priced(version: &TariffVersion) -> Result<Priced, Refusal> {
    let TariffVersion { tariff_id, version, effective_from, ref content } = *version;
    match content.check() {
        Ok(tariff) => Ok(Priced { tariff_id, version, effective_from, tariff }),
        Err(faults) => Err(Refusal::TariffUnsupported { tariff_id, version, faults }),
    }
}

/// Whatever is counted has a price, and whatever has a price is counted.
fn units_match(usage: &Usage, price: &Priced) -> Result<(), Refusal> {
    let is_counted = |unit: &&Unit| usage.imports().any(|register| register.unit == **unit);
    if let Some(unit) = price.units().find(|unit| !is_counted(unit)) {
        return Err(Refusal::NothingCounted { unit: unit.clone() });
    }
    let has_price = |unit: &Unit| price.units().any(|priced| priced == unit);
    match usage.imports().find(|register| !has_price(&register.unit)) {
        Some(register) => Err(Refusal::NoPrice { unit: register.unit.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
