//! From a tariff as it is written to one that can be rated.
use std::collections::BTreeSet;
use std::fmt::Display;

use crate::types::{BasisPoints, Quantity, Rate};

use super::calendar::{check_seasons, check_tou};
use super::content::{ALWAYS, ComponentContent, TariffContent, TierContent};
use super::words::{ComponentKind, MeterClock};
use super::{Charge, Component, Tariff, TariffFault, Tier};

const COMPONENTS_MAX: usize = 50;
const TIERS_MAX: usize = 20;
const TAXES_MAX: usize = 20;
/// More than any price of a unit, and of any day.
const RATE_MAX: &str = "1000000";
/// All of what is taxed.
const TAX_RATE_BPS_MAX: u32 = 10_000;

/// What is wrong, and what would be right but cannot be rated yet.
#[derive(Default)]
pub(super) struct Faults {
    wrong: Vec<TariffFault>,
    unsupported: Vec<TariffFault>,
}

impl TariffContent {
    /// The tariff, or everything that is wrong with it. Only when nothing is wrong it is said what
    /// cannot be rated yet: such codes end in `_unsupported`.
    pub fn check(&self) -> Result<Tariff, Vec<TariffFault>> {
        let mut faults = Faults::default();
        if self.clock != MeterClock::Wall {
            faults.unsupported("/clock", "clock_unsupported", "only `wall` can be rated yet");
        }
        check_seasons(&self.seasons, &mut faults);
        check_tou(&self.tou, &mut faults);
        self.check_taxes(&mut faults);
        let components = self.check_components(&mut faults);
        faults.finish()?;
        Ok(Tariff {
            currency: self.currency,
            timezone: self.timezone.clone(),
            effective_from: self.effective_from,
            components,
            taxes: self.taxes.clone(),
        })
    }

    fn check_taxes(&self, faults: &mut Faults) {
        faults.count("/taxes", self.taxes.len(), 0..=TAXES_MAX);
        faults.unique(self.taxes.iter().map(|tax| &tax.code), "/taxes", "code");
        for (index, tax) in self.taxes.iter().enumerate() {
            if tax.rate_bps > TAX_RATE_BPS_MAX {
                let detail = format!("at most {TAX_RATE_BPS_MAX} hundredths of a percent");
                faults.wrong(format!("/taxes/{index}/rate_bps"), "tax_rate_invalid", detail);
            }
        }
    }

    fn check_components(&self, faults: &mut Faults) -> Vec<Component> {
        faults.count("/components", self.components.len(), 1..=COMPONENTS_MAX);
        faults.unique(self.components.iter().map(|component| &component.id), "/components", "id");
        let mut checked = Vec::with_capacity(self.components.len());
        for (index, content) in self.components.iter().enumerate() {
            let pointer = format!("/components/{index}");
            if let Some(code) = &content.tax
                && !self.taxes.iter().any(|tax| tax.code == *code)
            {
                let detail = format!("the tariff has no tax {code}");
                faults.wrong(format!("{pointer}/tax"), "tax_code_unknown", detail);
            }
            self.check_applies(content, &pointer, faults);
            if let Some(charge) = charge(content, &pointer, faults) {
                let (id, tax) = (content.id.clone(), content.tax.clone());
                checked.push(Component { id, charge, tax });
            }
        }
        checked
    }

    /// A season or a time of use that is named must be there. As long as there is one of each, a
    /// name says no less than `*`.
    fn check_applies(&self, content: &ComponentContent, pointer: &str, faults: &mut Faults) {
        let Some(by) = &content.by else { return };
        let is_season =
            |name: &str| self.seasons.iter().any(|season| season.id.to_string() == name);
        if by.season != ALWAYS && !is_season(&by.season) {
            let detail = "no season of the tariff, and not `*`";
            faults.wrong(format!("{pointer}/by/season"), "season_unknown", detail);
        }
        let is_period = |name: &str| self.tou.iter().any(|period| period.id.to_string() == name);
        if by.tou != ALWAYS && !is_period(&by.tou) {
            let detail = "no time of use of the tariff, and not `*`";
            faults.wrong(format!("{pointer}/by/tou"), "tou_unknown", detail);
        }
    }
}

