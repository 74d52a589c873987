//! A line of a bill, as it is sent and as it is kept.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::tariff::TaxCode;
use crate::types::{Amount, BillLineId, Name, Quantity, Rate, Refused, words};

use super::trace::{Calculation, Trace};

words! {
    /// What a line charges for.
    pub(crate) enum LineKind: "line_kind_unknown" {
        Fixed = "fixed",
        Energy = "energy",
        Demand = "demand",
        /// The difference up to a minimum charge.
        Minimum = "minimum",
        /// A tax or levy that is stated as a line of its own.
        Tax = "tax",
        /// Always negative.
        Discount = "discount",
        LateFee = "late_fee",
        /// Either sign.
        Adjustment = "adjustment",
        TrueUp = "true_up",
    }
}

/// A line that somebody states.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    pub(crate) kind: LineKind,
    pub(crate) description: Name,
    #[serde(default)]
    pub(crate) quantity: Option<Quantity>,
    #[serde(default)]
    pub(crate) unit: Option<Name>,
    #[serde(default)]
    pub(crate) rate: Option<Rate>,
    /// Without the tax in `tax_minor`.
    pub(crate) amount_minor: Amount,
    #[serde(default)]
    pub(crate) tax_code: Option<TaxCode>,
    #[serde(default)]
    pub(crate) tax_minor: Amount,
}

/// A line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Line {
    pub(crate) id: BillLineId,
    pub(crate) kind: LineKind,
    pub(crate) description: Name,
    pub(crate) quantity: Option<Quantity>,
    pub(crate) unit: Option<Name>,
    pub(crate) rate: Option<Rate>,
    pub(crate) amount_minor: Amount,
    pub(crate) tax_code: Option<TaxCode>,
    pub(crate) tax_minor: Amount,
    /// How it was worked out, if billing did that.
    #[schema(value_type = Option<Calculation>)]
    pub(crate) trace: Option<Trace>,
}

impl LineKind {
    /// Late fees and true-ups are added by billing itself, with the trace of how they came about.
    fn may_be_stated(self) -> bool {
        !matches!(self, LineKind::LateFee | LineKind::TrueUp)
    }

    fn takes(self, amount: Amount) -> bool {
        match self {
            LineKind::Discount => amount < Amount::ZERO,
            LineKind::Adjustment | LineKind::TrueUp => true,
            _ => amount >= Amount::ZERO,
        }
    }
}

impl NewLine {
    /// The line with an id; what is wrong with it comes with the name of the field.
    ///
    /// `quantity` and `rate` are not multiplied: a stated line says what was charged, however
    /// the biller came to it.
    pub(crate) fn check(self) -> Result<Line, (&'static str, Refused)> {
        let refuse = |field, code, detail: &'static str| Err((field, Refused::new(code, detail)));
        let (amount, tax) = (self.amount_minor, self.tax_minor);
        if !self.kind.may_be_stated() {
            return refuse("kind", "line_kind_reserved", "billing adds such lines by itself");
        }
        if !self.kind.takes(amount) {
            let detail = "a discount is below zero, all but adjustments are not";
            return refuse("amount_minor", "line_sign_invalid", detail);
        }
        if tax == Amount::ZERO {
            return Ok(self.with_id());
        }
        if self.kind == LineKind::Tax {
            return refuse("tax_minor", "tax_on_tax", "a tax line is not taxed");
        }
        if (tax < Amount::ZERO) != (amount < Amount::ZERO) {
            return refuse("tax_minor", "line_sign_invalid", "tax has the sign of what is taxed");
        }
        if self.tax_code.is_none() {
            return refuse("tax_code", "tax_code_required", "a taxed line names its tax");
        }
        Ok(self.with_id())
    }

    fn with_id(self) -> Line {
        let NewLine { kind, description, quantity, unit, rate, amount_minor, .. } = self;
        let (tax_code, tax_minor) = (self.tax_code, self.tax_minor);
        let id = BillLineId::new();
        let trace = None;
        Line {
            id,
            kind,
            description,
            quantity,
            unit,
            rate,
            amount_minor,
            tax_code,
            tax_minor,
            trace,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(kind: &str, amount: i64, tax: i64, tax_code: Option<&str>) -> &'static str {
        let line = json!({"kind": kind, "description": "x", "amount_minor": amount,
            "tax_minor": tax, "tax_code": tax_code});
        let line: NewLine = serde_json::from_value(line).unwrap();
        line.check().map_or_else(|(_, refused)| refused.code(), |_| "")
    }

    #[test]
    fn the_sign_of_a_line_follows_from_its_kind() {
        for kind in ["fixed", "energy", "demand", "minimum", "tax"] {
            assert_eq!(refused(kind, 0, 0, None), "");
            assert_eq!(refused(kind, -1, 0, None), "line_sign_invalid", "{kind}");
        }
        assert_eq!(refused("discount", -1, 0, None), "");
        assert_eq!(refused("discount", 0, 0, None), "line_sign_invalid");
        assert_eq!(refused("discount", 1, 0, None), "line_sign_invalid");
        assert_eq!(
            (refused("adjustment", -1, 0, None), refused("adjustment", 1, 0, None)),
            ("", "")
        );
    }

    #[test]
    fn what_billing_adds_cannot_be_stated() {
        for kind in ["late_fee", "true_up"] {
            assert_eq!(refused(kind, 1, 0, None), "line_kind_reserved");
        }
    }

    #[test]
    fn tax_has_a_code_and_the_sign_of_its_line() {
        assert_eq!(refused("energy", 100, 20, Some("VAT")), "");
        assert_eq!(refused("discount", -100, -20, Some("VAT")), "");
        assert_eq!(refused("energy", 100, 20, None), "tax_code_required");
        assert_eq!(refused("energy", 100, -20, Some("VAT")), "line_sign_invalid");
        assert_eq!(refused("discount", -100, 20, Some("VAT")), "line_sign_invalid");
        assert_eq!(refused("tax", 100, 20, Some("VAT")), "tax_on_tax");
    }
}
