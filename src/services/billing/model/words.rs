//! Single words with a rule: tax codes, service accounts, time zones, and the closed sets.
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

/// An account at a provider. Any plain word, until the utilities service keeps them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct ServiceAccountId(String);

/// A time zone by its IANA name. Its shape is checked, not whether there is such a place.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Zone(String);

const TAX_CODE_LENGTH_MAX: usize = 32;
const SERVICE_ACCOUNT_ID_LENGTH_MAX: usize = 64;
const ZONE_LENGTH_MAX: usize = 64;

/// A word of letters, digits and some marks.
fn is_plain(text: &str, length_max: usize, marks: &[u8]) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
    (1..=length_max).contains(&text.len()) && text.bytes().all(known)
}

impl Text for TaxCode {
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

impl Text for ServiceAccountId {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        if is_plain(text, SERVICE_ACCOUNT_ID_LENGTH_MAX, b"._:-") {
            return Ok(ServiceAccountId(text.to_owned()));
        }
        Err(Refused::new("id_invalid", "1 to 64 letters, digits, `.`, `_`, `:` or `-`"))
    }
}

impl Text for Zone {
    fn text(&self) -> Cow<'_, str> {
        self.0.as_str().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let is_named = text.split('/').all(|part| part.starts_with(|c: char| c.is_alphabetic()));
        if is_named && is_plain(text, ZONE_LENGTH_MAX, b"_/+-") {
            return Ok(Zone(text.to_owned()));
        }
        Err(Refused::new("timezone_invalid", "an IANA name like America/Chicago"))
    }
}
text_form!(TaxCode, ServiceAccountId, Zone);

impl Default for Zone {
    fn default() -> Self {
        Zone("UTC".to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_the_shape_of_a_name() {
        for good in ["UTC", "America/Chicago", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert_eq!(good.parse::<Zone>().unwrap().to_string(), good);
        }
        for bad in ["", "/", "America/", "+02:00", "UTC\n", "../etc/passwd", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Zone>().unwrap_err().code(), "timezone_invalid", "{bad}");
        }
    }

    #[test]
    fn a_tax_code_is_a_plain_word() {
        assert!("VAT-20.5:std".parse::<TaxCode>().is_ok());
        for bad in ["", "a b", "é", &"x".repeat(33)] {
            assert!(bad.parse::<TaxCode>().is_err(), "{bad}");
        }
    }
}
