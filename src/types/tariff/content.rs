//! A version of a tariff as it is written and kept. Its fields may contradict each other: see
//! [`TariffContent::check`].
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Amount, Currency, Date, Quantity, Rate, Zone};

use super::words::{
    ComponentKind, Holidays, MeterClock, MinuteOfDay, MonthDay, Per, TariffKey, TaxCode, TierScope,
    Unit, Weekday,
};

/// A version of a tariff.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"currency": "USD", "timezone": "America/Chicago", "clock": "wall",
    "effective_from": "2026-01-01", "components": [
        {"id": "fix", "kind": "fixed", "per": "day", "rate": "0.25", "tax": "std"},
        {"id": "en", "kind": "energy", "unit": "kWh", "tax": "std", "tier_scope": "bill_period",
            "tiers": [{"upto": "100", "rate": "0.067"}, {"upto": null, "rate": "0.123"}]}],
    "taxes": [{"code": "std", "rate_bps": 750}]}))]
pub struct TariffContent {
    pub currency: Currency,
    /// Where its days begin.
    pub timezone: Zone,
    /// `wall`: other clocks cannot be rated yet.
    pub clock: MeterClock,
    /// It holds from the beginning of this day until the next version does.
    pub effective_from: Date,
    /// Absent, or the whole year: others cannot be rated yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seasons: Vec<Season>,
    /// Absent, or one default: others cannot be rated yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tou: Vec<TouPeriod>,
    /// 1 to 50.
    pub components: Vec<ComponentContent>,
    /// At most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<super::Tax>,
}

/// A part of the year, both days included; past the year's end if it ends before it begins.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Season {
    pub id: TariffKey,
    pub from: MonthDay,
    pub to: MonthDay,
}

/// A window of the week, or all that no window covers (`default`).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TouPeriod {
    pub id: TariffKey,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Every day if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<Weekday>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<MinuteOfDay>,
    /// Not included; on the next day if it is not after `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<MinuteOfDay>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Holidays>,
}

/// One thing that is charged for. Which fields it has follows from its kind.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ComponentContent {
    pub id: TariffKey,
    pub kind: ComponentKind,
    /// Of a fixed charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Per>,
    /// Of a fixed charge: a decimal text, in units of the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Of energy: what its registers count in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Of energy: when it holds; always if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Applies>,
    /// Of energy: `bill_period` if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier_scope: Option<TierScope>,
    /// Of energy: 1 to 20, the last of them without a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<TierContent>>,
    /// Of a minimum charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount_minor: Option<Amount>,
    /// The code of one of the taxes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<TaxCode>,
}

/// When a component holds: the id of a season and of a time of use, or `*` for all.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Applies {
    #[serde(default = "always")]
    pub season: String,
    #[serde(default = "always")]
    pub tou: String,
}

/// A price up to a quantity.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TierContent {
    /// Included. `null`: whatever is left.
    #[serde(default)]
    pub upto: Option<Quantity>,
    /// An allowance of every day. Cannot be rated yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto_per_day: Option<Quantity>,
    /// A decimal text, in units of the currency.
    pub rate: Rate,
}

/// All seasons, all times of use.
pub(super) const ALWAYS: &str = "*";

fn always() -> String {
    ALWAYS.to_owned()
}
