//! Which of several answers of one address fits a request (RFC 9111, section 4.1). Pure.

use actix_web::http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderMap, HeaderName, VARY};
use busbar_http::headers::may_change;

/// The most fields that an answer may depend on.
const FIELDS_MAX: usize = 16;

/// What the request that an answer was given to had in the fields that count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selecting(Vec<(HeaderName, Option<Vec<u8>>)>);

impl Selecting {
    /// `None`: the answer fits its own request alone (`*`), or depends on what is no field name, or on
    /// a field that the upstream may have seen otherwise than its client sent it.
    pub(super) fn of(answer: &HeaderMap, request: &HeaderMap) -> Option<Selecting> {
        let mut fields: Vec<(HeaderName, Option<Vec<u8>>)> = Vec::new();
        for line in answer.get_all(VARY) {
            let names = line.to_str().ok()?.split(',').map(str::trim);
            for name in names.filter(|name| !name.is_empty()) {
                // `*` is no name, and is refused with whatever else is none.
                let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|_| name != "*")?;
                if fields.len() == FIELDS_MAX || may_change(&name, request) {
                    return None;
                }
                let value = normal(request, &name);
                fields.push((name, value));
            }
        }
        Some(Selecting(fields))
    }

    pub(super) fn fits(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, value)| normal(request, name) == *value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What it takes in memory, in bytes.
    pub(super) fn size(&self) -> usize {
        let value = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        self.0.iter().map(|(name, held)| name.as_str().len() + value(held)).sum()
    }
}

/// A field's values in one line, without the space between them. Where their order and case mean
/// nothing they are put in one.
fn normal(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut lines = fields.get_all(name).peekable();
    lines.peek()?;
    let has_no_order = matches!(*name, ACCEPT_LANGUAGE | ACCEPT_ENCODING);
    let parts = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let parts = parts.map(<[u8]>::trim_ascii);
    let mut parts: Vec<Vec<u8>> = match has_no_order {
        true => parts.map(|part| part.to_ascii_lowercase()).collect(),
        false => parts.map(<[u8]>::to_vec).collect(),
    };
    if has_no_order {
        parts.iter_mut().for_each(|part| part.retain(|byte| !matches!(byte, b' ' | b'\t')));
        parts.sort_unstable();
    }
    Some(parts.join(&b','))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            let value = HeaderValue::from_str(value).unwrap();
            fields.append(HeaderName::from_static(name), value);
        }
        fields
    }

    fn fits(vary: &str, stored: &[(&'static str, &str)], asked: &[(&'static str, &str)]) -> bool {
        let answer = fields(&[("vary", vary)]);
        Selecting::of(&answer, &fields(stored)).unwrap().fits(&fields(asked))
    }

    #[test]
    fn an_answer_fits_when_all_its_fields_are_the_same() {
        assert!(fits("foo, Bar", &[("foo", "1"), ("bar", "2")], &[("bar", "2"), ("foo", "1")]));
        assert!(fits("foo", &[], &[("other", "1")]));
        assert!(!fits("foo", &[], &[("foo", "")]));
        assert!(!fits("foo", &[("foo", "1")], &[]));
        assert!(!fits("foo, bar", &[("foo", "1")], &[("foo", "1"), ("bar", "2")]));
    }

    /// Two values that are no text are two.
    #[test]
    fn bytes_count() {
        let of = |value: &[u8]| {
            let mut fields = HeaderMap::new();
            let name = HeaderName::from_static("foo");
            fields.insert(name, HeaderValue::from_bytes(value).unwrap());
            fields
        };
        let answer = fields(&[("vary", "foo")]);
        let selecting = Selecting::of(&answer, &of(b"caf\xe9")).unwrap();
        assert!(selecting.fits(&of(b" caf\xe9")) && !selecting.fits(&of(b"caf\xe8")));
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        assert!(fits("foo", &[("foo", "1, 2")], &[("foo", "1"), ("foo", "2")]));
        assert!(fits("foo", &[("foo", "1,2")], &[("foo", " 1, 2 ")]));
        assert!(!fits("foo", &[("foo", "1, 2")], &[("foo", "2, 1")]));
        assert!(!fits("foo", &[("foo", "a b")], &[("foo", "ab")]));
        assert!(fits(
            "accept-language",
            &[("accept-language", "en, de")],
            &[("accept-language", "De , eN")]
        ));
        assert!(!fits(
            "accept-language",
            &[("accept-language", "en;q=1, de")],
            &[("accept-language", "en, de")]
        ));
    }

    /// Two fields can never be mistaken for one with both values.
    #[test]
    fn values_stay_in_their_fields() {
        assert!(!fits(
            "foo, bar",
            &[("foo", "1,2"), ("bar", "3")],
            &[("foo", "1"), ("bar", "2,3")]
        ));
    }

    /// Nobody may choose what others get by a field that never arrives as it was sent.
    #[test]
    fn what_changes_on_its_way_chooses_nothing() {
        for name in ["x-user-id", "X-Forwarded-For", "forwarded", "via", "x-request-id", "te"] {
            let answer = fields(&[("vary", name)]);
            assert_eq!(Selecting::of(&answer, &HeaderMap::new()), None, "{name}");
        }
        let answer = fields(&[("vary", "accept-language")]);
        let request = [("accept-language", "vi"), ("connection", "close, Accept-Language")];
        assert_eq!(Selecting::of(&answer, &fields(&request)), None);
        assert!(Selecting::of(&answer, &fields(&request[..1])).is_some());
    }

    #[test]
    fn a_star_fits_nothing() {
        for star in ["*", "*, *", ", *", "foo, *", "*, foo", "a b"] {
            let answer = fields(&[("vary", star)]);
            assert_eq!(Selecting::of(&answer, &HeaderMap::new()), None, "{star}");
        }
    }
}
