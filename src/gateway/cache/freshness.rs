//! How old an answer is and how long it may be used (RFC 9111, section 4.2). Pure.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    AGE, DATE, EXPIRES, HeaderMap, HeaderName, HeaderValue, HttpDate, LAST_MODIFIED,
};
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::types::Timestamp;

use super::directives::{Directives, seconds};

/// A tenth of the time since the last change (RFC 9111, section 4.2.2), and never longer than a day.
const HEURISTIC_PART: u32 = 10;
const HEURISTIC_MAX: Duration = Duration::from_secs(86_400);

/// Whole seconds are all that fields can say.
const SECOND: Duration = Duration::from_secs(1);

/// How long an answer is fresh, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifetime {
    /// The origin.
    Explicit(Duration),
    /// A guess from its last change.
    Heuristic(Duration),
    /// The settings, for answers that say nothing.
    Default(Duration),
    /// Nobody: it can only be used after a validation.
    Unknown,
}

impl Lifetime {
    pub(super) fn duration(self) -> Duration {
        match self {
            Lifetime::Explicit(time) | Lifetime::Heuristic(time) | Lifetime::Default(time) => time,
            Lifetime::Unknown => Duration::ZERO,
        }
    }
}

/// The age that an answer has when it arrives (RFC 9111, section 4.2.3).
pub(super) fn age_at_arrival(fields: &HeaderMap, asked: Timestamp, arrived: Timestamp) -> Duration {
    // The first of several counts; what is no number is as if it were not there (section 5.1).
    // Parameters, which it has none of, are cut off.
    let first = fields.get(AGE).and_then(|value| value.to_str().ok()?.split([',', ';']).next());
    let said = Duration::from_secs(first.and_then(|text| seconds(text.trim())).unwrap_or(0));
    let apparent = date(fields, DATE).map_or(Duration::ZERO, |date| {
        let arrived = time_of(arrived);
        arrived.duration_since(date).unwrap_or_default()
    });
    // What the clock of the origin is ahead or behind within a second is no age.
    let apparent = if apparent < SECOND { Duration::ZERO } else { apparent };
    apparent.max(said + arrived.since(asked))
}

/// How long an answer is fresh from its beginning (RFC 9111, section 4.2.1). `is_shared`: whether
/// `s-maxage` is meant for this cache. `is_targeted`: the directives are for this kind of cache
/// alone, and `Expires` is not asked (RFC 9213, section 2.2).
pub(super) fn lifetime(
    fields: &HeaderMap,
    status: StatusCode,
    directives: &Directives,
    rules: Rules,
) -> Lifetime {
    let shared = directives.s_maxage.filter(|_| rules.is_shared);
    if let Some(seconds) = shared.or(directives.max_age) {
        return Lifetime::Explicit(Duration::from_secs(seconds));
    }
    if !rules.is_targeted && fields.contains_key(EXPIRES) {
        return Lifetime::Explicit(until_expiry(fields, rules.arrived));
    }
    let may_guess = directives.public || is_heuristically_cacheable(status);
    let last_change = date(fields, LAST_MODIFIED).filter(|_| may_guess);
    if let Some(changed) = last_change {
        let made = date(fields, DATE).unwrap_or(time_of(rules.arrived));
        let unchanged = made.duration_since(changed).unwrap_or_default();
        return Lifetime::Heuristic((unchanged / HEURISTIC_PART).min(HEURISTIC_MAX));
    }
    let says_nothing = !directives.is_given && status == StatusCode::OK;
    if says_nothing && !rules.default_ttl.is_zero() {
        return Lifetime::Default(rules.default_ttl);
    }
    Lifetime::Unknown
}

/// What a lifetime depends on besides the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) is_shared: bool,
    pub(super) is_targeted: bool,
    pub(super) default_ttl: Duration,
    pub(super) arrived: Timestamp,
}

/// `Expires` less `Date`. A date that makes no sense, and several of them, lie in the past (RFC
/// 9111, section 5.3).
fn until_expiry(fields: &HeaderMap, arrived: Timestamp) -> Duration {
    if fields.get_all(EXPIRES).count() > 1 {
        return Duration::ZERO;
    }
    let made = date(fields, DATE).unwrap_or(time_of(arrived));
    let until = date(fields, EXPIRES).and_then(|expires| expires.duration_since(made).ok());
    until.unwrap_or_default()
}

/// May be guessed fresh (RFC 9110, section 15.1). 206 is not stored here.
pub(super) fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

pub(super) fn date(fields: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    instant(fields.get(name)?)
}

/// A date in any of the three forms of RFC 9110, section 5.6.7, whatever the case of its letters (RFC
/// 9111, section 4.2). Its day of the week says nothing that the rest does not.
pub(super) fn instant(value: &HeaderValue) -> Option<SystemTime> {
    let text = value.to_str().ok()?;
    if let Ok(date) = text.parse::<HttpDate>() {
        return Some(date.into());
    }
    let text = as_usual(text);
    if let Ok(date) = text.parse::<HttpDate>() {
        return Some(date.into());
    }
    let fixed = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let of_c = format_description!(
        "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
    );
    let parsed = PrimitiveDateTime::parse(&text, fixed);
    let parsed = parsed.or_else(|_| PrimitiveDateTime::parse(&text, of_c));
    Some(parsed.ok()?.assume_utc().into())
}

