//! Rates and quantities in fixed point, and the three roundings of the house: half to even, basis
//! points, and the split by largest remainder. No value is rounded twice.
mod arithmetic;

use std::borrow::Cow;

pub use self::arithmetic::Exact;
use super::{Currency, Money, Refused, Text, text_form};

/// A decimal with at most `PLACES` decimal places, exact. Written without needless zeros.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fixed<const PLACES: u32>(i128);

/// A price or tax rate: up to nine decimal places.
pub type Rate = Fixed<9>;

/// What was consumed: up to six decimal places.
pub type Quantity = Fixed<6>;

/// Digits before the point; keeps every sum of a million rows within `i128`.
const INTEGER_DIGITS_MAX: usize = 15;

impl<const PLACES: u32> Fixed<PLACES> {
    pub const ZERO: Self = Fixed(0);
    const ONE: i128 = 10_i128.pow(PLACES);

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    fn read(text: &str) -> Option<Self> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let fits = whole.len() <= INTEGER_DIGITS_MAX && fraction.len() <= PLACES as usize;
        if !all_digits(whole) || !all_digits(fraction) || !fits {
            return None;
        }
        let fraction: i128 =
            format!("{fraction:0<width$}", width = PLACES as usize).parse().ok()?;
        let value = whole.parse::<i128>().ok()? * Self::ONE + fraction;
        Some(Fixed(if negative { -value } else { value }))
    }
}

impl<const PLACES: u32> Text for Fixed<PLACES> {
    const FORMAT: Option<&'static str> = Some("decimal");

    fn text(&self) -> Cow<'_, str> {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / Self::ONE, self.0.abs() % Self::ONE);
        let full = format!("{sign}{whole}.{fraction:0width$}", width = PLACES as usize);
        full.trim_end_matches('0').trim_end_matches('.').to_owned().into()
    }

    fn parse(text: &str) -> Result<Self, Refused> {
        let expected = || format!("a decimal text with at most {PLACES} decimal places");
        Self::read(text).ok_or_else(|| Refused::new("decimal_invalid", expected()))
    }
}
text_form!(Rate, Quantity);

/// Hundredths of a percent.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct BasisPoints(u32);

impl BasisPoints {
    const WHOLE: i128 = 10_000;

    pub fn new(points: u32) -> Self {
        BasisPoints(points)
    }

    pub fn get(self) -> u32 {
        self.0
    }

    /// This share of an amount, rounded half to even.
    pub fn of(self, money: Money) -> Result<Money, Refused> {
        let exact = i128::from(money.minor()) * i128::from(self.0);
        Money::from_wide(round_half_even(exact, Self::WHOLE), money.currency())
    }
}

impl Rate {
    /// This share of an amount (a tax), rounded half to even.
    pub fn of(self, money: Money) -> Result<Money, Refused> {
        let exact = i128::from(money.minor()).checked_mul(self.0).ok_or_else(too_far)?;
        Money::from_wide(round_half_even(exact, Self::ONE), money.currency())
    }

    /// Quantity times rate in units of the currency: the amount of a line, rounded once.
    pub fn price(self, quantity: Quantity, currency: Currency) -> Result<Money, Refused> {
        let minor_per_unit = 10_i128.pow(currency.exponent());
        let exact = self.0.checked_mul(quantity.0).and_then(|e| e.checked_mul(minor_per_unit));
        let scale = Rate::ONE * Quantity::ONE;
        Money::from_wide(round_half_even(exact.ok_or_else(too_far)?, scale), currency)
    }
}

/// `numerator / denominator` to the nearest whole, ties to the even one.
///
/// The denominator is positive; it is a power of ten at every call.
pub fn round_half_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (denominator - rest).cmp(&rest) {
        std::cmp::Ordering::Less => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
        std::cmp::Ordering::Greater => quotient,
    }
}

/// Shares `total` out by `weights` so that the parts add up to it exactly: each gets its floor,
/// the rest goes one by one to the largest remainders, earlier parts first.
///
/// `None` when there is nobody to give to: no weights, or all of them zero.
pub fn split(total: i64, weights: &[u64]) -> Option<Vec<i64>> {
    let parts = split_wide(i128::from(total), weights)?;
    parts.into_iter().map(|part| i64::try_from(part).ok()).collect()
}

