//! The answer to a request from an entry: whole, in part, or "you have it".

use actix_web::HttpResponse;
use actix_web::body::{BodyStream, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    EXPIRES, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
};
use busbar_http::download::range::{Selected, select};
use bytes::Bytes;
use futures_util::stream;

use crate::types::Timestamp;

use super::ask::Ask;
use super::conditions;
use super::entry::Entry;
use super::status::{self, Way};

/// Fields that a 304 leaves out: they describe a body (RFC 9110, section 15.4.5).
const OF_A_BODY: [HeaderName; 4] = [
    CONTENT_LENGTH,
    CONTENT_TYPE,
    actix_web::http::header::CONTENT_ENCODING,
    actix_web::http::header::CONTENT_LANGUAGE,
];

/// What holds for the answer that is kept, and not for one that says what is wrong with a request: others
/// could keep that, and give it to everybody.
const OF_ITSELF: [HeaderName; 6] = [
    ETAG,
    LAST_MODIFIED,
    CACHE_CONTROL,
    EXPIRES,
    CONTENT_LOCATION,
    HeaderName::from_static("cdn-cache-control"),
];

/// Built from an entry, with its age of this moment.
pub(super) fn from_entry(
    entry: &Entry,
    ask: &Ask,
    request: &HeaderMap,
    now: Timestamp,
    way: Way,
) -> HttpResponse {
    let age = entry.age(now).as_secs();
    // RFC 9110, section 13.2.1: what is no success is told whatever the client knows.
    let mut response = if entry.status.is_success() && conditions::is_known(request, entry) {
        not_modified(entry)
    } else if ask.has_range && entry.status == StatusCode::OK && !ask.is_head {
        in_part(entry, request)
    } else {
        whole(entry, ask.is_head)
    };
    let fields = response.headers_mut();
    fields.insert(AGE, HeaderValue::from(age));
    status::tell(fields, way);
    response
}

fn whole(entry: &Entry, is_head: bool) -> HttpResponse {
    if !is_head {
        return with_fields(entry.status, entry, BoxBody::new(entry.body.clone()), |_| true);
    }
    // Not an empty body of known size: its length would stand in the head.
    let nothing = BodyStream::new(stream::empty::<Result<Bytes, std::convert::Infallible>>());
    let mut response = with_fields(entry.status, entry, nothing.boxed(), |_| true);
    if entry.status != StatusCode::NO_CONTENT {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(entry.body.len()));
    }
    response.head_mut().no_chunking(true);
    response
}

fn not_modified(entry: &Entry) -> HttpResponse {
    let is_kept = |name: &HeaderName| !OF_A_BODY.contains(name);
    with_fields(StatusCode::NOT_MODIFIED, entry, BoxBody::new(()), is_kept)
}

/// RFC 9110, section 14; several ranges at once are answered with the whole.
fn in_part(entry: &Entry, request: &HeaderMap) -> HttpResponse {
    let length = entry.body.len();
    let selected = match conditions::is_same(request, entry) {
        true => select(request, length as u64),
        false => Selected::Whole,
    };
    let (status, range, body) = match selected {
        Selected::Whole => return whole(entry, false),
        Selected::Nothing => {
            (StatusCode::RANGE_NOT_SATISFIABLE, format!("bytes */{length}"), Bytes::new())
        }
        Selected::Part { first, last } => {
            let place = |byte: u64| usize::try_from(byte).unwrap_or(length).min(length);
            let body = entry.body.slice(place(first)..place(last.saturating_add(1)));
            (StatusCode::PARTIAL_CONTENT, format!("bytes {first}-{last}/{length}"), body)
        }
    };
    let is_refused = status == StatusCode::RANGE_NOT_SATISFIABLE;
    let stays = |name: &HeaderName| {
        *name != CONTENT_LENGTH
            && !(is_refused && (OF_A_BODY.contains(name) || OF_ITSELF.contains(name)))
    };
    let mut response = with_fields(status, entry, BoxBody::new(body), stays);
    if let Ok(range) = HeaderValue::try_from(range) {
        response.headers_mut().insert(CONTENT_RANGE, range);
    }
    response
}

fn with_fields(
    status: StatusCode,
    entry: &Entry,
    body: BoxBody,
    is_wanted: impl Fn(&HeaderName) -> bool,
) -> HttpResponse {
    let mut response = HttpResponse::with_body(status, body);
    // The map that is there: it has been used before, and has room.
    let fields = response.headers_mut();
    for (name, value) in entry.fields.iter().filter(|(name, _)| is_wanted(name)) {
        fields.append(name.clone(), value.clone());
    }
    response
}
