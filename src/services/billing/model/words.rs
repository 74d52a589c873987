//! Single words with a rule: tax codes and the closed sets.
use std::borrow::Cow;

use crate::types::{Refused, Text, text_form, words};

words! {
    /// Where the amounts of a bill come from.
    pub(crate) enum Basis: "basis_unknown" {
        Actual = "actual",
        Estimated = "estimated",
        Mixed = "mixed",
        Manual = "manual",
        Fetched = "fetched",
    }
}

words! {
    /// Which amounts the biller takes at once. More than the balance is for later work.
    pub(crate) enum Exactness: "exactness_unknown" {
        /// All of the balance.
        Exact = "exact",
        /// The balance or a part of it.
        ExactDown = "exact_down",
    }
}

/// The code under which a line is taxed: 1 to 32 letters, digits, `.`, `_`, `:` or `-`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct TaxCode(String);

const TAX_CODE_LENGTH_MAX: usize = 32;

/// A word of letters, digits and some marks.
fn is_plain(text: &str, length_max: usize, marks: &[u8]) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=length_max).contains(&text.len()) && text.bytes().all(known)
}

impl Text for TaxCode {
    fn example() -> Option<&'static str> {
        Some("std")
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        if is_plain(text, TAX_CODE_LENGTH_MAX, b"._:-") {
            return Ok(TaxCode(text.to_owned()));
        }
        Err(Refused::new("tax_code_invalid", "1 to 32 letters, digits, `.`, `_`, `:` or `-`"))
    }
}

text_form!(TaxCode);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_tax_code_is_a_plain_word() {
        assert!("VAT-20.5:std".parse::<TaxCode>().is_ok());
        for bad in ["", "a b", "é", &"x".repeat(33)] {
            assert!(bad.parse::<TaxCode>().is_err(), "{bad}");
        }
    }
}
