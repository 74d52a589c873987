//! What one version of the tariff charges for its stretch of the period: lines without their tax.
use crate::services::billing::model::line::{Line, LineKind};
use crate::services::billing::model::trace::{
    Calculation, RegisterTrace, Rounding, TaxTrace, TierTrace, Trace,
};
use crate::services::billing::model::usage::{RegisterUsage, Usage};
use crate::types::tariff::{Charge, Component, Per, Tax, Tier, Unit};
use crate::types::{BillLineId, Money, Name, Quantity, Rate, Refused, Text, split};

use super::stretch::{Stretches, last_day, unshared};
use super::tax::TaxShare;
use super::{Priced, Refusal};

const HALF_EVEN: &str = "half_even";
const LARGEST_REMAINDER: &str = "largest_remainder";

/// A line whose tax is not known yet.
#[derive(Clone, Debug)]
pub(super) struct Item {
    kind: LineKind,
    description: String,
    quantity: Quantity,
    unit: String,
    rate: Rate,
    pub(super) amount: Money,
    pub(super) tax: Option<Tax>,
    calculation: Calculation,
}

/// What a component charges, before it is said where it comes from.
struct Charged {
    what: String,
    quantity: Quantity,
    unit: String,
    rate: Rate,
    amount: Money,
    rounding: Rounding,
    tier: Option<TierTrace>,
}

impl Priced {
    /// What it has prices for.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit> {
        self.tariff.components.iter().filter_map(|component| match &component.charge {
            Charge::Energy { unit, .. } => Some(unit),
            Charge::Fixed { .. } => None,
        })
    }
}

/// All that is charged for the `index`th stretch.
pub(super) fn items(
    usage: &Usage,
    stretches: &Stretches<'_>,
    index: usize,
) -> Result<Vec<Item>, Refusal> {
    let mut items = Vec::new();
    let price = stretches.all[index].price;
    for component in &price.tariff.components {
        let charged = match &component.charge {
            Charge::Fixed { per: Per::Day, rate } => vec![by_day(*rate, stretches, index)?],
            Charge::Fixed { per: Per::Period, rate } => vec![by_period(*rate, stretches, index)?],
            Charge::Energy { unit, tiers } => energy(usage, unit, tiers, stretches, index)?,
        };
        let item = |charged| item(charged, component, usage, stretches, index);
        items.extend(charged.into_iter().map(item));
    }
    Ok(items)
}

fn by_day(rate: Rate, stretches: &Stretches<'_>, index: usize) -> Result<Charged, Refused> {
    let days = u32::try_from(stretches.weights[index]).unwrap_or(u32::MAX);
    let (quantity, currency) = (Quantity::whole(days), stretches.all[index].price.tariff.currency);
    Ok(Charged {
        what: "Fixed charge".to_owned(),
        quantity,
        unit: "day".to_owned(),
        rate,
        amount: rate.price(quantity, currency)?,
        rounding: half_even(rate, quantity)?,
        tier: None,
    })
}

/// The whole period's charge is rounded and then shared out: a charge that stays the same over a
/// change of the tariff is neither more nor less for it.
fn by_period(rate: Rate, stretches: &Stretches<'_>, index: usize) -> Result<Charged, Refused> {
    let (one, currency) = (Quantity::whole(1), stretches.all[index].price.tariff.currency);
    let whole = rate.price(one, currency)?;
    let mut rounding = half_even(rate, one)?;
    if stretches.all.len() > 1 {
        rounding.rule = LARGEST_REMAINDER;
        rounding.whole_minor = Some(whole.amount());
    }
    let minor =
        split(whole.minor(), &stretches.weights).and_then(|parts| parts.get(index).copied());
    Ok(Charged {
        what: "Fixed charge".to_owned(),
        quantity: stretches.share(one, index)?,
        unit: "period".to_owned(),
        rate,
        amount: Money::new(minor.ok_or_else(unshared)?, currency)?,
        rounding,
        tier: None,
    })
}

