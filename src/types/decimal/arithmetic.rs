//! What is done with quantities and rates before an amount is rounded: exact, to the last place.
use super::{Fixed, INTEGER_DIGITS_MAX, Quantity, Rate, split_wide, too_far};
use crate::types::{Refused, text_form};

/// A quantity times a rate, before it is rounded: up to fifteen decimal places.
pub type Exact = Fixed<15>;
text_form!(Exact);

impl<const PLACES: u32> Fixed<PLACES> {
    /// A whole number.
    pub fn whole(number: u32) -> Self {
        Fixed(i128::from(number) * Self::ONE)
    }

    /// # Errors
    /// When the sum is beyond every number that can be written.
    pub fn plus(self, other: Self) -> Result<Self, Refused> {
        self.0.checked_add(other.0).map(Fixed).ok_or_else(too_far)
    }

    /// # Errors
    /// When the difference is beyond every number that can be written.
    pub fn minus(self, other: Self) -> Result<Self, Refused> {
        self.0.checked_sub(other.0).map(Fixed).ok_or_else(too_far)
    }

    /// This, if it can be read where it is written.
    ///
    /// # Errors
    /// When it has more digits before the point than can be read.
    pub fn written(self) -> Result<Self, Refused> {
        let beyond = 10_i128.pow(INTEGER_DIGITS_MAX as u32).saturating_mul(Self::ONE);
        if self.0.abs() < beyond { Ok(self) } else { Err(too_far()) }
    }

    /// Shares this out by `weights` at its last decimal place: the parts add up to it exactly, the
    /// largest remainders get what is left. `None` when there is nobody to give to.
    pub fn split(self, weights: &[u64]) -> Option<Vec<Self>> {
        Some(split_wide(self.0, weights)?.into_iter().map(Fixed).collect())
    }
}

impl Rate {
    /// This rate times a quantity, exactly.
    ///
    /// # Errors
    /// When the product is beyond every amount.
    pub fn times(self, quantity: Quantity) -> Result<Exact, Refused> {
        self.0.checked_mul(quantity.0).map(Fixed).ok_or_else(too_far)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn parts(total: &str, weights: &[u64]) -> Vec<String> {
        quantity(total).split(weights).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn sums_and_products_are_exact() {
        assert_eq!(quantity("0.1").plus(quantity("0.2")).unwrap(), quantity("0.3"));
        assert_eq!(quantity("1355").minus(quantity("1000")).unwrap(), quantity("355"));
        let product = "0.123".parse::<Rate>().unwrap().times(quantity("55")).unwrap();
        assert_eq!(product.to_string(), "6.765");
        assert_eq!(Quantity::whole(30).to_string(), "30");
        let most = quantity("999999999999999");
        assert!(most.written().is_ok() && most.plus(quantity("1")).unwrap().written().is_err());
        let rate: Rate = "999999999999999".parse().unwrap();
        assert!(rate.times(most).is_err());
    }

    #[test]
    fn parts_of_a_quantity_add_up_to_it() {
        assert_eq!(parts("355", &[15, 15]), ["177.5", "177.5"]);
        assert_eq!(parts("100", &[1, 1, 1]), ["33.333334", "33.333333", "33.333333"]);
        assert_eq!(parts("-1", &[2, 1]), ["-0.666667", "-0.333333"]);
        assert_eq!(parts("999999999999999.999999", &[1, 30])[0], "32258064516129.032258");
        assert_eq!(quantity("1").split(&[0, 0]), None);
    }
}