fn split_wide(total: i128, weights: &[u64]) -> Option<Vec<i128>> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum == 0 {
        return None;
    }
    // Worked on the absolute value, so that a credit is split like the charge it takes back.
    let size = total.checked_abs()?;
    let exact = |weight: u64| size.checked_mul(i128::from(weight));
    let shares: Vec<i128> = weights.iter().map(|weight| exact(*weight)).collect::<Option<_>>()?;
    let mut parts: Vec<i128> = shares.iter().map(|share| share / sum).collect();
    let left = usize::try_from(size - parts.iter().sum::<i128>()).ok()?;
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|&part| std::cmp::Reverse(shares[part] % sum));
    order.iter().take(left).for_each(|&part| parts[part] += 1);
    Some(parts.into_iter().map(|part| if total < 0 { -part } else { part }).collect())
}

fn too_far() -> Refused {
    Refused::new("amount_out_of_range", "the product is beyond every amount")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Numbers that look random and are the same in every run.
    fn numbers(count: usize) -> impl Iterator<Item = u64> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
        .take(count)
    }

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap()).unwrap()
    }

    #[test]
    fn decimals_are_exact_and_have_one_form() {
        for (text, shown) in [
            ("0.123456789", "0.123456789"),
            ("12", "12"),
            ("-1.50", "-1.5"),
            ("0", "0"),
            ("-0", "0"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        let bad = [
            "",
            ".",
            "1.",
            ".5",
            "+1",
            "1e3",
            "1,5",
            "--1",
            " 1",
            "0.1234567890",
            "1000000000000000",
        ];
        for text in bad {
            assert_eq!(text.parse::<Rate>().unwrap_err().code(), "decimal_invalid", "{text}");
        }
        assert!("0.1234567".parse::<Quantity>().is_err());
    }

    #[test]
    fn ties_go_to_the_even_neighbour() {
        let rounded: Vec<i128> =
            [-25, -15, -5, 5, 15, 25, 26, 24].iter().map(|n| round_half_even(*n, 10)).collect();
        assert_eq!(rounded, [-2, -2, 0, 0, 2, 2, 3, 2]);
    }

    #[test]
    fn rounding_is_never_more_than_half_off_and_is_symmetric() {
        for number in numbers(10_000) {
            let (numerator, denominator) =
                (i128::from(number as i64), i128::from(number % 999 + 1));
            let rounded = round_half_even(numerator, denominator);
            assert!((rounded * denominator - numerator).abs() * 2 <= denominator);
            assert_eq!(round_half_even(-numerator, denominator), -rounded);
        }
    }

    #[test]
    fn a_line_is_rounded_once() {
        let price = |quantity: &str, rate: &str| {
            let rate: Rate = rate.parse().unwrap();
            rate.price(quantity.parse().unwrap(), usd(0).currency()).map(Money::minor)
        };
        assert_eq!(price("342.5", "0.131270"), Ok(4496));
        assert_eq!(price("1", "0.005"), Ok(0));
        assert_eq!(price("3", "0.005"), Ok(2));
        assert_eq!(price("-3", "0.005"), Ok(-2));
        let most = "999999999999999";
        assert_eq!(price(most, most).unwrap_err().code(), "amount_out_of_range");
    }

    #[test]
    fn shares_are_half_even() {
        assert_eq!(BasisPoints::new(250).of(usd(4496)).unwrap(), usd(112));
        assert_eq!(BasisPoints::new(5_000).of(usd(5)).unwrap(), usd(2));
        assert_eq!("0.0825".parse::<Rate>().unwrap().of(usd(10_000)).unwrap(), usd(825));
    }

    #[test]
    fn a_split_adds_up_and_no_part_is_a_unit_off() {
        let numbers: Vec<u64> = numbers(4_000).collect();
        for chunk in numbers.chunks(8) {
            let total = (chunk[0] as i64) % super::super::MINOR_MAX;
            let weights: Vec<u64> = chunk[1..].iter().map(|weight| weight % 10_000).collect();
            let parts = split(total, &weights).unwrap();
            assert_eq!(parts.iter().sum::<i64>(), total);
            let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let off = i128::from(*part) * sum - i128::from(total) * i128::from(*weight);
                assert!(off.abs() < sum);
            }
        }
    }

    #[test]
    fn ties_in_a_split_go_to_the_earlier_part() {
        assert_eq!(split(100, &[1, 1, 1]).unwrap(), [34, 33, 33]);
        assert_eq!(split(-100, &[1, 1, 1]).unwrap(), [-34, -33, -33]);
        assert_eq!(split(1, &[0, 1, 1]).unwrap(), [0, 1, 0]);
        assert_eq!(split(5, &[]), None);
        assert_eq!(split(5, &[0, 0]), None);
    }
}