/// One line for each tier that was reached; nothing used is one line too, so that its readings
/// are seen.
fn energy(
    usage: &Usage,
    unit: &Unit,
    tiers: &[Tier],
    stretches: &Stretches<'_>,
    index: usize,
) -> Result<Vec<Charged>, Refused> {
    let counted = usage.imports().filter(|register| register.unit == *unit);
    let total =
        counted.map(|register| register.quantity).try_fold(Quantity::ZERO, Quantity::plus)?;
    let total = total.written()?;
    if total.is_negative() {
        return Err(Refused::new("quantity_negative", "less than nothing was used"));
    }
    let used = stretches.share(total, index)?;
    let currency = stretches.all[index].price.tariff.currency;
    let (mut charged, mut above) = (Vec::new(), Quantity::ZERO);
    for (place, tier) in tiers.iter().enumerate() {
        let upto = tier.upto.map(|bound| stretches.share(bound, index)).transpose()?;
        let top = upto.map_or(used, |bound| bound.min(used));
        if top > above || (place == 0 && used == Quantity::ZERO) {
            let quantity = top.minus(above)?;
            charged.push(Charged {
                what: "Energy".to_owned(),
                quantity,
                unit: unit.to_string(),
                rate: tier.rate,
                amount: tier.rate.price(quantity, currency)?,
                rounding: half_even(tier.rate, quantity)?,
                tier: Some(TierTrace { number: place + 1, above, upto }),
            });
        }
        above = upto.unwrap_or(above);
    }
    Ok(charged)
}

fn half_even(rate: Rate, quantity: Quantity) -> Result<Rounding, Refused> {
    Ok(Rounding { rule: HALF_EVEN, exact: rate.times(quantity)?, whole_minor: None })
}

fn item(
    charged: Charged,
    component: &Component,
    usage: &Usage,
    stretches: &Stretches<'_>,
    index: usize,
) -> Item {
    let (stretch, price) = (&stretches.all[index], stretches.all[index].price);
    let counted = |register: &&RegisterUsage| {
        charged.tier.is_some() && register.unit.to_string() == charged.unit
    };
    let calculation = Calculation {
        tariff_id: price.tariff_id,
        tariff_version: price.version,
        component: component.id.clone(),
        from: stretch.days.start(),
        to: stretch.days.end(),
        days: stretch.days.days(),
        of_days: stretches.period.days(),
        tier: charged.tier,
        registers: usage.imports().filter(counted).map(RegisterTrace::from).collect(),
        rounding: charged.rounding,
        tax: None,
    };
    let is_energy = charged.tier.is_some();
    let tax = component.tax.as_ref();
    let tax = tax.and_then(|code| price.tariff.taxes.iter().find(|tax| tax.code == *code));
    let mut description = format!("{} ({})", charged.what, component.id);
    if let Some(tier) = charged.tier {
        description.push_str(&bounds(tier, &charged.unit));
    }
    if stretches.all.len() > 1 {
        let (first, last) = (stretch.days.start(), last_day(stretch.days));
        description.push_str(&format!(", {first} to {last}"));
    }
    Item {
        kind: if is_energy { LineKind::Energy } else { LineKind::Fixed },
        description,
        quantity: charged.quantity,
        unit: charged.unit,
        rate: charged.rate,
        amount: charged.amount,
        tax: tax.cloned(),
        calculation,
    }
}

/// Which part of the quantity, for people; nothing where there is only one.
fn bounds(tier: TierTrace, unit: &str) -> String {
    match (tier.number, tier.upto) {
        (1, None) => String::new(),
        (1, Some(upto)) => format!(", up to {upto} {unit}"),
        (_, Some(upto)) => format!(", over {} up to {upto} {unit}", tier.above),
        (_, None) => format!(", over {} {unit}", tier.above),
    }
}

impl From<&RegisterUsage> for RegisterTrace {
    fn from(register: &RegisterUsage) -> RegisterTrace {
        RegisterTrace {
            register_id: register.register_id,
            meter_id: register.meter_id,
            serial: register.serial.clone(),
            unit: register.unit.clone(),
            quantity: register.quantity,
            multiplier: register.multiplier,
            rolled_over: register.rolled_over,
            readings: register.readings.clone(),
        }
    }
}

impl Item {
    /// The line with its share of the tax.
    pub(super) fn line(self, share: Option<TaxShare>) -> Result<Line, Refused> {
        let tax_minor = share.as_ref().map_or_else(Default::default, |share| share.own);
        let tax = share.map(|share| share.trace);
        let tax_code = tax.as_ref().map(|tax: &TaxTrace| tax.code.clone());
        let trace = Trace::from(&Calculation { tax, ..self.calculation });
        Ok(Line {
            id: BillLineId::new(),
            kind: self.kind,
            description: Name::parse(&self.description)?,
            quantity: Some(self.quantity),
            unit: Some(Name::parse(&self.unit)?),
            rate: Some(self.rate),
            amount_minor: self.amount.amount(),
            tax_code,
            tax_minor,
            trace: Some(trace),
        })
    }
}
