//! The parts of a period in which one version of the tariff holds.
use crate::types::{Date, Period, Quantity, Refused};

use super::{Priced, Refusal};

/// A period, by the versions of the tariff that hold in it.
#[derive(Debug)]
pub(super) struct Stretches<'a> {
    pub(super) period: Period,
    pub(super) all: Vec<Stretch<'a>>,
    /// The days of each: by these everything is shared out.
    pub(super) weights: Vec<u64>,
}

/// Days of a period with the same prices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch<'a> {
    pub(super) days: Period,
    pub(super) price: &'a Priced,
}

impl<'a> Stretches<'a> {
    /// Splits the period at each day on which another version begins to hold.
    pub(super) fn of(period: Period, versions: &'a [Priced]) -> Result<Stretches<'a>, Refusal> {
        let mut versions: Vec<&Priced> = versions.iter().collect();
        versions.sort_by_key(|price| price.effective_from);
        let begins = |price: &Priced| price.effective_from.max(period.start());
        let mut all = Vec::with_capacity(versions.len());
        for (place, price) in versions.iter().enumerate() {
            let next = versions.get(place + 1).map_or(period.end(), |next| begins(next));
            // A version that holds on no day of the period has none.
            if let Ok(days) = Period::new(begins(price), next.min(period.end())) {
                all.push(Stretch { days, price });
            }
        }
        if all.first().is_none_or(|first| first.days.start() != period.start()) {
            return Err(Refusal::NoTariff { on: period.start() });
        }
        let weights = all.iter().map(|stretch| stretch.days.days().unsigned_abs()).collect();
        Ok(Stretches { period, all, weights })
    }

    /// The part of a quantity that falls to the `index`th stretch.
    pub(super) fn share(&self, quantity: Quantity, index: usize) -> Result<Quantity, Refused> {
        let parts = quantity.split(&self.weights);
        parts.and_then(|parts| parts.get(index).copied()).ok_or_else(unshared)
    }
}

pub(super) fn unshared() -> Refused {
    Refused::new("amount_out_of_range", "too much to be shared out by days")
}

/// The last day of a stretch, for people.
pub(super) fn last_day(days: Period) -> Date {
    days.end().plus_days(-1).unwrap_or(days.start())
}
