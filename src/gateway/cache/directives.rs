//! What `Cache-Control` says (RFC 9111, section 5.2), and what `CDN-Cache-Control` says in its place
//! (RFC 9213). Pure.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, PRAGMA};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// For caches between the origin and the clients alone (RFC 9213, section 3.1).
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Seconds larger than this are as good as for ever (RFC 9111, section 1.2.2).
const SECONDS_MAX: u64 = 1 << 31;

/// The directives of a request or an answer. Of one that is given twice the smaller value counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    /// There was such a field at all.
    pub(super) is_given: bool,
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<u64>,
    pub(super) s_maxage: Option<u64>,
    pub(super) min_fresh: Option<u64>,
    pub(super) max_stale: Option<u64>,
    pub(super) stale_while_revalidate: Option<u64>,
    pub(super) stale_if_error: Option<u64>,
}

impl Directives {
    /// Of a request. `Pragma: no-cache` counts where nothing newer is said (RFC 9111, section 5.4).
    pub(super) fn of_request(fields: &HeaderMap) -> Directives {
        let mut found = Directives::of(fields);
        if !found.is_given {
            let pragmas = fields.get_all(PRAGMA).filter_map(|value| value.to_str().ok());
            let mut words = pragmas.flat_map(|value| value.split(','));
            found.no_cache = words.any(|word| word.trim().eq_ignore_ascii_case("no-cache"));
        }
        found
    }

    /// Of an answer: those meant for caches like this one, else those for all. The second value
    /// says whether it was the former.
    pub(super) fn of_answer(fields: &HeaderMap) -> (Directives, bool) {
        match targeted(fields) {
            Some(targeted) => (targeted, true),
            None => (Directives::of(fields), false),
        }
    }

    fn of(fields: &HeaderMap) -> Directives {
        let mut found = Directives::default();
        for line in fields.get_all(CACHE_CONTROL) {
            found.is_given = true;
            each_directive(line.as_bytes(), |name, value| found.take(name, value));
        }
        found
    }

    /// What forbids holds whatever it is said with: here nothing is kept in part.
    fn forbid(&mut self, name: &str) {
        if matches!(name, "no-store" | "no-cache" | "private") {
            self.take(name, None);
        }
    }

    /// A directive whose name is spoiled is none; one whose value is spoiled counts as zero, the
    /// safe way to read it (RFC 9111, section 4.2.1).
    fn take(&mut self, name: &str, value: Option<&str>) {
        let seconds = || value.and_then(seconds).unwrap_or(0);
        let least = |known: &mut Option<u64>, new: u64| {
            *known = Some(known.map_or(new, |known| known.min(new)));
        };
        match name.to_ascii_lowercase().as_str() {
            "no-store" => self.no_store = true,
            // With field names too: this cache does not store answers in part.
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "only-if-cached" => self.only_if_cached = true,
            "max-age" => least(&mut self.max_age, seconds()),
            "s-maxage" => least(&mut self.s_maxage, seconds()),
            "min-fresh" => {
                self.min_fresh = Some(value.and_then(self::seconds).unwrap_or(SECONDS_MAX))
            }
            "max-stale" => {
                // Without a value: however stale.
                self.max_stale =
                    Some(value.map_or(SECONDS_MAX, |text| self::seconds(text).unwrap_or(0)));
            }
            "stale-while-revalidate" => least(&mut self.stale_while_revalidate, seconds()),
            "stale-if-error" => least(&mut self.stale_if_error, seconds()),
            _ => {}
        }
    }
}

/// Digits alone.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(SECONDS_MAX).min(SECONDS_MAX))
}

/// `name`, `name=token` and `name="quoted"`, separated by commas outside of quotes.
fn each_directive(line: &[u8], mut tell: impl FnMut(&str, Option<&str>)) {
    // What is not ASCII can stand in quotes alone, or spoils its own directive.
    let line = String::from_utf8_lossy(line);
    for part in split_outside_quotes(&line) {
        match part.split_once('=') {
            None => tell(part.trim(), None),
            Some((name, value)) => {
                let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                tell(name.trim_start(), Some(quoted.unwrap_or(value).trim_end()));
            }
        }
    }
}

/// The parts between commas that are not within a quoted string.
pub(in crate::gateway) fn split_outside_quotes(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = line.bytes().position(|byte| {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                b',' => return !is_quoted,
                _ => {}
            }
            false
        });
        rest = end.map(|end| &line[end + 1..]);
        Some(end.map_or(line, |end| &line[..end]))
    })
}

