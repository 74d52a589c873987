//! Lanes: jobs of one hold no places of another, so that what waits long for somebody outside
//! keeps nothing else waiting.

use crate::storage::{FromValue, ToValue, Value};

/// Where a job waits for a place. Only who has opened a lane works on what waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane(i64);

impl Lane {
    /// Has `jobs.parallel` places in each service.
    pub const COMMON: Lane = Lane(0);

    /// A lane of the service's own: see [`Handlers::lane`](super::Handlers::lane).
    pub const fn own(number: u8) -> Lane {
        Lane(number as i64)
    }
}

impl ToValue for Lane {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.0)
    }
}

impl FromValue for Lane {
    fn from_value(value: Value<'_>) -> Option<Lane> {
        i64::from_value(value).map(Lane)
    }
}
