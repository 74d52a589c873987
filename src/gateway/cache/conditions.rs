//! What a client already knows, and which part it wants, held against an entry (RFC 9110, sections 13
//! and 14). Pure.

use std::time::SystemTime;

use actix_web::http::header::{
    DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    LAST_MODIFIED, RANGE,
};

use super::directives::split_outside_quotes;
use super::entry::Entry;
use super::freshness::{date, instant};

/// Whether the client has it already: 304. `If-None-Match` goes before the date (RFC 9110, section
/// 13.2.2).
pub(super) fn is_known(request: &HeaderMap, entry: &Entry) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let tag = entry.field(&ETAG);
        let mut lines = request.get_all(IF_NONE_MATCH);
        return lines.any(|line| names(line, tag));
    }
    let Some(since) = date(request, IF_MODIFIED_SINCE) else { return false };
    // Without a date of change it is as old as it is itself (RFC 9111, section 4.3.2).
    let changed = date_of(entry, &LAST_MODIFIED).or_else(|| date_of(entry, &DATE));
    changed.is_some_and(|changed| changed <= since)
}

/// Weak comparison (RFC 9110, section 8.8.3.2).
fn names(line: &HeaderValue, tag: Option<&HeaderValue>) -> bool {
    if line == "*" {
        return true;
    }
    let Some(tag) = tag.map(HeaderValue::as_bytes) else { return false };
    // Other than in ASCII a comma may stand within: then there is one tag.
    let Ok(text) = line.to_str() else { return opaque(line.as_bytes()) == opaque(tag) };
    split_outside_quotes(text).any(|one| opaque(one.trim().as_bytes()) == opaque(tag))
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether a range may be answered in part: there is no `If-Range`, or it names this very answer
/// (RFC 9110, section 13.1.5).
pub(super) fn is_same(request: &HeaderMap, entry: &Entry) -> bool {
    let Some(value) = request.get(IF_RANGE) else { return true };
    let is_tag = value.as_bytes().starts_with(b"\"") || value.as_bytes().starts_with(b"W/");
    if is_tag {
        let is_strong = !value.as_bytes().starts_with(b"W/");
        return is_strong && entry.field(&ETAG) == Some(value);
    }
    let (asked, changed) = (date(request, IF_RANGE), date_of(entry, &LAST_MODIFIED));
    // RFC 9110, section 8.8.2.2: within the second of its making it may have changed once more.
    let is_strong =
        changed.zip(date_of(entry, &DATE)).is_some_and(|(changed, made)| changed < made);
    is_strong && asked == changed
}

fn date_of(entry: &Entry, name: &HeaderName) -> Option<SystemTime> {
    instant(entry.field(name)?)
}

/// Asks whether an entry is still so, in the place of what the client asked (RFC 9111, section 4.3.1).
pub(super) fn ask_whether_so(fields: &mut HeaderMap, entry: &Entry) {
    // A part of what may have changed is of no use: the whole is asked for.
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE] {
        fields.remove(name);
    }
    if let Some(tag) = entry.field(&ETAG) {
        fields.insert(IF_NONE_MATCH, tag.clone());
    }
    if let Some(changed) = entry.field(&LAST_MODIFIED) {
        fields.insert(IF_MODIFIED_SINCE, changed.clone());
    }
}