/// `CDN-Cache-Control`, a dictionary of RFC 9651. Malformed or empty it is as if it were not there
/// (RFC 9213, section 2.1).
fn targeted(fields: &HeaderMap) -> Option<Directives> {
    let mut lines = fields.get_all(CDN_CACHE_CONTROL).peekable();
    lines.peek()?;
    let lines: Option<Vec<&str>> = lines.map(|line| line.to_str().ok()).collect();
    let dictionary: Dictionary = Parser::new(&lines?.join(", ")).parse().ok()?;
    let mut found = Directives { is_given: true, ..Directives::default() };
    for (name, member) in &dictionary {
        let ListEntry::Item(item) = member else {
            found.forbid(name.as_str());
            continue;
        };
        let takes_seconds =
            matches!(name.as_str(), "max-age" | "stale-while-revalidate" | "stale-if-error");
        match &item.bare_item {
            BareItem::Boolean(true) => found.take(name.as_str(), None),
            BareItem::Integer(number) => {
                let number = i64::from(*number).clamp(0, SECONDS_MAX as i64);
                found.take(name.as_str(), Some(&number.to_string()));
            }
            // Of a known directive with the wrong kind of value nothing can be believed.
            _ if takes_seconds => return None,
            BareItem::Boolean(false) => {}
            _ => found.forbid(name.as_str()),
        }
    }
    (!dictionary.is_empty()).then_some(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn of(lines: &[&str]) -> Directives {
        let mut fields = HeaderMap::new();
        lines.iter().for_each(|line| {
            fields.append(CACHE_CONTROL, HeaderValue::from_str(line).unwrap());
        });
        Directives::of(&fields)
    }

    #[test]
    fn directives_are_read_as_rfc_9111_section_5_2_writes_them() {
        let found = of(&["MaX-aGe=003600, no-CACHE=\"set-cookie\"", "s-maxage=\"5\", , public"]);
        assert_eq!((found.max_age, found.s_maxage), (Some(3600), Some(5)));
        assert!(found.no_cache && found.public && !found.private && found.is_given);
        assert_eq!(of(&["max-stale"]).max_stale, Some(SECONDS_MAX));
        assert_eq!(of(&["max-age=99999999999"]).max_age, Some(SECONDS_MAX));
    }

    #[test]
    fn what_stands_in_quotes_is_no_directive() {
        for line in [
            "extension=\"max-age=3600\", max-age=1",
            "max-age=1, extension=\"a, max-age=3600, \\\" no-store\"",
            "max-age=\"1\", extension=\"max-age=3600\"",
        ] {
            let found = of(&[line]);
            assert_eq!((found.max_age, found.no_store), (Some(1), false), "{line}");
        }
    }

    #[test]
    fn what_is_not_ascii_spoils_no_other_directive() {
        let mut fields = HeaderMap::new();
        let line = b"no-store, private, note=\"caf\xe9\"";
        fields.append(CACHE_CONTROL, HeaderValue::from_bytes(line).unwrap());
        let found = Directives::of(&fields);
        assert!(found.no_store && found.private);
    }

    /// RFC 9111, section 4.2.1: what conflicts or is invalid counts as stale.
    #[test]
    fn spoiled_values_are_stale() {
        for line in ["max-age='3600'", "max-age=3600.0", "max-age=-1", "max-age=", "max-age= 1"] {
            assert_eq!(of(&[line]).max_age, Some(0), "{line}");
        }
        assert_eq!(of(&["max-age =3600"]).max_age, None);
        assert_eq!(of(&["max-age=1800, max-age=1"]).max_age, Some(1));
        assert_eq!(of(&["max-age=1", "max-age=1800"]).max_age, Some(1));
    }

    #[test]
    fn pragma_counts_only_where_nothing_newer_is_said() {
        let mut fields = HeaderMap::new();
        fields.insert(PRAGMA, HeaderValue::from_static("foo, No-Cache"));
        assert!(Directives::of_request(&fields).no_cache);
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-stale"));
        assert!(!Directives::of_request(&fields).no_cache);
    }

    /// RFC 9213, section 2.1.
    #[test]
    fn a_targeted_field_wins_unless_it_is_malformed() {
        let of = |targeted: &str| {
            let mut fields = HeaderMap::new();
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1"));
            fields.insert(CDN_CACHE_CONTROL, HeaderValue::from_str(targeted).unwrap());
            let (found, is_targeted) = Directives::of_answer(&fields);
            (found.max_age, found.no_store, is_targeted)
        };
        assert_eq!(of("max-age=60, foo"), (Some(60), false, true));
        assert_eq!(of("no-store"), (None, true, true));
        assert_eq!(of("max-age=60, no-store=\"x\""), (Some(60), true, true));
        assert_eq!(of("max-age=60, no-store=(a b)"), (Some(60), true, true));
        assert_eq!(of("max-age=60, no-store=?0"), (Some(60), false, true));
        assert_eq!(of("max-age=99999999999"), (Some(SECONDS_MAX), false, true));
        for malformed in ["max-age=60, &&&", "max-age=\"60\"", "", "max-age =60", "MaX-aGe=60"] {
            assert_eq!(of(malformed), (Some(1), false, false), "{malformed}");
        }
    }
}
