//! What is kept, what is not, and for how long.

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
        generation: 0,
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
    for said in [
        "cache-control: max-age=0, must-revalidate",
        "cache-control: no-cache, max-age=60",
        "expires: Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        assert!(judged(&[], 200, &[said, cookie, "etag: \"a\""], added).is_none(), "{said}");
    }
}

/// What was given to somebody with a cookie is guessed to be theirs.
#[test]
fn nothing_is_guessed_for_requests_with_credentials() {
    let old = "last-modified: Thu, 01 Jan 2015 00:00:00 GMT";
    let facts = |request: &[&'static str], answer: &[&'static str]| {
        judged(request, 200, answer, DEFAULTS).unwrap()
    };
    assert!(facts(&[], &[old]).is_guessed);
    assert_eq!(facts(&["cookie: a=b"], &[old]).lifetime, Lifetime::Unknown);
    let public = facts(&["cookie: a=b"], &[old, "cache-control: public"]);
    assert!(matches!(public.lifetime, Lifetime::Heuristic(_)) && !public.is_guessed);
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
