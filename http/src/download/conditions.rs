//! Whether what the client knows is still so (RFC 9110 section 13). Pure.

use std::time::SystemTime;

use actix_web::http::header::{
    HeaderMap, HeaderName, HttpDate, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE,
};

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Proceed,
    /// The client has it already: 304.
    NotModified,
    /// 412.
    Failed,
}

/// In the order of RFC 9110 section 13.2.2. `tag` is strong; dates count in whole seconds.
pub(super) fn judge(fields: &HeaderMap, tag: &str, modified: SystemTime) -> Verdict {
    match names(fields, IF_MATCH, tag, Comparison::Strong) {
        Some(false) => return Verdict::Failed,
        Some(true) => {}
        None if date(fields, IF_UNMODIFIED_SINCE).is_some_and(|since| modified > since) => {
            return Verdict::Failed;
        }
        None => {}
    }
    match names(fields, IF_NONE_MATCH, tag, Comparison::Weak) {
        Some(true) => Verdict::NotModified,
        Some(false) => Verdict::Proceed,
        None if date(fields, IF_MODIFIED_SINCE).is_some_and(|since| modified <= since) => {
            Verdict::NotModified
        }
        None => Verdict::Proceed,
    }
}

/// `If-Range`: without it, or when it names this very file, a range may be answered.
pub(super) fn is_still_the_same(fields: &HeaderMap, tag: &str, modified: SystemTime) -> bool {
    let Some(value) = fields.get(IF_RANGE) else { return true };
    let value = value.to_str().unwrap_or_default().trim();
    if value.starts_with('"') || value.starts_with("W/") {
        return matches(value, tag, Comparison::Strong);
    }
    value.parse::<HttpDate>().is_ok_and(|date| SystemTime::from(date) == modified)
}

#[derive(Clone, Copy)]
enum Comparison {
    Strong,
    /// A weak tag of the same text is as good.
    Weak,
}

/// Whether one of the field's tags is this one. `None`: there is no such field.
fn names(fields: &HeaderMap, name: HeaderName, tag: &str, comparison: Comparison) -> Option<bool> {
    let mut lines = fields.get_all(name).map(|line| line.to_str().unwrap_or_default()).peekable();
    lines.peek()?;
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    Some(tags.any(|one| one == "*" || matches(one, tag, comparison)))
}

fn matches(written: &str, tag: &str, comparison: Comparison) -> bool {
    let strong = match (written.strip_prefix("W/"), comparison) {
        (Some(_), Comparison::Strong) => return false,
        (Some(rest), Comparison::Weak) => rest,
        (None, _) => written,
    };
    strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(tag)
}

fn date(fields: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let date: HttpDate = fields.get(name)?.to_str().ok()?.parse().ok()?;
    Some(date.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;
    use std::time::{Duration, UNIX_EPOCH};

    const THEN: &str = "Sun, 09 Sep 2001 01:46:40 GMT";
    const BEFORE: &str = "Sun, 09 Sep 2001 01:46:39 GMT";

    fn modified() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_000_000_000)
    }

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields
    }

    #[test]
    fn conditions_are_judged_in_their_order() {
        for (pairs, expected) in [
            (vec![], Verdict::Proceed),
            (vec![("if-none-match", "\"a\", \"t\"")], Verdict::NotModified),
            (vec![("if-none-match", "W/\"t\"")], Verdict::NotModified),
            (vec![("if-none-match", "*")], Verdict::NotModified),
            (vec![("if-none-match", "\"a\"")], Verdict::Proceed),
            (vec![("if-match", "\"t\"")], Verdict::Proceed),
            (vec![("if-match", "*")], Verdict::Proceed),
            (vec![("if-match", "W/\"t\"")], Verdict::Failed),
            (vec![("if-match", "")], Verdict::Failed),
            (vec![("if-match", "\"t\""), ("if-none-match", "\"t\"")], Verdict::NotModified),
            (vec![("if-modified-since", THEN)], Verdict::NotModified),
            (vec![("if-modified-since", BEFORE)], Verdict::Proceed),
            (vec![("if-modified-since", "yesterday")], Verdict::Proceed),
            (vec![("if-none-match", "\"a\""), ("if-modified-since", THEN)], Verdict::Proceed),
            (vec![("if-unmodified-since", BEFORE)], Verdict::Failed),
            (vec![("if-unmodified-since", THEN)], Verdict::Proceed),
        ] {
            assert_eq!(judge(&fields(&pairs), "t", modified()), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_range_is_of_the_file_that_the_client_knows() {
        for (value, expected) in [
            ("\"t\"", true),
            ("W/\"t\"", false),
            ("\"a\"", false),
            (THEN, true),
            (BEFORE, false),
            ("t", false),
        ] {
            let fields = fields(&[("if-range", value)]);
            assert_eq!(is_still_the_same(&fields, "t", modified()), expected, "{value}");
        }
    }
}
