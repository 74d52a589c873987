//! The scale beside a chart: round steps, short labels. Pure.

use super::Unit;

/// Steps that an axis has at most, above or below zero.
const STEPS_MAX: i64 = 5;

/// From `low` to `high` in steps; zero is always on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) step: i64,
}

impl Axis {
    pub(super) fn around(least: i64, most: i64) -> Axis {
        let (least, most) = (least.min(0), most.max(0));
        let size = most.saturating_sub(least).max(1);
        let step = round_step(size);
        let steps = |value: i64| value.unsigned_abs().div_ceil(step.unsigned_abs());
        let end = |value: i64| {
            i64::try_from(i128::from(steps(value)) * i128::from(step)).unwrap_or(i64::MAX)
        };
        let (low, high) = (-end(least), end(most));
        Axis { low, high: if low == 0 && high == 0 { step } else { high }, step }
    }

    pub(super) fn ticks(self) -> impl Iterator<Item = i64> {
        let count = (i128::from(self.high) - i128::from(self.low)) / i128::from(self.step);
        (0..=count).filter_map(move |n| {
            i64::try_from(i128::from(self.low) + n * i128::from(self.step)).ok()
        })
    }

    /// Where a value is between the ends: 0 at the bottom, 1 at the top.
    #[allow(clippy::cast_precision_loss, reason = "for drawing")]
    pub(super) fn place(self, value: i64) -> f64 {
        let height = self.high as f64 - self.low as f64;
        (value as f64 - self.low as f64) / height
    }

    /// A short label of a tick.
    pub(super) fn label(self, unit: Unit, value: i64) -> String {
        let exponent = match unit {
            Unit::Money(currency) => currency.exponent(),
            Unit::Count => 0,
        };
        short(value, self.step, exponent)
    }
}

/// 1, 2 or 5 times a power of ten.
fn round_step(size: i64) -> i64 {
    let least = (size / STEPS_MAX).max(1);
    let mut power = 1_i64;
    while let Some(next) = power.checked_mul(10).filter(|next| *next <= least) {
        power = next;
    }
    let fits = |factor: &i64| power.saturating_mul(*factor) >= least;
    let factor = [1, 2, 5, 10].into_iter().find(fits).unwrap_or(10);
    power.saturating_mul(factor)
}

/// `12k`, `1.5M`, `44.96`: no more digits than the step needs.
fn short(value: i64, step: i64, exponent: u32) -> String {
    if value == 0 {
        return "0".to_owned();
    }
    let unit = 10_i64.pow(exponent);
    let whole = step.saturating_div(unit);
    let (name, factor) = match whole {
        w if w >= 100_000_000 => ("G", 1_000_000_000),
        w if w >= 100_000 => ("M", 1_000_000),
        w if w >= 1_000 => ("k", 1_000),
        _ => ("", 1),
    };
    let divisor = unit.saturating_mul(factor);
    let (sign, size) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    let divisor_size = divisor.unsigned_abs();
    let (front, rest) = (size / divisor_size, size % divisor_size);
    let digits = divisor.ilog10() as usize;
    let full = format!("{rest:0digits$}");
    // The digits that the step itself has behind the point.
    let needed = full_digits(step, divisor);
    match needed.min(if digits == 0 { 0 } else { full.len() }) {
        0 => format!("{sign}{front}{name}"),
        needed => format!("{sign}{front}.{}{name}", &full[..needed]),
    }
}

fn full_digits(step: i64, divisor: i64) -> usize {
    let rest = step.unsigned_abs() % divisor.unsigned_abs();
    if rest == 0 {
        return 0;
    }
    let digits = divisor.ilog10() as usize;
    format!("{rest:0digits$}").trim_end_matches('0').len()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn labels(least: i64, most: i64, unit: Unit) -> Vec<String> {
        let axis = Axis::around(least, most);
        axis.ticks().map(|tick| axis.label(unit, tick)).collect()
    }

    #[test]
    fn steps_are_round_and_labels_short() {
        let usd = Unit::Money("USD".parse().unwrap());
        assert_eq!(labels(0, 4_496, usd), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(0, 60, usd), ["0", "0.2", "0.4", "0.6"]);
        assert_eq!(labels(0, 3, Unit::Count), ["0", "1", "2", "3"]);
        assert_eq!(labels(0, 120_000_000, usd), ["0", "0.5M", "1.0M", "1.5M"]);
        assert_eq!(labels(0, 0, Unit::Count), ["0", "1"]);
        assert_eq!(labels(-150, 200, Unit::Count), ["-200", "-100", "0", "100", "200"]);
    }

    #[test]
    fn the_largest_values_have_an_axis() {
        for most in [i64::MAX, i64::MAX / 3, 1] {
            let axis = Axis::around(-most, most);
            assert!(axis.step > 0 && axis.ticks().count() <= 20, "{axis:?}");
            assert!((0.0..=1.0).contains(&axis.place(most)));
        }
    }
}