/// A date with its letters in the case that they are specified in.
fn as_usual(text: &str) -> String {
    let mut is_in_word = false;
    let cased = text.chars().map(|letter| {
        let begins = !std::mem::replace(&mut is_in_word, letter.is_ascii_alphabetic());
        if begins { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    });
    cased.collect::<String>().replace("Gmt", "GMT")
}

pub(super) fn time_of(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(NOW + seconds)
    }

    fn written(seconds: i64) -> String {
        HttpDate::from(time_of(at(seconds))).to_string()
    }

    fn fields(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        fields
    }

    fn age(pairs: &[(HeaderName, &str)]) -> u64 {
        age_at_arrival(&fields(pairs), at(-2), at(0)).as_secs()
    }

    /// RFC 9111, section 4.2.3.
    #[test]
    fn the_age_is_the_larger_of_what_is_said_and_what_is_seen() {
        assert_eq!(age(&[]), 2, "the time it took counts");
        assert_eq!(age(&[(AGE, "30")]), 32);
        assert_eq!(age(&[(DATE, &written(-60))]), 60);
        assert_eq!(age(&[(DATE, &written(60))]), 2, "a clock that is ahead");
        assert_eq!(age(&[(AGE, "0, 7200")]), 2, "the first counts");
        assert_eq!(age(&[(AGE, "7200"), (AGE, "0")]), 7202);
        assert_eq!(age(&[(AGE, "7200;a=b")]), 7202);
    }

    /// RFC 9111, section 5.1.
    #[test]
    fn an_age_that_makes_no_sense_is_none() {
        for bad in ["abc", "-1", "7200.0", "", ";a=b", "0x1", "1 2"] {
            assert_eq!(age(&[(AGE, bad)]), 2, "{bad}");
        }
    }

    fn life(pairs: &[(HeaderName, &str)], status: u16, directives: Directives) -> Lifetime {
        let rules = Rules {
            is_shared: true,
            is_targeted: false,
            default_ttl: Duration::from_secs(10),
            arrived: at(0),
        };
        lifetime(&fields(pairs), StatusCode::from_u16(status).unwrap(), &directives, rules)
    }

    fn explicit(seconds: u64) -> Lifetime {
        Lifetime::Explicit(Duration::from_secs(seconds))
    }

    /// RFC 9111, section 4.2.1.
    #[test]
    fn what_is_meant_for_shared_caches_goes_before_what_is_meant_for_all() {
        let given = Directives { is_given: true, ..Directives::default() };
        let both = Directives { max_age: Some(1), s_maxage: Some(2), ..given.clone() };
        let expires = written(9);
        let expiring = [(EXPIRES, expires.as_str())];
        assert_eq!(life(&expiring, 200, both), explicit(2));
        let one = Directives { max_age: Some(1), ..given.clone() };
        assert_eq!(life(&expiring, 200, one), explicit(1));
        assert_eq!(life(&expiring, 200, given.clone()), explicit(9));
        assert_eq!(life(&[(EXPIRES, "0")], 200, given.clone()), explicit(0));
        assert_eq!(life(&[(EXPIRES, "Thu 18 Aug 2050 02:01:18 GMT")], 200, given), explicit(0));
    }

    /// RFC 9110, section 5.6.7, and RFC 9111, section 4.2.
    #[test]
    fn a_date_has_three_forms_in_any_case() {
        let read = |text: &str| instant(&HeaderValue::from_str(text).unwrap());
        let known = Some(UNIX_EPOCH + Duration::from_secs(784_111_777));
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 NOV 1994 08:49:37 gMT",
            "SUNDAY, 06-nov-94 08:49:37 gmt",
            "Mon Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(read(date), known, "{date}");
        }
        for no_date in [
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "0",
        ] {
            assert_eq!(read(no_date), None, "{no_date}");
        }
    }

    /// RFC 9111, section 4.2.2.
    #[test]
    fn a_guess_is_a_tenth_of_the_time_without_a_change() {
        let changed = written(-100);
        let changed = [(LAST_MODIFIED, changed.as_str())];
        let guess = |seconds| Lifetime::Heuristic(Duration::from_secs(seconds));
        assert_eq!(life(&changed, 404, Directives::default()), guess(10));
        assert_eq!(life(&changed, 201, Directives::default()), Lifetime::Unknown);
        let public = Directives { is_given: true, public: true, ..Directives::default() };
        assert_eq!(life(&changed, 599, public), guess(10));
    }

    #[test]
    fn the_default_is_for_what_says_nothing() {
        let ten = Lifetime::Default(Duration::from_secs(10));
        assert_eq!(life(&[], 200, Directives::default()), ten);
        assert_eq!(life(&[], 404, Directives::default()), Lifetime::Unknown);
        let given = Directives { is_given: true, ..Directives::default() };
        assert_eq!(life(&[], 200, given), Lifetime::Unknown);
    }
}
