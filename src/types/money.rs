//! Money: whole minor units and a currency. No floats, nothing that wraps.
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use utoipa::ToSchema;

use super::{Currency, Refused};

/// The largest amount either side of zero: every JSON reader can hold it exactly (2^53 - 1).
pub const MINOR_MAX: i64 = 9_007_199_254_740_991;

/// A number of minor units within the range, its currency said elsewhere (a field of its own).
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, ToSchema,
)]
#[schema(value_type = i64, minimum = -9007199254740991.0, maximum = 9007199254740991.0)]
pub struct Amount(i64);

impl Amount {
    pub const ZERO: Amount = Amount(0);

    pub fn new(minor: i64) -> Result<Self, Refused> {
        if (-MINOR_MAX..=MINOR_MAX).contains(&minor) { Ok(Amount(minor)) } else { Err(too_far()) }
    }

    pub fn minor(self) -> i64 {
        self.0
    }

    /// This amount, if there is something to pay.
    pub fn positive(self) -> Result<Self, Refused> {
        if self.0 > 0 {
            return Ok(self);
        }
        Err(Refused::new("amount_below_minimum", "an amount is at least one minor unit"))
    }

    pub fn in_currency(self, currency: Currency) -> Money {
        Money { minor: self, currency }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(WholeNumber)
    }
}

/// Takes integers only: a string, a fraction or an exponent is a mistake of the sender's.
struct WholeNumber;

impl de::Visitor<'_> for WholeNumber {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of minor units")
    }

    fn visit_i64<E: de::Error>(self, minor: i64) -> Result<Amount, E> {
        Amount::new(minor).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, minor: u64) -> Result<Amount, E> {
        i64::try_from(minor).map_err(|_| too_far()).and_then(Amount::new).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Amount, E> {
        // Integers beyond 64 bits arrive here too.
        let integer_too_long = number.fract() == 0.0 && number.abs() >= 9.2e18;
        Err(E::custom(if integer_too_long { too_far() } else { not_whole() }))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Amount, E> {
        Err(E::custom(not_whole()))
    }
}

/// An amount of a currency.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Money {
    minor: Amount,
    currency: Currency,
}

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Result<Self, Refused> {
        Ok(Money { minor: Amount::new(minor)?, currency })
    }

    pub fn zero(currency: Currency) -> Self {
        Money { minor: Amount::ZERO, currency }
    }

    /// From an intermediate result, which may be out of range.
    pub fn from_wide(minor: i128, currency: Currency) -> Result<Self, Refused> {
        Money::new(i64::try_from(minor).map_err(|_| too_far())?, currency)
    }

    pub fn minor(self) -> i64 {
        self.minor.0
    }

    pub fn amount(self) -> Amount {
        self.minor
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    pub fn plus(self, other: Money) -> Result<Money, Refused> {
        self.same_currency(other)?;
        Money::from_wide(i128::from(self.minor()) + i128::from(other.minor()), self.currency)
    }

    pub fn minus(self, other: Money) -> Result<Money, Refused> {
        self.plus(other.negated())
    }

    /// The range is symmetric, so this cannot fail.
    pub fn negated(self) -> Money {
        Money { minor: Amount(-self.minor.0), currency: self.currency }
    }

    pub fn compare(self, other: Money) -> Result<std::cmp::Ordering, Refused> {
        self.same_currency(other)?;
        Ok(self.minor.cmp(&other.minor))
    }

    pub fn is_zero(self) -> bool {
        self.minor.0 == 0
    }

    pub fn is_positive(self) -> bool {
        self.minor.0 > 0
    }

    pub fn is_negative(self) -> bool {
        self.minor.0 < 0
    }

    /// The sum in one currency; zero of it when there is nothing to add.
    pub fn sum(all: impl IntoIterator<Item = Money>, currency: Currency) -> Result<Money, Refused> {
        all.into_iter().try_fold(Money::zero(currency), Money::plus)
    }

    fn same_currency(self, other: Money) -> Result<(), Refused> {
        if self.currency == other.currency {
            return Ok(());
        }
        let both = format!("{} and {} do not mix", self.currency, other.currency);
        Err(Refused::new("currency_mismatch", both))
    }
}

impl fmt::Display for Money {
    /// For logs and people: `44.96 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.currency.exponent();
        let unit = 10_u64.pow(places);
        let (sign, minor) =
            (if self.is_negative() { "-" } else { "" }, self.minor().unsigned_abs());
        write!(f, "{sign}{}", minor / unit)?;
        if places > 0 {
            write!(f, ".{:0width$}", minor % unit, width = places as usize)?;
        }
        write!(f, " {}", self.currency)
    }
}

fn too_far() -> Refused {
    Refused::new("amount_out_of_range", "an amount is at most 9007199254740991 minor units")
}

fn not_whole() -> Refused {
    Refused::new("money_not_integer", "an amount is a whole number of minor units")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap()).unwrap()
    }

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap()).unwrap()
    }

    #[test]
    fn json_takes_whole_numbers_only() {
        for (json, code) in [
            ("44.96", "money_not_integer"),
            ("4496.0", "money_not_integer"),
            ("4e3", "money_not_integer"),
            ("\"4496\"", "money_not_integer"),
            ("9007199254740992", "amount_out_of_range"),
            ("-9007199254740992", "amount_out_of_range"),
            ("9223372036854775808", "amount_out_of_range"),
            ("99999999999999999999999", "amount_out_of_range"),
        ] {
            let fault = serde_json::from_str::<Amount>(json).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("{code}: ")), "{json} gave {fault}");
        }
        for minor in [0, -1, 4496, MINOR_MAX, -MINOR_MAX] {
            let json = minor.to_string();
            assert_eq!(serde_json::from_str::<Amount>(&json).unwrap().minor(), minor);
            assert_eq!(serde_json::to_string(&Amount::new(minor).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn nothing_wraps() {
        let most = usd(MINOR_MAX);
        assert_eq!(most.plus(usd(1)).unwrap_err().code(), "amount_out_of_range");
        assert_eq!(most.negated().minus(usd(1)).unwrap_err().code(), "amount_out_of_range");
        assert!(most.plus(most.negated()).unwrap().is_zero());
        assert_eq!(
            Money::new(i64::MIN, usd(0).currency()).unwrap_err().code(),
            "amount_out_of_range"
        );
    }

    #[test]
    fn currencies_do_not_mix() {
        assert_eq!(usd(1).plus(eur(1)).unwrap_err().code(), "currency_mismatch");
        assert_eq!(usd(1).compare(eur(1)).unwrap_err().code(), "currency_mismatch");
        assert_eq!(usd(1).compare(usd(2)).unwrap(), std::cmp::Ordering::Less);
        assert_eq!(Money::sum([usd(4), usd(-1)], usd(0).currency()).unwrap(), usd(3));
    }

    #[test]
    fn only_something_can_be_paid() {
        assert!(Amount(1).positive().is_ok());
        for minor in [0, -1] {
            assert_eq!(Amount(minor).positive().unwrap_err().code(), "amount_below_minimum");
        }
    }

    #[test]
    fn people_read_units() {
        assert_eq!(usd(4496).to_string(), "44.96 USD");
        assert_eq!(usd(-5).to_string(), "-0.05 USD");
        assert_eq!(Money::new(12, "JPY".parse().unwrap()).unwrap().to_string(), "12 JPY");
        assert_eq!(Money::new(1, "KWD".parse().unwrap()).unwrap().to_string(), "0.001 KWD");
    }
}