fn charge(content: &ComponentContent, pointer: &str, faults: &mut Faults) -> Option<Charge> {
    let has = [
        ("per", content.per.is_some()),
        ("rate", content.rate.is_some()),
        ("unit", content.unit.is_some()),
        ("by", content.by.is_some()),
        ("tier_scope", content.tier_scope.is_some()),
        ("tiers", content.tiers.is_some()),
        ("amount_minor", content.amount_minor.is_some()),
    ];
    let (needed, allowed): (&[&str], &[&str]) = match content.kind {
        ComponentKind::Fixed => (&["per", "rate"], &[]),
        ComponentKind::Energy => (&["unit", "tiers"], &["by", "tier_scope"]),
        ComponentKind::Minimum => (&["amount_minor"], &[]),
        ComponentKind::Demand => (&[], &["per", "rate", "unit", "by", "tier_scope", "tiers"]),
    };
    for (field, is_there) in has {
        let (is_needed, is_allowed) = (needed.contains(&field), allowed.contains(&field));
        let kind = content.kind;
        if is_needed && !is_there {
            let detail = format!("a component of kind {kind} has `{field}`");
            faults.wrong(format!("{pointer}/{field}"), "field_required", detail);
        } else if is_there && !is_needed && !is_allowed {
            let detail = format!("a component of kind {kind} has no `{field}`");
            faults.wrong(format!("{pointer}/{field}"), "unknown_field", detail);
        }
    }
    match content.kind {
        ComponentKind::Fixed => {
            let (per, rate) = (content.per?, content.rate?);
            faults.rate(rate, format!("{pointer}/rate"));
            Some(Charge::Fixed { per, rate })
        }
        ComponentKind::Energy => {
            let (unit, tiers) = (content.unit.clone()?, content.tiers.as_deref()?);
            Some(Charge::Energy { unit, tiers: check_tiers(tiers, pointer, faults) })
        }
        kind @ (ComponentKind::Demand | ComponentKind::Minimum) => {
            let detail = format!("a component of kind {kind} cannot be rated yet");
            faults.unsupported(format!("{pointer}/kind"), "component_unsupported", detail);
            None
        }
    }
}

/// Bounds ascend; the last tier, and no other, has none.
fn check_tiers(tiers: &[TierContent], pointer: &str, faults: &mut Faults) -> Vec<Tier> {
    faults.count(&format!("{pointer}/tiers"), tiers.len(), 1..=TIERS_MAX);
    let mut below = Quantity::ZERO;
    for (index, tier) in tiers.iter().enumerate() {
        let at = |field: &str| format!("{pointer}/tiers/{index}/{field}");
        let is_last = index + 1 == tiers.len();
        faults.rate(tier.rate, at("rate"));
        if tier.upto_per_day.is_some() {
            let detail = "an allowance by the day cannot be rated yet";
            faults.unsupported(at("upto_per_day"), "upto_per_day_unsupported", detail);
            continue;
        }
        match tier.upto {
            Some(_) if is_last => {
                let detail = "the last tier takes whatever is left: its bound is null";
                faults.wrong(at("upto"), "tier_unbounded_missing", detail);
            }
            Some(upto) if upto <= below => {
                let detail = format!("more than {below}, the bound before it");
                faults.wrong(at("upto"), "tier_bounds_not_ascending", detail);
            }
            Some(upto) => below = upto,
            None if !is_last => {
                let detail = "only the last tier takes whatever is left";
                faults.wrong(at("upto"), "tier_bound_missing", detail);
            }
            None => {}
        }
    }
    tiers.iter().map(|tier| Tier { upto: tier.upto, rate: tier.rate }).collect()
}

impl Faults {
    pub(super) fn wrong(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        let (pointer, detail) = (pointer.into(), detail.into());
        self.wrong.push(TariffFault { pointer, code, detail });
    }

    pub(super) fn unsupported(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) {
        let (pointer, detail) = (pointer.into(), detail.into());
        self.unsupported.push(TariffFault { pointer, code, detail });
    }

    /// Notes each name that stands there for the second time.
    pub(super) fn unique<T: Ord + Display>(
        &mut self,
        names: impl Iterator<Item = T>,
        list: &str,
        field: &str,
    ) {
        let mut seen = BTreeSet::new();
        for (index, name) in names.enumerate() {
            let detail = format!("{name} stands there already");
            if !seen.insert(name) {
                self.wrong(format!("{list}/{index}/{field}"), "name_repeated", detail);
            }
        }
    }

    fn count(&mut self, list: &str, count: usize, bounds: std::ops::RangeInclusive<usize>) {
        if !bounds.contains(&count) {
            let detail = format!("{} to {} of them", bounds.start(), bounds.end());
            self.wrong(list, "count_invalid", detail);
        }
    }

    fn rate(&mut self, rate: Rate, pointer: String) {
        let is_beyond = RATE_MAX.parse::<Rate>().is_ok_and(|most| rate > most);
        if rate.is_negative() || is_beyond {
            let detail = format!("a rate is 0 to {RATE_MAX}");
            self.wrong(pointer, "rate_out_of_range", detail);
        }
    }

    fn finish(self) -> Result<(), Vec<TariffFault>> {
        match (self.wrong.is_empty(), self.unsupported.is_empty()) {
            (true, true) => Ok(()),
            (false, _) => Err(self.wrong),
            (true, false) => Err(self.unsupported),
        }
    }
}

impl super::Tax {
    pub fn rate(&self) -> BasisPoints {
        BasisPoints::new(self.rate_bps)
    }
}

#[cfg(test)]
mod tests;
