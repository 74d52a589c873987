//! What registers show and have counted, exact to the millionth.
use std::borrow::Cow;

use crate::types::{Quantity, Refused, Text, round_half_even, text_form};

/// A number of units. Written as a decimal without needless zeros.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Count(i128);

const PLACES: usize = 6;
const ONE: i128 = 1_000_000;

impl Count {
    pub(crate) const ZERO: Count = Count(0);

    /// The first number that a register of so many digits cannot show.
    pub(crate) fn beyond(digits: u32) -> Count {
        Count(10_i128.saturating_pow(digits).saturating_mul(ONE))
    }

    pub(crate) fn plus(self, other: Count) -> Count {
        Count(self.0.saturating_add(other.0))
    }

    pub(crate) fn minus(self, other: Count) -> Count {
        Count(self.0.saturating_sub(other.0))
    }

    pub(crate) fn times(self, factor: i64) -> Count {
        Count(self.0.saturating_mul(i128::from(factor)))
    }

    /// The product with a multiplier, to the nearest millionth, rounded once.
    pub(crate) fn multiplied(self, multiplier: Count) -> Count {
        Count(round_half_even(self.0.saturating_mul(multiplier.0), ONE))
    }

    /// Whether this is a quantity that everybody can read.
    pub(crate) fn can_be_read(self) -> bool {
        self.text().parse::<Quantity>().is_ok()
    }

    /// Whole millionths, for rules that compare products.
    pub(crate) fn millionths(self) -> i128 {
        self.0
    }
}

impl Text for Count {
    const FORMAT: Option<&'static str> = Some("decimal");

    fn text(&self) -> Cow<'_, str> {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let (whole, fraction) = (size / ONE.unsigned_abs(), size % ONE.unsigned_abs());
        let full = format!("{sign}{whole}.{fraction:0width$}", width = PLACES);
        full.trim_end_matches('0').trim_end_matches('.').to_owned().into()
    }

    /// As a quantity is written, but never below zero.
    fn parse(text: &str) -> Result<Self, Refused> {
        let written = text.parse::<Quantity>()?;
        let refused = || Refused::new("decimal_invalid", "a decimal text that is not negative");
        if written.is_negative() {
            return Err(refused());
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole: i128 = whole.trim_start_matches('-').parse().map_err(|_| refused())?;
        let fraction: i128 = format!("{fraction:0<PLACES$}").parse().map_err(|_| refused())?;
        Ok(Count(whole * ONE + fraction))
    }
}

text_form!(Count);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn count(text: &str) -> Count {
        text.parse().unwrap()
    }

    #[test]
    fn a_count_is_exact_and_has_one_form() {
        for (text, shown) in [("00120", "120"), ("1.50", "1.5"), ("0.000001", "0.000001")] {
            assert_eq!(count(text).to_string(), shown);
        }
        for bad in ["-1", "1.0000001", "", "1e3", "1,5", ".5", "1."] {
            assert_eq!(bad.parse::<Count>().unwrap_err().code(), "decimal_invalid", "{bad}");
        }
        assert_eq!(count("1").minus(count("2.5")).to_string(), "-1.5");
    }

    #[test]
    fn a_product_is_rounded_once_to_the_even_neighbour() {
        assert_eq!(count("355").multiplied(count("1")), count("355"));
        assert_eq!(count("2.5").multiplied(count("40")), count("100"));
        assert_eq!(count("0.000001").multiplied(count("0.5")), Count::ZERO);
        assert_eq!(count("0.000003").multiplied(count("0.5")), count("0.000002"));
    }
}
