//! Packs the bodies of answers for clients that ask for it (RFC 9110, sections 8.4 and 12.5.3).
//!
//! Another coding is another representation: the length goes, a strong entity tag becomes a weak one
//! (section 8.8.1), ranges are not offered, and caches are told what the choice hangs on.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH, RANGE,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

use super::super::cache::split_outside_quotes;
use super::add_vary;
use super::coding::Coding;
use super::packing::Packed;

/// Shorter bodies are not worth it. In bytes.
const LENGTH_MIN: u64 = 1_024;

/// What is text although its type does not begin with `text/`.
const PACKED_TYPES: [&str; 10] = [
    "application/json",
    "application/javascript",
    "application/xml",
    "application/x-ndjson",
    "application/ndjson",
    "application/yaml",
    "application/x-yaml",
    "application/wasm",
    "application/rtf",
    "image/svg+xml",
];
const PACKED_SUFFIXES: [&str; 4] = ["+json", "+xml", "+yaml", "+text"];
/// It goes out event by event.
const EVENTS: &str = "text/event-stream";

/// What would no longer be true of a packed body.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// Packs the body of an answer if that is allowed, worth it, and asked for.
pub(super) fn pack(request: &HttpRequest, mut answer: HttpResponse) -> HttpResponse {
    let asked = request.headers();
    if answer.status() == StatusCode::NOT_MODIFIED {
        as_packed(asked, answer.headers_mut());
        return answer;
    }
    let length = length(request, &answer);
    if !is_for_packing(asked, answer.status(), answer.headers(), length) {
        return answer;
    }
    add_vary(answer.headers_mut(), "Accept-Encoding");
    let Some(coding) = Coding::agreed(asked) else { return answer };
    relabel(answer.headers_mut(), coding);
    if *request.method() == Method::HEAD {
        return answer; // The head is that of GET; there is no body.
    }
    answer.map_body(|_, body| BoxBody::new(Packed::new(body, coding, length)))
}

/// What a 304 says is what its 200 would have said (RFC 9110, section 15.4.5); who shows a tag that was
/// weakened here has a packed body.
fn as_packed(asked: &HeaderMap, fields: &mut HeaderMap) {
    add_vary(fields, "Accept-Encoding");
    let Some(weak) = fields.get(ETAG).and_then(weakened) else { return };
    let shows = |line: &HeaderValue| {
        line.as_bytes().windows(weak.len()).any(|window| window == weak.as_bytes())
    };
    if asked.get_all(IF_NONE_MATCH).any(shows) {
        fields.insert(ETAG, weak);
    }
}

/// A strong tag as a weak one.
fn weakened(tag: &HeaderValue) -> Option<HeaderValue> {
    let tag = Some(tag.as_bytes()).filter(|tag| tag.starts_with(b"\""))?;
    HeaderValue::from_bytes(&[b"W/", tag].concat()).ok()
}

/// The length of the body, for HEAD that which it would have.
fn length(request: &HttpRequest, answer: &HttpResponse) -> Option<u64> {
    let announced = || answer.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    match answer.body().size() {
        _ if *request.method() == Method::HEAD => announced(),
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => None,
    }
}

/// Whether an answer may be packed, whatever this client takes.
fn is_for_packing(
    asked: &HeaderMap,
    status: StatusCode,
    fields: &HeaderMap,
    length: Option<u64>,
) -> bool {
    let has_body = !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        );
    let is_as_it_must_be = || {
        fields.contains_key(CONTENT_ENCODING)
            || fields.contains_key(CONTENT_RANGE)
            || asked.contains_key(RANGE)
            || DIGESTS.iter().any(|name| fields.contains_key(name))
            || is_not_to_be_changed(fields)
            || is_not_to_be_changed(asked)
    };
    has_body
        && length.is_none_or(|length| length >= LENGTH_MIN)
        && fields.get(CONTENT_TYPE).is_some_and(is_text)
        && !is_as_it_must_be()
}

/// `no-transform` (RFC 9111, sections 5.2.1.6 and 5.2.2.6).
fn is_not_to_be_changed(fields: &HeaderMap) -> bool {
    let lines = fields.get_all(CACHE_CONTROL).map(HeaderValue::as_bytes);
    let mut directives = lines.flat_map(|line| line.split(|byte| *byte == b','));
    directives.any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
}

fn is_text(kind: &HeaderValue) -> bool {
    let Ok(kind) = kind.to_str() else { return false };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let begins = |start: &str| {
        essence.get(..start.len()).is_some_and(|part| part.eq_ignore_ascii_case(start))
    };
    let ends = |end: &&str| {
        let at = essence.len().checked_sub(end.len());
        at.and_then(|at| essence.get(at..)).is_some_and(|part| part.eq_ignore_ascii_case(end))
    };
    let is_text = begins("text/")
        || PACKED_TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known))
        || PACKED_SUFFIXES.iter().any(ends);
    is_text && !essence.eq_ignore_ascii_case(EVENTS)
}

