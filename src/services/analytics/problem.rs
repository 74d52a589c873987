//! What can go wrong with reports.
use busbar_http::{Problem, problems};

use crate::types::Refused;

problems! {
    PERIOD_TOO_LONG => 422 "period_too_long" "a period has at most five years";
    PERIOD_TOO_EARLY => 422 "period_too_early" "there are no figures of before the year 2000";
    AS_OF_AHEAD => 422 "as_of_ahead" "what will be owed is not known yet";
    REPORT_TOO_LARGE => 422 "report_too_large" "that is too much for one report";
    EVENT_UNREADABLE => 422 "event_unreadable" "the event's data are not what its type says";
    REPORT_TOO_SLOW => 503 "report_too_slow" "the report took too long";
}

/// A parameter of the query that is refused: its code, and which one it is.
pub(super) fn parameter(name: &'static str, refused: &Refused) -> Problem {
    Problem::field("", refused.code(), refused.detail().to_owned()).with("parameter", name)
}
