//! Drawing a chart: its head, and one panel below the other. Pure.

use std::fmt::Write;

use super::axis::Axis;
use super::style::STYLE;
use super::text::{cut, escaped, grouped, text, width_of};
use super::{Chart, Panel, Series, Shape};

const WIDTH: f64 = 820.0;
const HEAD: f64 = 70.0;
const FOOT: f64 = 16.0;
const PANEL: f64 = 300.0;
/// The plot within its panel.
const LEFT: f64 = 74.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 44.0;
/// More places than this are drawn as lines.
const BARS_MAX: usize = 62;
/// As many bars get their value written on top.
const TOLD_BARS_MAX: usize = 12;
/// As many points of a line tell their value when pointed at.
const SPOTS_MAX: usize = 400;
/// The width of a character of the small text.
const CHARACTER: f64 = 6.4;

/// The chart as an SVG document.
pub(crate) fn svg(chart: &Chart) -> String {
    let panels = chart.shown();
    let is_empty = panels.iter().all(|panel| panel.series.is_empty() || panel.labels.is_empty());
    let count = if is_empty { 0.4 } else { f64::from(u32::try_from(panels.len()).unwrap_or(1)) };
    let height = HEAD + PANEL * count + FOOT;
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"t d\">\n\
         <title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        escaped(&chart.title),
        escaped(&chart.told())
    );
    text(&mut out, (24.0, 32.0), "ink", "font-size=\"19\" font-weight=\"600\"", &chart.title);
    text(&mut out, (24.0, 54.0), "soft", "font-size=\"12\"", &chart.subtitle);
    if is_empty {
        let attributes = "font-size=\"14\" text-anchor=\"middle\"";
        let middle = (WIDTH / 2.0, HEAD + PANEL * 0.2);
        text(&mut out, middle, "soft", attributes, "Nothing in this period");
    }
    for (place, panel) in panels.iter().enumerate().filter(|_| !is_empty) {
        let top = HEAD + PANEL * f64::from(u32::try_from(place).unwrap_or(0));
        Plot::new(panel, top).draw(&mut out);
    }
    if chart.left_out() > 0 {
        let told = format!("{} more currencies are in the table", chart.left_out());
        text(&mut out, (24.0, height - 6.0), "soft", "font-size=\"11\"", &told);
    }
    out.push_str("</svg>\n");
    out
}

/// A panel with its axis and its place.
struct Plot<'a> {
    panel: &'a Panel,
    axis: Axis,
    top: f64,
}

