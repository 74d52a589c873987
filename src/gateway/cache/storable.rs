//! Whether an answer may be kept, and for what (RFC 9111, section 3). Pure.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, EXPIRES, HeaderMap, LAST_MODIFIED, SET_COOKIE};

use crate::config::Caching;
use crate::types::Timestamp;

use super::ask::Ask;
use super::directives::Directives;
use super::freshness::{self, Lifetime, age_at_arrival, is_heuristically_cacheable, lifetime};
use super::vary::Selecting;

/// What holds where neither the answer nor its request says anything.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway) struct Defaults {
    pub(in crate::gateway) sharing: Caching,
    /// Freshness of an answer that says nothing.
    pub(in crate::gateway) ttl: Duration,
    pub(in crate::gateway) stale_while_revalidate: Duration,
    pub(in crate::gateway) stale_if_error: Duration,
    /// Whether a cookie may be given to everybody when its answer says that it is fresh for a time (RFC
    /// 9111, section 7.3), and not only when it says `public`.
    pub(in crate::gateway) shares_cookies: bool,
    /// Whether requests wait for each other where nothing is kept yet.
    pub(in crate::gateway) collapses: bool,
}

/// When an answer was asked for, and when it came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) asked: Timestamp,
    pub(super) arrived: Timestamp,
}

/// How a kept answer may be used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) arrived: Timestamp,
    /// The age that it had then.
    pub(super) age: Duration,
    pub(super) lifetime: Lifetime,
    /// After its time, while a fresh one is fetched.
    pub(super) stale_while_revalidate: Duration,
    /// After its time, while the service fails.
    pub(super) stale_if_error: Duration,
    /// Never after its time, whoever asks.
    pub(super) never_stale: bool,
    /// Never without asking the service.
    pub(super) no_cache: bool,
    /// May be given to requests with credentials of their own.
    pub(super) is_for_all: bool,
    /// Nobody has said that it is fresh, nor that it is public: it is for requests without credentials.
    pub(super) is_guessed: bool,
}

/// `None`: it must not be kept, or could never be used.
pub(super) fn judge(
    ask: &Ask,
    request: &HeaderMap,
    status: StatusCode,
    answer: &HeaderMap,
    times: Times,
    defaults: Defaults,
) -> Option<(Facts, Selecting)> {
    let (directives, is_targeted) = Directives::of_answer(answer);
    if forbids(&directives, status) {
        return None;
    }
    let is_shared = defaults.sharing == Caching::Shared;
    let says_so = directives.public || directives.s_maxage.is_some() || directives.must_revalidate;
    let for_all = says_so || !is_shared;
    let rules = freshness::Rules {
        is_shared,
        is_targeted,
        default_ttl: if ask.has_credentials() && is_shared { Duration::ZERO } else { defaults.ttl },
        arrived: times.arrived,
    };
    let lifetime = match lifetime(answer, status, &directives, rules) {
        Lifetime::Heuristic(_) if ask.has_credentials() && is_shared && !directives.public => {
            Lifetime::Unknown
        }
        lifetime => lifetime,
    };
    let is_private = directives.private && is_shared;
    let is_allowed = is_final_whole(status)
        && !ask.directives.no_store
        && !is_private
        // Section 3.5.
        && (!ask.has_authorization || for_all)
        && (is_explicit(&directives, answer) || is_heuristically_cacheable(status))
        && may_share_cookies(answer, &directives, lifetime, is_shared, defaults);
    if !is_allowed {
        return None;
    }
    let selecting = Selecting::of(answer, request)?;
    let is_guessed = match lifetime {
        Lifetime::Default(_) => is_shared,
        Lifetime::Heuristic(_) => is_shared && !directives.public,
        Lifetime::Explicit(_) | Lifetime::Unknown => false,
    };
    let facts = facts(answer, times, &directives, lifetime, for_all, defaults);
    let facts = Facts { is_guessed, ..facts };
    let is_useful = has_validator(answer) || facts.lifetime.duration() > facts.age;
    is_useful.then_some((facts, selecting))
}

fn facts(
    answer: &HeaderMap,
    times: Times,
    directives: &Directives,
    lifetime: Lifetime,
    is_for_all: bool,
    defaults: Defaults,
) -> Facts {
    let age = age_at_arrival(answer, times.asked, times.arrived);
    // Sections 5.2.2.2, 5.2.2.8 and 5.2.2.10.
    let never_stale = directives.must_revalidate
        || directives.proxy_revalidate
        || directives.s_maxage.is_some()
        || directives.no_cache;
    let or = |said: Option<u64>, default: Duration| said.map_or(default, Duration::from_secs);
    Facts {
        arrived: times.arrived,
        age,
        lifetime,
        stale_while_revalidate: or(
            directives.stale_while_revalidate,
            defaults.stale_while_revalidate,
        ),
        stale_if_error: or(directives.stale_if_error, defaults.stale_if_error),
        never_stale,
        no_cache: directives.no_cache,
        is_for_all,
        is_guessed: false,
    }
}

/// 206 is a part, 304 speaks of another answer, and 412, 416 and 417 of conditions that only their own
/// request has made.
fn is_final_whole(status: StatusCode) -> bool {
    status.as_u16() >= 200 && !matches!(status.as_u16(), 206 | 304 | 412 | 416 | 417)
}

/// `no-store`, unless only those that do not understand the status are meant (section 5.2.2.3).
fn forbids(directives: &Directives, status: StatusCode) -> bool {
    if directives.must_understand {
        return !is_understood(status);
    }
    directives.no_store
}

/// A status whose meaning for caches is known here: those of RFC 9110 and the registered ones.
fn is_understood(status: StatusCode) -> bool {
    status.canonical_reason().is_some()
}

fn is_explicit(directives: &Directives, answer: &HeaderMap) -> bool {
    directives.public
        || directives.private
        || directives.max_age.is_some()
        || directives.s_maxage.is_some()
        || answer.contains_key(EXPIRES)
}

fn may_share_cookies(
    answer: &HeaderMap,
    directives: &Directives,
    lifetime: Lifetime,
    is_shared: bool,
    defaults: Defaults,
) -> bool {
    let is_fresh = matches!(lifetime, Lifetime::Explicit(time) if !time.is_zero());
    let is_explicit = is_fresh && !directives.no_cache;
    !is_shared
        || !answer.contains_key(SET_COOKIE)
        || directives.public
        || (defaults.shares_cookies && is_explicit)
}

/// Whether what an answer says by itself lets its cookies be given to others; so it is without any.
pub(super) fn cookies_are_for_all(
    answer: &HeaderMap,
    arrived: Timestamp,
    defaults: Defaults,
) -> bool {
    let (directives, is_targeted) = Directives::of_answer(answer);
    let is_shared = defaults.sharing == Caching::Shared;
    let rules = freshness::Rules { is_shared, is_targeted, default_ttl: Duration::ZERO, arrived };
    let lifetime = lifetime(answer, StatusCode::OK, &directives, rules);
    may_share_cookies(answer, &directives, lifetime, is_shared, defaults)
}

fn has_validator(answer: &HeaderMap) -> bool {
    answer.contains_key(ETAG) || answer.contains_key(LAST_MODIFIED)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
