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
    /// Whether a cookie may be given to everybody when its answer says how long it is fresh (RFC
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
    let lifetime = lifetime(answer, status, &directives, rules);
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
    let facts = facts(answer, times, &directives, lifetime, for_all, defaults);
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
    let is_explicit = matches!(lifetime, Lifetime::Explicit(_));
    !is_shared
        || !answer.contains_key(SET_COOKIE)
        || directives.public
        || (defaults.shares_cookies && is_explicit)
}

fn has_validator(answer: &HeaderMap) -> bool {
    answer.contains_key(ETAG) || answer.contains_key(LAST_MODIFIED)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    const DEFAULTS: Defaults = Defaults {
        sharing: Caching::Shared,
        ttl: Duration::ZERO,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::from_secs(30),
        shares_cookies: false,
        collapses: false,
    };

    fn fields(lines: &[&'static str]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields
    }

    fn judged(
        request: &[&'static str],
        status: u16,
        answer: &[&'static str],
        defaults: Defaults,
    ) -> Option<Facts> {
        let request = fields(request);
        let ask = Ask {
            key: String::new(),
            is_head: false,
            has_authorization: request.contains_key("authorization"),
            has_cookie: request.contains_key("cookie"),
            has_range: false,
            directives: Directives::of_request(&request),
        };
        let now = Timestamp::from_seconds(1_800_000_000);
        let times = Times { asked: now, arrived: now };
        let status = StatusCode::from_u16(status).unwrap();
        judge(&ask, &request, status, &fields(answer), times, defaults).map(|(facts, _)| facts)
    }

    fn is_kept(request: &[&'static str], status: u16, answer: &[&'static str]) -> bool {
        judged(request, status, answer, DEFAULTS).is_some()
    }

    const FRESH: &str = "cache-control: max-age=60";

    /// RFC 9111, section 3.
    #[test]
    fn only_final_and_whole_answers_are_kept() {
        for status in [200, 201, 302, 404, 500, 599] {
            assert!(is_kept(&[], status, &[FRESH]), "{status}");
        }
        assert!(!is_kept(&[], 206, &[FRESH]) && !is_kept(&[], 304, &[FRESH]));
        assert!(!is_kept(&["cache-control: no-store"], 200, &[FRESH]));
        assert!(!is_kept(&[], 200, &[FRESH, "cache-control: no-store"]));
        assert!(!is_kept(&[], 200, &[FRESH, "vary: *"]));
    }

    /// Section 5.2.2.3.
    #[test]
    fn what_must_be_understood_is_kept_where_it_is() {
        let must = ["cache-control: max-age=60, no-store, must-understand"];
        assert!(is_kept(&[], 200, &must) && !is_kept(&[], 599, &must));
    }

    /// Section 3.5.
    #[test]
    fn answers_to_credentials_are_kept_when_they_are_for_all() {
        let login = ["authorization: Basic eA=="];
        assert!(!is_kept(&login, 200, &[FRESH]));
        for said in [
            "cache-control: public, max-age=60",
            "cache-control: s-maxage=60",
            "cache-control: must-revalidate, max-age=60",
        ] {
            assert!(is_kept(&login, 200, &[said]), "{said}");
        }
        assert!(!is_kept(&login, 200, &["cache-control: private, public, max-age=60"]));
    }

    /// Each person's own cache keeps what is private, and what was asked for with a token.
    #[test]
    fn a_person_s_own_answers_are_kept_for_them() {
        let own = Defaults { sharing: Caching::Principal, ..DEFAULTS };
        let kept = |answer: &[&'static str]| judged(&["authorization: Bearer x"], 200, answer, own);
        assert!(kept(&["cache-control: private, max-age=60"]).unwrap().is_for_all);
        assert!(kept(&["cache-control: no-store"]).is_none());
        assert!(kept(&["cache-control: s-maxage=60"]).is_none(), "meant for shared caches alone");
    }

    /// Section 7.3.
    #[test]
    fn cookies_are_given_to_others_only_by_express_word() {
        let cookie = "set-cookie: a=b";
        assert!(!is_kept(&[], 200, &[FRESH, cookie]));
        assert!(is_kept(&[], 200, &["cache-control: public, max-age=60", cookie]));
        let added = Defaults { shares_cookies: true, ttl: Duration::from_secs(60), ..DEFAULTS };
        assert!(judged(&[], 200, &[FRESH, cookie], added).is_some());
        assert!(judged(&[], 200, &[cookie], added).is_none(), "not by default");
    }

    /// Sections 4.2.4, 5.2.2.2, 5.2.2.8 and 5.2.2.10.
    #[test]
    fn some_are_never_used_after_their_time() {
        let never = |said| judged(&[], 200, &[said], DEFAULTS).unwrap().never_stale;
        assert!(!never(FRESH));
        for said in [
            "cache-control: max-age=60, must-revalidate",
            "cache-control: max-age=60, proxy-revalidate",
            "cache-control: s-maxage=60",
        ] {
            assert!(never(said), "{said}");
        }
    }

    #[test]
    fn what_could_never_be_used_is_not_kept() {
        assert!(!is_kept(&[], 200, &["cache-control: max-age=0"]));
        assert!(is_kept(&[], 200, &["cache-control: max-age=0", "etag: \"a\""]));
        assert!(!is_kept(&[], 200, &[FRESH, "age: 60"]));
        assert!(is_kept(&[], 200, &["etag: \"a\""]) && !is_kept(&[], 201, &["etag: \"a\""]));
    }
}
