//! Questions: which period, of which zone, put together how, in which form.

use busbar_http::Problem;
use serde::Deserialize;

use crate::types::{Currency, Date, Period, Timestamp, Zone, words};

use super::super::problem::{AS_OF_AHEAD, PERIOD_TOO_EARLY, PERIOD_TOO_LONG, parameter};

/// The longest period: five years with their leap days.
pub(crate) const PERIOD_DAYS_MAX: i64 = 5 * 366;
/// The days of a period that is not said: those up to today.
pub(crate) const PERIOD_DAYS_DEFAULT: i64 = 30;
/// Zones were not whole quarter hours from UTC at all times.
const YEAR_MIN: i32 = 2000;

words! {
    /// The form of an answer.
    pub(crate) enum Format: "format_invalid" {
        Json = "json",
        Csv = "csv",
        Svg = "svg",
    }
}

words! {
    /// What a series counts by.
    pub(crate) enum Granularity: "granularity_invalid" {
        Day = "day",
        Month = "month",
    }
}

words! {
    /// What a report is kept apart by.
    pub(crate) enum GroupBy: "group_by_invalid" {
        Provider = "provider",
        Method = "method",
        Reason = "reason",
    }
}

words! {
    /// What revenue can be kept apart by: what has brought money in has no reason why not.
    pub(crate) enum RevenueGroup: "group_by_invalid" {
        Provider = "provider",
        Method = "method",
    }
}

impl From<RevenueGroup> for GroupBy {
    fn from(group: RevenueGroup) -> GroupBy {
        match group {
            RevenueGroup::Provider => GroupBy::Provider,
            RevenueGroup::Method => GroupBy::Method,
        }
    }
}

/// `GET /analytics/dashboard`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DashboardQuery {
    #[serde(default)]
    pub(crate) tz: Zone,
    pub(crate) format: Option<Format>,
}

/// `GET /analytics/revenue`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevenueQuery {
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    #[serde(default)]
    pub(crate) tz: Zone,
    pub(crate) granularity: Option<Granularity>,
    pub(crate) group_by: Option<RevenueGroup>,
    pub(crate) currency: Option<Currency>,
    pub(crate) format: Option<Format>,
}

/// `GET /analytics/aging`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgingQuery {
    pub(crate) as_of: Option<Date>,
    #[serde(default)]
    pub(crate) tz: Zone,
    pub(crate) currency: Option<Currency>,
    pub(crate) format: Option<Format>,
}

/// `GET /analytics/payments/success`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SuccessQuery {
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    #[serde(default)]
    pub(crate) tz: Zone,
    pub(crate) group_by: Option<GroupBy>,
    pub(crate) currency: Option<Currency>,
    pub(crate) format: Option<Format>,
}

/// `GET /analytics/collections`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectionsQuery {
    pub(crate) from: Option<Date>,
    pub(crate) to: Option<Date>,
    #[serde(default)]
    pub(crate) tz: Zone,
    pub(crate) currency: Option<Currency>,
    pub(crate) format: Option<Format>,
}

/// The period that is asked for: `to` is its first day that does not belong to it. Where nothing
/// is said it ends with today, and has thirty days.
pub(crate) fn period(
    from: Option<Date>,
    to: Option<Date>,
    zone: &Zone,
    now: Timestamp,
) -> Result<Period, Problem> {
    let today = zone.date_of(now);
    let end = to.or(today.plus_days(1)).unwrap_or(today);
    let start = from.or(end.plus_days(-PERIOD_DAYS_DEFAULT)).unwrap_or(today);
    if start.year() < YEAR_MIN {
        return Err(PERIOD_TOO_EARLY.problem().with("parameter", "from"));
    }
    let period = Period::new(start, end).map_err(|refused| parameter("to", &refused))?;
    if period.days() > PERIOD_DAYS_MAX {
        let problem = PERIOD_TOO_LONG.problem().with("days_max", PERIOD_DAYS_MAX);
        return Err(problem.with("parameter", "to"));
    }
    Ok(period)
}

/// The day whose end is asked for: today, if nothing is said.
pub(crate) fn day(as_of: Option<Date>, zone: &Zone, now: Timestamp) -> Result<Date, Problem> {
    let today = zone.date_of(now);
    let day = as_of.unwrap_or(today);
    if day > today {
        return Err(AS_OF_AHEAD.problem().with("parameter", "as_of"));
    }
    if day.year() < YEAR_MIN {
        return Err(PERIOD_TOO_EARLY.problem().with("parameter", "as_of"));
    }
    Ok(day)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn asked(from: Option<&str>, to: Option<&str>) -> Result<Period, Problem> {
        let date = |text: &str| text.parse().unwrap();
        let now = "2026-11-25T03:00:00Z".parse().unwrap();
        period(from.map(date), to.map(date), &"America/Chicago".parse().unwrap(), now)
    }

    #[test]
    fn a_period_that_is_not_said_ends_with_today() {
        // In Chicago it is still the 24th.
        let last = asked(None, None).unwrap();
        assert_eq!(last.end().to_string(), "2026-11-25");
        assert_eq!(last.days(), PERIOD_DAYS_DEFAULT);
        assert_eq!(asked(Some("2026-11-24"), None).unwrap().days(), 1);
        assert_eq!(asked(None, Some("2025-01-31")).unwrap().days(), PERIOD_DAYS_DEFAULT);
    }

    #[test]
    fn a_period_has_its_bounds() {
        let code = |from, to| asked(Some(from), Some(to)).unwrap_err().code().to_owned();
        assert_eq!(code("2026-11-02", "2026-11-02"), "period_invalid");
        assert_eq!(code("2026-11-02", "2026-11-01"), "period_invalid");
        assert_eq!(code("2020-01-01", "2026-01-01"), "period_too_long");
        assert_eq!(code("1999-12-31", "2000-01-02"), "period_too_early");
        assert!(asked(Some("2021-01-01"), Some("2026-01-01")).is_ok());
    }
}