fn relabel(fields: &mut HeaderMap, coding: Coding) {
    fields.insert(CONTENT_ENCODING, coding.value());
    fields.remove(CONTENT_LENGTH);
    fields.remove(ACCEPT_RANGES);
    if let Some(weak) = fields.get(ETAG).and_then(weakened) {
        fields.insert(ETAG, weak);
    }
}

/// Gives the tags of `If-Match` back as the service has made them: it compares strongly (RFC 9110,
/// section 13.1.1), so a tag that was weakened here would never let anybody change anything.
pub(super) fn unweaken(fields: &mut HeaderMap) {
    // A tag may have bytes that are no text: each is taken for a letter, and given back as it was.
    let lines = fields.get_all(IF_MATCH).map(|line| line.as_bytes().iter().map(|b| char::from(*b)));
    let lines: Vec<String> = lines.map(Iterator::collect).collect();
    if !lines.iter().any(|line| line.contains("W/\"")) {
        return;
    }
    let tags = lines.iter().flat_map(|line| split_outside_quotes(line)).map(str::trim);
    let strong: Vec<&str> = tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).collect();
    let strong = strong.join(", ");
    let bytes: Vec<u8> = strong.chars().filter_map(|letter| u8::try_from(letter).ok()).collect();
    if let Ok(strong) = HeaderValue::from_bytes(&bytes) {
        fields.insert(IF_MATCH, strong);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::http::header::HeaderName;

    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        fields
    }

    #[test]
    fn text_of_some_length_is_packed() {
        let packed = |kind: &str, length| {
            let answer = fields(&[("content-type", kind)]);
            is_for_packing(&HeaderMap::new(), StatusCode::OK, &answer, length)
        };
        for kind in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
            "text/html",
            "image/svg+xml",
            "application/atom+xml",
        ] {
            assert!(packed(kind, Some(1_024)) && packed(kind, None), "{kind}");
            assert!(!packed(kind, Some(1_023)), "{kind}");
        }
        for kind in ["application/pdf", "image/png", "text/event-stream", "application/zip", ""] {
            assert!(!packed(kind, Some(5_000)), "{kind}");
        }
    }

    #[test]
    fn what_must_stay_as_it_is_stays() {
        let is_packed =
            |status: u16, asked: &[(&'static str, &str)], more: (&'static str, &str)| {
                let answer = fields(&[("content-type", "text/plain"), more]);
                is_for_packing(&fields(asked), StatusCode::from_u16(status).unwrap(), &answer, None)
            };
        let none = ("x-any", "1");
        assert!(is_packed(200, &[], none) && is_packed(404, &[], none));
        for status in [103, 204, 205, 206, 304] {
            assert!(!is_packed(status, &[], none), "{status}");
        }
        assert!(!is_packed(200, &[("range", "bytes=0-9")], none));
        assert!(!is_packed(200, &[("cache-control", "no-transform")], none));
        for more in [
            ("content-encoding", "gzip"),
            ("content-range", "bytes 0-9/10"),
            ("cache-control", "public, No-Transform"),
            ("repr-digest", "sha-256=:x:"),
        ] {
            assert!(!is_packed(200, &[], more), "{more:?}");
        }
    }

    #[test]
    fn a_packed_answer_says_what_it_is() {
        let mut answer =
            fields(&[("content-length", "5000"), ("accept-ranges", "bytes"), ("etag", "\"v3\"")]);
        relabel(&mut answer, Coding::Gzip);
        assert_eq!(answer.get("etag").unwrap(), "W/\"v3\"");
        assert_eq!(answer.get("content-encoding").unwrap(), "gzip");
        assert_eq!(answer.len(), 2);
        relabel(&mut answer, Coding::Gzip);
        assert_eq!(answer.get("etag").unwrap(), "W/\"v3\"", "a weak one stays");
    }

    /// Bytes that are no text hide nothing.
    #[test]
    fn what_is_no_text_is_looked_at() {
        let odd = |value: &[u8]| HeaderValue::from_bytes(value).unwrap();
        let mut answer = fields(&[("content-type", "text/plain")]);
        answer.insert(CACHE_CONTROL, odd(b"no-transform, x=\"caf\xe9\""));
        assert!(!is_for_packing(&HeaderMap::new(), StatusCode::OK, &answer, None));
        let weak = weakened(&odd(b"\"caf\xe9\"")).unwrap();
        assert_eq!(weak.as_bytes(), b"W/\"caf\xe9\"");
    }

    #[test]
    fn the_service_sees_the_tag_that_it_has_made() {
        let mut asked = fields(&[("if-match", "W/\"v3\", \"v4\"")]);
        unweaken(&mut asked);
        assert_eq!(asked.get("if-match").unwrap(), "\"v3\", \"v4\"");
        let mut odd = HeaderMap::new();
        odd.insert(IF_MATCH, HeaderValue::from_bytes(b"W/\"caf\xe9\"").unwrap());
        unweaken(&mut odd);
        assert_eq!(odd.get("if-match").unwrap().as_bytes(), b"\"caf\xe9\"");
        let mut any = fields(&[("if-match", "*")]);
        unweaken(&mut any);
        assert_eq!(any.get("if-match").unwrap(), "*");
    }
}
