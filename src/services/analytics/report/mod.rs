//! Reports: figures put together for people, each as JSON, as a table and as a chart. Pure.
pub(crate) mod aging;
pub(crate) mod collections;
pub(crate) mod dashboard;
pub(crate) mod revenue;
pub(crate) mod success;

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Currency, Period, Timestamp, Zone};

use super::chart::Chart;
use super::export::{Cell, Table};
use super::fold::Span;

/// What every answer says of itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Head {
    /// Up to when the figures are: what was heard until then is in them.
    pub(crate) as_of: Timestamp,
    /// Seconds from when the event that was heard last happened, by its producer's clock, until it
    /// was heard: how late the figures were at the last news. 0 while nothing was heard.
    pub(crate) lag_s: f64,
    /// When an event was heard last.
    pub(crate) heard_at: Option<Timestamp>,
    /// When the newest event happened.
    pub(crate) newest_event_at: Option<Timestamp>,
    /// The zone that days and months are of.
    pub(crate) tz: Zone,
    pub(crate) source: Source,
}

/// What an answer was read from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) enum Source {
    /// Sums by days of UTC.
    #[serde(rename = "rollup/day")]
    Days,
    /// Sums by quarter hours, where the days of the zone are not those of UTC.
    #[serde(rename = "rollup/quarter_hour")]
    QuarterHours,
    /// The facts themselves.
    #[serde(rename = "facts")]
    Facts,
}

impl From<Span> for Source {
    fn from(span: Span) -> Source {
        match span {
            Span::Day => Source::Days,
            Span::QuarterHour => Source::QuarterHours,
        }
    }
}

impl Head {
    pub(crate) fn from(self, source: Source) -> Head {
        Head { source, ..self }
    }

    /// The line below a chart's title.
    fn subtitle(&self, what: &str) -> String {
        format!("{what} · {} · as of {} · lag {:.1} s", self.tz, self.as_of, self.lag_s)
    }
}

/// A report in its three forms; JSON is the type itself.
pub(crate) trait Report: Serialize {
    /// A plain word for file names.
    const NAME: &'static str;

    fn head(&self) -> &Head;

    /// What tells this report from others of its name: its days.
    fn about(&self) -> String;

    /// The columns of the head are added to it.
    fn table(&self) -> Table;

    fn chart(&self) -> Chart;

    /// The table, each row of which tells how new it is: rows are copied out of files.
    fn whole_table(&self) -> Table {
        let Table { mut columns, mut rows } = self.table();
        let Head { as_of, lag_s, tz, .. } = self.head();
        columns.extend(["as_of", "lag_s", "tz"]);
        for row in &mut rows {
            row.extend([Cell::text(as_of), Cell::Number(format!("{lag_s:.3}")), Cell::text(tz)]);
        }
        Table { columns, rows }
    }
}

/// An amount of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct CurrencyAmount {
    pub(crate) currency: Currency,
    pub(crate) amount_minor: i64,
}

/// What a report is kept apart by; `None` where it is not known, or nothing is kept apart.
fn group(part: &str) -> Option<String> {
    (!part.is_empty()).then(|| part.to_owned())
}

/// `2026-11-01_2026-12-01`
fn days_of(period: Period) -> String {
    format!("{}_{}", period.start(), period.end())
}

/// The days of a period for people: the last one is in it.
fn told_days(period: Period) -> String {
    let last = period.end().plus_days(-1).unwrap_or(period.end());
    match last == period.start() {
        true => last.to_string(),
        false => format!("{} to {last}", period.start()),
    }
}
