//! A tariff that can be rated: see [`TariffContent::check`](super::TariffContent::check).
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Currency, Date, Quantity, Rate, Zone};

use super::words::{Per, TariffKey, TaxCode, Unit};

/// A version of a tariff whose parts agree with each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Tariff {
    pub currency: Currency,
    pub timezone: Zone,
    pub effective_from: Date,
    pub components: Vec<Component>,
    pub taxes: Vec<Tax>,
}

/// One thing that is charged for.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub id: TariffKey,
    pub charge: Charge,
    /// One of the tariff's taxes.
    pub tax: Option<TaxCode>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Charge {
    Fixed {
        per: Per,
        rate: Rate,
    },
    /// Bounds ascend, and only the last tier has none.
    Energy {
        unit: Unit,
        tiers: Vec<Tier>,
    },
}

/// A price up to a quantity, included; without a bound for whatever is left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tier {
    pub upto: Option<Quantity>,
    pub rate: Rate,
}

/// A tax on the sum of all lines that name it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tax {
    pub code: TaxCode,
    /// Hundredths of a percent, 0 to 10000.
    pub rate_bps: u32,
}
