//! How a rated line came about: enough to work it out again by hand.
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::types::tariff::{TariffKey, TaxCode, Unit};
use crate::types::{Amount, Date, Exact, MeterId, Quantity, RegisterId, TariffId};

use super::usage::Reading;

/// What a line keeps of its calculation, as it was written. Only ever shown: nothing is decided
/// by it later.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Trace(pub(crate) Value);

/// A line's calculation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Calculation {
    pub(crate) tariff_id: TariffId,
    pub(crate) tariff_version: i64,
    /// Of the tariff.
    pub(crate) component: TariffKey,
    pub(crate) from: Date,
    /// Not included.
    pub(crate) to: Date,
    pub(crate) days: i64,
    /// Days of the bill: where these are more, things were shared out by days.
    pub(crate) of_days: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<TierTrace>,
    /// What was counted in the whole period of the bill.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) registers: Vec<RegisterTrace>,
    pub(crate) rounding: Rounding,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tax: Option<TaxTrace>,
}

/// Which part of the quantity: more than `above`, up to `upto`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct TierTrace {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) above: Quantity,
    pub(crate) upto: Option<Quantity>,
}

/// What one register counted, and the readings that say so.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RegisterTrace {
    pub(crate) register_id: RegisterId,
    pub(crate) meter_id: MeterId,
    pub(crate) serial: String,
    pub(crate) unit: Unit,
    pub(crate) quantity: Quantity,
    pub(crate) multiplier: Quantity,
    pub(crate) rolled_over: bool,
    pub(crate) readings: Vec<Reading>,
}

/// How the amount became whole minor units.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Rounding {
    /// `half_even`: the amount is `exact`, rounded. `largest_remainder`: the whole period's charge
    /// was rounded half to even and shared out by days.
    pub(crate) rule: &'static str,
    /// In units of the currency: quantity times rate, of the whole period where it was shared out.
    pub(crate) exact: Exact,
    /// What was shared out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) whole_minor: Option<Amount>,
}

/// The tax of all lines of a code, rounded once; the line has its share.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TaxTrace {
    pub(crate) code: TaxCode,
    pub(crate) rate_bps: u32,
    /// Of all lines with this tax.
    pub(crate) taxable_minor: Amount,
    pub(crate) tax_minor: Amount,
}

impl From<&Calculation> for Trace {
    fn from(calculation: &Calculation) -> Trace {
        Trace(json!(calculation))
    }
}
