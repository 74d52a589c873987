//! The two ends of what a register counted in a period: the readings that stand for them, beside what
//! other bills have.
use std::time::Duration;

use busbar_http::Problem;

use crate::storage::Database;
use crate::types::{Date, Period, Timestamp, Zone};

use super::super::boundary::{Missing, TOLERANCE, choose, tolerance};
use super::super::model::meter::{Meter, Register};
use super::super::model::reading::ReadingStatus;
use super::super::model::usage::{GapReason, ReadingRole, Sighting};
use super::super::store;

/// Instants are not told apart more finely.
const MICROSECOND: Duration = Duration::from_micros(1);

/// The instants between which a register counts for a period.
#[derive(Clone, Copy)]
pub(super) struct Span {
    period: Period,
    /// Of the period, whatever of it a meter was there for.
    whole: (Timestamp, Timestamp),
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
}

impl Span {
    pub(super) fn of(zone: &Zone, period: Period) -> Span {
        let (start, end) = (zone.start_of(period.start()), zone.start_of(period.end()));
        Span { period, whole: (start, end), start, end }
    }

    /// A meter that was put up or retired within the period counts from then on, or up to then.
    pub(super) fn within(self, meter: &Meter) -> Option<Span> {
        let start = meter.installed_at.map_or(self.start, |installed| installed.max(self.start));
        let end = meter.retired_at.map_or(self.end, |retired| retired.min(self.end));
        (start < end).then_some(Span { start, end, ..self })
    }

    /// The meter was taken away before the period ended.
    fn is_cut_short(self) -> bool {
        self.end < self.whole.1
    }

    /// The meter was put up after the period began.
    fn is_begun_late(self) -> bool {
        self.start > self.whole.0
    }

    fn day(self, role: ReadingRole) -> Date {
        match role {
            ReadingRole::Start => self.period.start(),
            ReadingRole::End => self.period.end(),
        }
    }

    fn boundary(self, role: ReadingRole) -> Timestamp {
        match role {
            ReadingRole::Start => self.start,
            ReadingRole::End => self.end,
        }
    }
}

/// What is known of the two ends of a span.
pub(super) enum Ends {
    Found(Sighting, Sighting),
    /// All that the meter counted in the period stands on other bills.
    Elsewhere,
    Missing(Vec<Missing>),
}

/// The readings that stand for the two ends of the span. Where another bill begins or ends at the
/// same day, its reading does; what is chosen leaves to each bill what is its own.
pub(super) async fn ends_of(
    database: &Database,
    register: &Register,
    span: Span,
) -> Result<Ends, Problem> {
    let billed = async |role: ReadingRole| {
        let (day, near) = (span.day(role), TOLERANCE);
        let around = (span.boundary(role).minus(near), span.boundary(role).plus(near));
        store::usage::billed(database, register.id, day, around).await
    };
    let (first, last) = (billed(ReadingRole::Start).await?, billed(ReadingRole::End).await?);
    if let (Some(first), Some(last)) = (&first, &last)
        && first.at == last.at
    {
        return Ok(Ends::Found(first.clone(), last.clone()));
    }
    let (lower, upper) = store::usage::around_billed(database, register.id, span.period).await?;
    let lower = lower.map_or(Timestamp::from_micros(i64::MIN), |at| at.minus(MICROSECOND));
    let upper = upper.map_or(Timestamp::from_micros(i64::MAX), |at| at.plus(MICROSECOND));
    let start = match &first {
        Some(first) => Ok(first.clone()),
        None => {
            let before = last.as_ref().map_or(upper, |last| last.at);
            sighted(database, register, ReadingRole::Start, span, (lower, before)).await?
        }
    };
    let after = start.as_ref().map_or(lower, |start| start.at);
    let end = match &last {
        Some(last) if last.at > after => Ok(last.clone()),
        Some(last) => Err(Missing { reason: GapReason::NoReadingAtEnd, near: Some(last.clone()) }),
        None => sighted(database, register, ReadingRole::End, span, (after, upper)).await?,
    };
    Ok(match (start, end) {
        (Ok(start), Ok(end)) => Ends::Found(start, end),
        // It was taken away, or put up, near a day at which bills meet: nothing is left of it.
        (Ok(_), Err(missing)) if first.is_some() && span.is_cut_short() && missing.is_nothing() => {
            Ends::Elsewhere
        }
        (Err(missing), Ok(_)) if last.is_some() && span.is_begun_late() && missing.is_nothing() => {
            Ends::Elsewhere
        }
        (start, end) => Ends::Missing(start.err().into_iter().chain(end.err()).collect()),
    })
}

/// The reading that stands for one end of the span, of those between two instants.
async fn sighted(
    database: &Database,
    register: &Register,
    role: ReadingRole,
    span: Span,
    between: (Timestamp, Timestamp),
) -> Result<Result<Sighting, Missing>, Problem> {
    let (boundary, mut candidates) = (span.boundary(role), Vec::new());
    for status in [ReadingStatus::Accepted, ReadingStatus::Held] {
        let around = store::usage::around(database, register.id, status, boundary, between);
        candidates.extend(around.await?.into_iter().flatten());
    }
    Ok(choose(role, boundary, tolerance(span.start, span.end), candidates))
}
