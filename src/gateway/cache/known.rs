//! What is known of an entry for a request, and whether the request may wait for another's. Pure.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;

use crate::config::Caching;
use crate::types::Timestamp;

use super::ask::Ask;
use super::entry::{Entry, Use};
use super::shelf::{Found, Shelf};
use super::status::{Forwarded, Way};
use super::storable::Defaults;

/// What is known of an entry for a request.
pub(super) enum Known {
    Good(Arc<Entry>, Way),
    Refresh(Arc<Entry>, Way),
    Validate(Arc<Entry>, Forwarded),
    Nothing(Forwarded),
}

pub(super) fn known(
    shelf: &Shelf,
    ask: &Ask,
    request: &HeaderMap,
    now: Timestamp,
    has_waited: bool,
) -> Known {
    let entry = match shelf.find(ask, request) {
        Found::Entry(entry) => entry,
        Found::OtherVariants => return Known::Nothing(Forwarded::VaryMiss),
        Found::Nothing => return Known::Nothing(Forwarded::UriMiss),
    };
    if !entry.is_for(ask) {
        return Known::Nothing(Forwarded::UriMiss);
    }
    let left = entry.seconds_left(now);
    match entry.usable(ask, now) {
        Use::Fresh if has_waited => Known::Good(entry, Way::Collapsed(left)),
        Use::Fresh => Known::Good(entry, Way::Hit(left)),
        Use::Stale => Known::Good(entry, Way::StaleHit(left)),
        Use::WhileRevalidating => Known::Refresh(entry, Way::StaleHit(left)),
        Use::Validate if left > 0 => Known::Validate(entry, Forwarded::Request),
        Use::Validate => Known::Validate(entry, Forwarded::Stale),
    }
}

/// Whether a request may wait for the answer to another. What is probably for its own client alone
/// does not.
pub(super) fn may_wait(ask: &Ask, stale: Option<&Entry>, defaults: Defaults) -> bool {
    let is_own = ask.has_authorization && defaults.sharing == Caching::Shared;
    let is_hoped_for = defaults.collapses || stale.is_some();
    let wants_newest = ask.directives.no_cache || ask.directives.max_age == Some(0);
    let must_ask = wants_newest || stale.is_some_and(|entry| entry.facts.no_cache);
    is_hoped_for && !(ask.is_head || ask.has_range || is_own || must_ask)
}
