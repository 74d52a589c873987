//! Single words with a rule: the closed sets, and short texts.
use std::borrow::Cow;

use crate::types::tariff::Unit;
use crate::types::{Refused, Text, text_form, words};

words! {
    /// What a provider supplies.
    pub(crate) enum Commodity: "kind_unknown" {
        Electricity = "electricity",
        Water = "water",
        Gas = "gas",
    }
}

words! {
    /// Which amounts of a bill the provider takes at once.
    pub(crate) enum Exactness: "exactness_unknown" {
        /// All of the balance.
        Exact = "exact",
        /// The balance or a part of it.
        ExactDown = "exact_down",
    }
}

words! {
    /// Which way what a register counts has flowed.
    pub(crate) enum Direction: "direction_unknown" {
        Import = "import",
        Export = "export",
    }
}

words! {
    /// Where a reading comes from.
    pub(crate) enum Quality: "quality_unknown" {
        Actual = "actual",
        Estimated = "estimated",
        Customer = "customer",
        Calculated = "calculated",
        Agreed = "agreed",
        /// It takes the place of another one of the same instant, if there is one.
        Corrected = "corrected",
    }
}

/// What a register counts in, as tariffs name it: `kWh`, `m3`, `therm`, `kL`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct RegisterUnit(Unit);

impl Text for RegisterUnit {
    fn text(&self) -> Cow<'_, str> {
        self.0.text()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        Unit::parse(text).map(RegisterUnit)
    }
}

/// A short text of one line: what others call a thing, or where it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Label(String);

const LABEL_CHARS_MAX: usize = 200;

impl Text for Label {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let label = text.trim();
        let fits = (1..=LABEL_CHARS_MAX).contains(&label.chars().count());
        if fits && !label.chars().any(char::is_control) {
            return Ok(Label(label.to_owned()));
        }
        Err(Refused::new("text_invalid", "1 to 200 characters in one line"))
    }
}

text_form!(Label, RegisterUnit);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_short_line() {
        assert!(" 12 River Road ".parse::<Label>().is_ok_and(|label| label.0 == "12 River Road"));
        for bad in ["", "  ", "a\nb", &"é".repeat(201)] {
            assert!(bad.parse::<Label>().is_err(), "{bad}");
        }
    }
}
