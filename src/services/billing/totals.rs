//! What the lines of a bill add up to. Pure.
//!
//! `subtotal` is what is charged, `tax` what is taxed, `total` both: each line adds its
//! `amount_minor + tax_minor` to the total, so Σ lines = total and Σ line tax = tax. The amount
//! of a line of kind `tax` is tax itself. Discounts count against the subtotal; a total below zero
//! is no bill, zero may be drafted but not issued.
use crate::types::{Amount, Currency, Money, Refused};

use super::model::line::{Line, LineKind};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Totals {
    pub(crate) subtotal: Amount,
    pub(crate) tax: Amount,
    pub(crate) total: Amount,
}

impl Totals {
    /// The sums, refused when one is out of range or the total is below zero.
    pub(crate) fn of(lines: &[Line], currency: Currency) -> Result<Totals, Refused> {
        let money = |amount: Amount| amount.in_currency(currency);
        let is_tax = |line: &&Line| line.kind == LineKind::Tax;
        let charges = lines.iter().filter(|line| !is_tax(line));
        let levies = lines.iter().filter(is_tax).map(|line| money(line.amount_minor));
        let taxes = lines.iter().map(|line| money(line.tax_minor));
        let subtotal = Money::sum(charges.map(|line| money(line.amount_minor)), currency)?;
        let tax = Money::sum(taxes.chain(levies), currency)?;
        let total = subtotal.plus(tax)?;
        if total.is_negative() {
            return Err(Refused::new("total_negative", "discounts are not more than the charges"));
        }
        Ok(Totals { subtotal: subtotal.amount(), tax: tax.amount(), total: total.amount() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::types::{BillLineId, MINOR_MAX};

    fn line(kind: LineKind, amount: i64, tax: i64) -> Line {
        Line {
            id: BillLineId::new(),
            kind,
            description: "x".parse().unwrap(),
            quantity: None,
            unit: None,
            rate: None,
            amount_minor: Amount::new(amount).unwrap(),
            tax_code: None,
            tax_minor: Amount::new(tax).unwrap(),
            trace: None,
        }
    }

    fn totals(lines: &[(LineKind, i64, i64)]) -> Result<(i64, i64, i64), &'static str> {
        let lines: Vec<Line> = lines.iter().map(|(kind, a, t)| line(*kind, *a, *t)).collect();
        let totals = Totals::of(&lines, "USD".parse().unwrap());
        totals
            .map(|t| (t.subtotal.minor(), t.tax.minor(), t.total.minor()))
            .map_err(|refused| refused.code())
    }

    #[test]
    fn lines_and_taxes_add_up() {
        use LineKind::{Discount, Energy, Fixed, Tax};
        assert_eq!(totals(&[(Fixed, 4496, 0)]), Ok((4496, 0, 4496)));
        let march = [(Fixed, 750, 56), (Energy, 670, 50), (Energy, 2086, 157), (Energy, 676, 51)];
        assert_eq!(totals(&march), Ok((4182, 314, 4496)));
        assert_eq!(totals(&[(Fixed, 4182, 0), (Tax, 314, 0)]), Ok((4182, 314, 4496)));
        assert_eq!(totals(&[(Fixed, 1000, 200), (Discount, -100, -20)]), Ok((900, 180, 1080)));
    }

    #[test]
    fn a_total_is_never_below_zero() {
        use LineKind::{Discount, Fixed};
        assert_eq!(totals(&[]), Ok((0, 0, 0)));
        assert_eq!(totals(&[(Fixed, 5, 0), (Discount, -5, 0)]), Ok((0, 0, 0)));
        assert_eq!(totals(&[(Fixed, 5, 0), (Discount, -6, 0)]), Err("total_negative"));
    }

    #[test]
    fn sums_do_not_wrap() {
        use LineKind::{Adjustment, Fixed, Tax};
        assert_eq!(totals(&[(Fixed, MINOR_MAX, 0), (Fixed, 1, 0)]), Err("amount_out_of_range"));
        assert_eq!(totals(&[(Fixed, MINOR_MAX, 0), (Tax, 1, 0)]), Err("amount_out_of_range"));
        let back = [(Fixed, MINOR_MAX, 0), (Adjustment, -1, 0), (Fixed, 1, 0)];
        assert_eq!(totals(&back), Ok((MINOR_MAX, 0, MINOR_MAX)));
    }

    /// Any lines: the total is the sum of what each line says, in whatever order.
    #[test]
    fn the_total_is_the_sum_of_the_lines() {
        let mut state = 7_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 33
        };
        for _ in 0..2_000 {
            let count = next() % 20;
            let mut lines: Vec<Line> = (0..count)
                .map(|_| match next() % 3 {
                    0 => line(LineKind::Tax, (next() % 1_000) as i64, 0),
                    1 => line(LineKind::Adjustment, -((next() % 1_000) as i64), 0),
                    _ => line(LineKind::Energy, (next() % 10_000) as i64, (next() % 2_000) as i64),
                })
                .collect();
            let exact: i64 =
                lines.iter().map(|line| line.amount_minor.minor() + line.tax_minor.minor()).sum();
            let forward = Totals::of(&lines, "USD".parse().unwrap());
            lines.reverse();
            assert_eq!(Totals::of(&lines, "USD".parse().unwrap()), forward);
            match forward {
                Ok(totals) => assert_eq!(totals.total.minor(), exact),
                Err(refused) => assert_eq!((refused.code(), exact < 0), ("total_negative", true)),
            }
        }
    }
}
