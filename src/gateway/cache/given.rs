//! What was given from an entry at once, to be given again for the same question.

use std::sync::Arc;

use bytes::Bytes;

use super::ask::Ask;
use super::entry::{Entry, Use};
use super::shelf::Place;
use super::status::{CACHE_STATUS, Way};
use super::{Asked, Cache};

/// A question, and where the entry is that answers it.
pub(in crate::gateway) struct Given {
    ask: Ask,
    place: Place,
    /// Of the entry's body.
    pub(in crate::gateway) length: usize,
}

/// The entry that an answer was made of.
pub(in crate::gateway) struct Used(pub(super) Arc<Entry>);

/// What of an answer is of the moment.
pub(in crate::gateway) struct Moment {
    /// Seconds.
    pub(in crate::gateway) age: u64,
    /// Seconds for which it is fresh still.
    pub(in crate::gateway) left: i64,
    /// The entry's.
    pub(in crate::gateway) body: Bytes,
}

impl Cache {
    /// A question that was answered at once, to be asked again; `None` also when another entry has
    /// taken the place of what was used.
    pub(in crate::gateway) fn given(&self, asked: &Asked<'_>, used: &Used) -> Option<Given> {
        let ask = Ask::of(asked)?;
        let (place, entry) = self.shelf.place(&ask, asked.request.headers())?;
        // What a cache behind says stands in the field that ours is added to.
        let is_ours_alone = entry.field(&CACHE_STATUS).is_none();
        (is_ours_alone && Arc::ptr_eq(&entry, &used.0)).then(|| Given {
            ask,
            place,
            length: entry.body.len(),
        })
    }

    /// The answer of this moment, if it is still that entry and still fresh.
    pub(in crate::gateway) fn again(&self, given: &Given) -> Option<Moment> {
        let Given { ask, place, .. } = given;
        let entry = self.shelf.same(&ask.key, place)?;
        let now = self.now();
        if entry.usable(ask, now) != Use::Fresh {
            return None;
        }
        let left = entry.seconds_left(now);
        self.meters.answered(Way::Hit(left));
        Some(Moment { age: entry.age(now).as_secs(), left, body: entry.body.clone() })
    }
}
