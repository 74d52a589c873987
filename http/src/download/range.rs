//! Which bytes a request asks for (RFC 9110 section 14). Pure.

use actix_web::http::header::{HeaderMap, RANGE};

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    Whole,
    /// Both ends included.
    Part {
        first: u64,
        last: u64,
    },
    /// The range lies behind the end.
    Nothing,
}

/// Several ranges at once are answered with the whole, as is a field that makes no sense.
pub fn select(fields: &HeaderMap, length: u64) -> Selected {
    let mut lines = fields.get_all(RANGE);
    let (Some(line), None) = (lines.next(), lines.next()) else { return Selected::Whole };
    let asked = line.to_str().ok().and_then(|line| {
        let (unit, ranges) = line.split_once('=')?;
        (unit.trim().eq_ignore_ascii_case("bytes") && !ranges.contains(',')).then_some(ranges)
    });
    asked.and_then(|range| part(range.trim(), length)).unwrap_or(Selected::Whole)
}

fn part(range: &str, length: u64) -> Option<Selected> {
    let (first, last) = range.split_once('-')?;
    let end = length.checked_sub(1);
    if first.is_empty() {
        let suffix = number(last)?;
        let Some(end) = end.filter(|_| suffix > 0) else { return Some(Selected::Nothing) };
        return Some(Selected::Part { first: length.saturating_sub(suffix), last: end });
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    let Some(end) = end.filter(|end| first <= *end) else { return Some(Selected::Nothing) };
    Some(Selected::Part { first, last: last.min(end) })
}

/// Digits alone; a number beyond all files is beyond the end.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn selected(values: &[&'static str], length: u64) -> Selected {
        let mut fields = HeaderMap::new();
        for value in values {
            fields.append(RANGE, HeaderValue::from_static(value));
        }
        select(&fields, length)
    }

    #[test]
    fn one_range_is_a_part_and_everything_else_the_whole() {
        let part = |first, last| Selected::Part { first, last };
        for (value, expected) in [
            ("bytes=0-99", part(0, 99)),
            ("bytes=0-0", part(0, 0)),
            ("bytes=900-", part(900, 999)),
            ("bytes=900-5000", part(900, 999)),
            ("bytes=-100", part(900, 999)),
            ("bytes=-5000", part(0, 999)),
            ("Bytes = 1-2", part(1, 2)),
            ("bytes=0-99999999999999999999999", part(0, 999)),
            ("bytes=1000-", Selected::Nothing),
            ("bytes=99999999999999999999999-", Selected::Nothing),
            ("bytes=-0", Selected::Nothing),
            ("bytes=0-1,5-6", Selected::Whole),
            ("bytes=5-1", Selected::Whole),
            ("bytes=a-b", Selected::Whole),
            ("bytes=+1-2", Selected::Whole),
            ("bytes=-", Selected::Whole),
            ("bytes=", Selected::Whole),
            ("lines=0-1", Selected::Whole),
            ("nonsense", Selected::Whole),
        ] {
            assert_eq!(selected(&[value], 1_000), expected, "{value}");
        }
        assert_eq!(selected(&[], 1_000), Selected::Whole);
        assert_eq!(selected(&["bytes=0-1", "bytes=2-3"], 1_000), Selected::Whole);
        assert_eq!(selected(&["bytes=0-"], 0), Selected::Nothing);
    }
}