impl Plot<'_> {
    fn new(panel: &Panel, top: f64) -> Plot<'_> {
        let (mut least, mut most) = (0, 0);
        for place in 0..panel.labels.len() {
            let values = panel.series.iter().filter_map(|series| series.values.get(place));
            // Lines lie over each other, whatever bars would do.
            let shape = if panel.labels.len() > BARS_MAX { Shape::Bars } else { panel.shape };
            match shape {
                Shape::Bars => values.for_each(|value| {
                    least = least.min(*value);
                    most = most.max(*value);
                }),
                Shape::Stacked => {
                    let sum = values.fold(0_i64, |sum, value| sum.saturating_add((*value).max(0)));
                    most = most.max(sum);
                }
            }
        }
        Plot { panel, axis: Axis::around(least, most), top }
    }

    fn draw(&self, out: &mut String) {
        let heading = "font-size=\"14\" font-weight=\"600\"";
        text(out, (24.0, self.top + 20.0), "ink", heading, &self.panel.heading);
        self.legend(out);
        self.scale(out);
        if self.panel.labels.len() > BARS_MAX {
            self.lines(out);
        } else {
            self.bars(out);
        }
        self.line(out, "axis", self.y(0));
        self.names(out);
    }

    fn y(&self, value: i64) -> f64 {
        let (top, bottom) = (self.top + TOP, self.top + PANEL - BOTTOM);
        bottom - (bottom - top) * self.axis.place(value)
    }

    /// The left end of a place, and its width.
    fn band(&self, place: usize) -> (f64, f64) {
        let count = u32::try_from(self.panel.labels.len().max(1)).unwrap_or(u32::MAX);
        let width = (WIDTH - LEFT - RIGHT) / f64::from(count);
        (LEFT + width * f64::from(u32::try_from(place).unwrap_or(0)), width)
    }

    fn line(&self, out: &mut String, class: &str, y: f64) {
        let right = WIDTH - RIGHT;
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>"
        );
    }

    fn scale(&self, out: &mut String) {
        for tick in self.axis.ticks() {
            let y = self.y(tick);
            self.line(out, "grid", y);
            let label = self.axis.label(self.panel.unit, tick);
            let attributes = "font-size=\"11\" text-anchor=\"end\"";
            text(out, (LEFT - 8.0, y + 4.0), "soft", attributes, &label);
        }
        let unit = self.panel.unit.name();
        let attributes = "font-size=\"11\" text-anchor=\"end\"";
        text(out, (LEFT - 8.0, self.top + TOP - 14.0), "soft", attributes, &unit);
    }

    fn legend(&self, out: &mut String) {
        let named = self.panel.series.iter().filter(|series| !series.name.is_empty());
        let mut x = LEFT + 10.0;
        for (place, series) in named.enumerate() {
            let name = cut(&series.name);
            let y = self.top + 31.0;
            let _ = writeln!(
                out,
                "<rect class=\"s{place}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"11\" height=\"11\" rx=\"2\"/>"
            );
            text(out, (x + 16.0, y + 10.0), "soft", "font-size=\"12\"", &name);
            x += 34.0 + CHARACTER * 1.08 * width_of(&name);
        }
    }

    fn bars(&self, out: &mut String) {
        let series = &self.panel.series;
        let is_told = self.panel.shape == Shape::Bars
            && self.panel.labels.len() * series.len() <= TOLD_BARS_MAX;
        for place in 0..self.panel.labels.len() {
            let (left, band) = self.band(place);
            let inner = (band * 0.72).min(90.0);
            let start = left + (band - inner) / 2.0;
            let beside = f64::from(u32::try_from(series.len().max(1)).unwrap_or(1));
            let mut under = 0_i64;
            for (number, one) in series.iter().enumerate() {
                let value = one.values.get(place).copied().unwrap_or(0);
                let (x, width, from) = match self.panel.shape {
                    Shape::Bars => {
                        let width = inner / beside;
                        let at = f64::from(u32::try_from(number).unwrap_or(0));
                        (start + width * at, width * 0.92, 0)
                    }
                    Shape::Stacked => (start, inner, under),
                };
                under = under.saturating_add(value.max(0));
                if value != 0 {
                    self.bar(out, (number, one), place, (x, width), (from, value));
                }
                if is_told && (value != 0 || series.len() == 1) {
                    self.told(out, x + width / 2.0, value);
                }
            }
        }
    }

    fn bar(
        &self,
        out: &mut String,
        (number, series): (usize, &Series),
        place: usize,
        (x, width): (f64, f64),
        (from, value): (i64, i64),
    ) {
        let (one, other) = (self.y(from), self.y(from.saturating_add(value)));
        // What is there is seen, however little it is.
        let (y, height) = (one.min(other), (one - other).abs().max(1.0));
        let _ = writeln!(
            out,
            "<rect class=\"s{number}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"><title>{}</title></rect>",
            escaped(&self.tip(series, place, value))
        );
    }

    fn told(&self, out: &mut String, x: f64, value: i64) {
        let y = if value < 0 { self.y(value) + 13.0 } else { self.y(value) - 5.0 };
        let exact = self.panel.unit.exact(value);
        // The unit stands beside the axis.
        let number = grouped(exact.split(' ').next().unwrap_or_default());
        text(out, (x, y), "ink", "font-size=\"11\" text-anchor=\"middle\"", &number);
    }

    fn lines(&self, out: &mut String) {
        for (number, series) in self.panel.series.iter().enumerate() {
            let point = |(place, value): (usize, &i64)| {
                let (left, band) = self.band(place);
                (left + band / 2.0, self.y(*value))
            };
            let points: Vec<(f64, f64)> = series.values.iter().enumerate().map(point).collect();
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ =
                writeln!(out, "<polyline class=\"line l{number}\" points=\"{}\"/>", path.join(" "));
            for (place, (x, y)) in points.iter().enumerate().filter(|_| points.len() <= SPOTS_MAX) {
                let value = series.values.get(place).copied().unwrap_or(0);
                let _ = writeln!(
                    out,
                    "<circle class=\"spot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"><title>{}</title></circle>",
                    escaped(&self.tip(series, place, value))
                );
            }
        }
    }

    fn tip(&self, series: &Series, place: usize, value: i64) -> String {
        let label = self.panel.labels.get(place).map_or("", String::as_str);
        let value = self.panel.unit.exact(value);
        match series.name.is_empty() {
            true => format!("{label}: {value}"),
            false => format!("{label}, {}: {value}", series.name),
        }
    }

    /// The names below the axis, as many as have room.
    fn names(&self, out: &mut String) {
        let longest = self.panel.labels.iter().map(|label| width_of(&cut(label)));
        let needed = longest.fold(0.0, f64::max) * CHARACTER + 14.0;
        let (_, band) = self.band(0);
        let y = self.top + PANEL - BOTTOM + 18.0;
        let mut free_from = f64::MIN;
        for (place, label) in self.panel.labels.iter().enumerate() {
            let (left, _) = self.band(place);
            let middle = left + band / 2.0;
            if middle - needed / 2.0 < free_from {
                continue;
            }
            free_from = middle + needed / 2.0;
            let attributes = "font-size=\"11\" text-anchor=\"middle\"";
            text(out, (middle, y), "soft", attributes, &cut(label));
        }
    }
}
