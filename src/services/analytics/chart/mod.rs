//! Charts as SVG: panels of bars or lines with axes, readable in light and in dark, with a title
//! and a description for those who hear them. Pure.
//!
//! A currency has a panel of its own: amounts of two currencies have no common axis.

mod axis;
mod draw;
mod style;
mod text;

use crate::types::{Currency, Money};

pub(crate) use draw::svg;

/// Panels that are drawn; what is left out is said.
const PANELS_MAX: usize = 6;
/// Series of one panel; the rest becomes one more.
const SERIES_MAX: usize = 6;

/// A chart, not drawn yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) panels: Vec<Panel>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Panel {
    pub(crate) heading: String,
    pub(crate) unit: Unit,
    pub(crate) shape: Shape,
    /// What each value of a series stands over.
    pub(crate) labels: Vec<String>,
    pub(crate) series: Vec<Series>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    /// As many as there are labels.
    pub(crate) values: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    /// Values are minor units.
    Money(Currency),
    Count,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    /// Beside each other.
    Bars,
    /// On top of each other.
    Stacked,
}

impl Unit {
    /// A value for people: `44.96 USD`, `12`.
    fn exact(self, value: i64) -> String {
        match self {
            Unit::Money(currency) => Money::new(value, currency)
                .map_or_else(|_| format!("{value} minor units of {currency}"), |m| m.to_string()),
            Unit::Count => value.to_string(),
        }
    }

    fn name(self) -> String {
        match self {
            Unit::Money(currency) => currency.to_string(),
            Unit::Count => "payments".to_owned(),
        }
    }
}

impl Panel {
    /// The same with as many series as can be told apart: the largest, and the rest as one.
    fn reduced(&self) -> Panel {
        if self.series.len() <= SERIES_MAX {
            return self.clone();
        }
        let size = |series: &Series| -> i128 { series.values.iter().map(|v| i128::from(*v)).sum() };
        let mut series = self.series.clone();
        series.sort_by_key(|one| std::cmp::Reverse(size(one)));
        let rest = series.split_off(SERIES_MAX - 1);
        let mut values = vec![0; self.labels.len()];
        for one in &rest {
            values.iter_mut().zip(&one.values).for_each(|(sum, value)| *sum += value);
        }
        series.push(Series { name: format!("{} others", rest.len()), values });
        Panel { series, ..self.clone() }
    }

    /// What it shows, in words.
    fn told(&self) -> String {
        let mut told = Vec::new();
        for Series { name, values } in &self.series {
            let most = values.iter().zip(&self.labels).max_by_key(|(value, _)| **value);
            let Some((value, label)) = most else { continue };
            let of = if name.is_empty() { String::new() } else { format!("{name}: ") };
            told.push(format!("{of}at most {} at {label}", self.unit.exact(*value)));
        }
        match told.is_empty() {
            true => format!("{}: nothing", self.heading),
            false => format!("{}: {}", self.heading, told.join("; ")),
        }
    }
}

impl Chart {
    fn told(&self) -> String {
        let panels: Vec<String> = self.shown().iter().map(Panel::told).collect();
        format!("{}. {}", self.subtitle, panels.join(". "))
    }

    fn shown(&self) -> Vec<Panel> {
        self.panels.iter().take(PANELS_MAX).map(Panel::reduced).collect()
    }

    fn left_out(&self) -> usize {
        self.panels.len().saturating_sub(PANELS_MAX)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn chart(panels: usize, series: usize) -> Chart {
        let one = |name: usize| Series { name: format!("<p{name}>"), values: vec![4_496, 0, -5] };
        let panel = Panel {
            heading: "A & \"B\"".into(),
            unit: Unit::Money("USD".parse().unwrap()),
            shape: Shape::Bars,
            labels: ["one", "two", "three"].map(String::from).to_vec(),
            series: (0..series).map(one).collect(),
        };
        let subtitle = "as of today".to_owned();
        Chart { title: "<Revenue>".into(), subtitle, panels: vec![panel; panels] }
    }

    #[test]
    fn a_chart_is_text_that_is_heard_and_safe() {
        let drawn = svg(&chart(1, 2));
        assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"));
        assert!(drawn.contains("role=\"img\"") && drawn.contains("aria-labelledby"));
        assert!(drawn.contains("&lt;Revenue&gt;") && drawn.contains("A &amp; &quot;B&quot;"));
        assert!(!drawn.contains("<p0>") && drawn.contains("44.96 USD"));
        let mut large = chart(1, 1);
        large.panels[0].series[0].values[0] = -123_456_789;
        assert!(svg(&large).contains(">-1,234,567.89<"));
        assert!(drawn.contains("prefers-color-scheme: dark"));
        assert!(!drawn.contains("NaN") && !drawn.contains("<script"));
    }

    #[test]
    fn series_and_panels_that_are_too_many_are_told_of() {
        let many = chart(8, 9);
        assert_eq!(many.shown().len(), PANELS_MAX);
        assert_eq!(many.shown()[0].series.len(), SERIES_MAX);
        assert_eq!(many.shown()[0].series.last().unwrap().name, "4 others");
        assert_eq!(many.shown()[0].series.last().unwrap().values, [4 * 4_496, 0, -20]);
        assert!(svg(&many).contains("2 more currencies"));
    }

    #[test]
    fn an_empty_chart_says_so() {
        assert!(svg(&chart(0, 0)).contains("Nothing in this period"));
        assert!(svg(&chart(1, 0)).contains("Nothing in this period"));
    }
}
