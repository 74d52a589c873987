//! Currencies of ISO 4217 with their number of decimal places, pinned here: a list that changed
//! under a stored amount would change its value.
use std::borrow::Cow;

use super::{Refused, Text, text_form};

/// A currency in use.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Currency(&'static str);

/// Codes by their exponent. Funds codes, metals and test codes are left out: nobody is billed in them.
const BY_EXPONENT: [(u32, &[&str]); 4] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND",
            "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT",
            "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF",
            "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB",
            "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL",
            "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
            "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
            "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK",
            "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB",
            "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN",
            "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH",
            "USD", "UYU", "UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

impl Currency {
    /// Decimal places: a unit is `10^exponent` minor units.
    pub fn exponent(self) -> u32 {
        let listed = BY_EXPONENT.iter().find(|(_, codes)| codes.contains(&self.0));
        listed.map_or(2, |(exponent, _)| *exponent)
    }

    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl Text for Currency {
    const FORMAT: Option<&'static str> = Some("iso-4217");

    fn example() -> Option<&'static str> {
        Some("USD")
    }

    fn text(&self) -> Cow<'_, str> {
        self.0.into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let mut known = BY_EXPONENT.iter().flat_map(|(_, codes)| codes.iter());
        known.find(|code| **code == text).map(|code| Currency(code)).ok_or(Refused::new(
            "currency_invalid",
            "a currency is an ISO 4217 code in capitals, such as USD",
        ))
    }
}
text_form!(Currency);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn exponents_follow_the_standard() {
        for (code, exponent) in [("JPY", 0), ("USD", 2), ("EUR", 2), ("KWD", 3), ("CLF", 4)] {
            assert_eq!(code.parse::<Currency>().unwrap().exponent(), exponent, "{code}");
        }
    }

    #[test]
    fn every_code_is_listed_once() {
        let mut codes: Vec<_> = BY_EXPONENT.iter().flat_map(|(_, codes)| codes.to_vec()).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase())));
    }

    #[test]
    fn unknown_and_lower_case_codes_are_refused() {
        for bad in ["usd", "XXX", "US", "", "USDX"] {
            assert_eq!(bad.parse::<Currency>().unwrap_err().code(), "currency_invalid", "{bad}");
        }
    }
}
