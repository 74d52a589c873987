//! Bodies, paths and queries, parsed once into types; a refusal points at the wrong field.

mod root;

use std::borrow::Cow;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::{LocalBoxFuture, Ready, ready};
use serde::de::DeserializeOwned;

use crate::deadline::Deadline;
use crate::problem::{Problem, kinds};

use self::root::Root;

/// The largest JSON body that is read, unless the server sets [`BodyLimit`].
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a body may take to come, even where the request has more time.
pub const BODY_WAIT_MAX: Duration = Duration::from_secs(20);

/// App data: the largest JSON body in bytes.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit(pub usize);

/// A JSON body of type `T`. Unknown fields are refused by `T`'s `deny_unknown_fields`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(request, payload);
        Box::pin(async move { parse(&read.await?).map(Body) })
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct MaybeBody<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for MaybeBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let read = read(request, payload);
        Box::pin(async move {
            let bytes = read.await?;
            if bytes.is_empty() {
                Ok(MaybeBody(None))
            } else {
                parse(&bytes).map(|body| MaybeBody(Some(body)))
            }
        })
    }
}

/// Reads the whole body within its bound, after a look at its media type.
pub(crate) fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> LocalBoxFuture<'static, Result<Bytes, Problem>> {
    let limit = request.app_data::<BodyLimit>().map_or(BODY_BYTES_MAX, |limit| limit.0);
    let is_json = is_json(request);
    let declared = request
        .headers()
        .get(actix_web::http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut payload = payload.take();
    let until = Deadline::of(request).sooner(BODY_WAIT_MAX).at();
    let reading = async move {
        if declared.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| kinds::INVALID_JSON.problem().cause(error))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large(limit));
            }
            bytes.extend_from_slice(&chunk);
        }
        if !is_json && !bytes.is_empty() {
            return Err(kinds::UNSUPPORTED_MEDIA_TYPE.problem());
        }
        Ok(bytes.freeze())
    };
    Box::pin(async move {
        let read = tokio::time::timeout_at(until.into(), reading).await;
        read.unwrap_or_else(|_| Err(kinds::BODY_TOO_SLOW.problem()))
    })
}

fn too_large(limit: usize) -> Problem {
    kinds::BODY_TOO_LARGE.problem().with("bytes_max", limit)
}

fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || essence.starts_with("application/") && essence.ends_with("+json")
}

/// Parses JSON into `T`; the refusal names the field by JSON Pointer (RFC 6901).
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut source = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Root(&mut source)).map_err(|error| {
        let pointer = pointer(error.path());
        refuse(pointer, error.inner())
    })?;
    source.end().map_err(|error| kinds::INVALID_JSON.problem().detail(error.to_string()))?;
    if has_nul(bytes) {
        return Err(kinds::NUL_NOT_ALLOWED.problem());
    }
    Ok(value)
}

/// Whether a text of this JSON holds U+0000, which no database keeps: it is written as an escape.
fn has_nul(json: &[u8]) -> bool {
    let escapes = json.windows(6).enumerate().filter(|(_, window)| *window == b"\\u0000");
    let mut places = escapes.map(|(at, _)| at);
    places.any(|at| json[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 0)
}

/// A syntax error is 400, a wrong field 422.
fn refuse(pointer: String, error: &serde_json::Error) -> Problem {
    if !error.is_data() {
        return kinds::INVALID_JSON.problem().detail(error.to_string());
    }
    let text = error.to_string();
    // serde_json appends the place in the text: the pointer says it better.
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let text = without_names(text);
    let (code, detail) = code_of(&text);
    Problem::field(pointer, code, detail)
}

/// serde names the type that it expected: what our types are called is nothing to a client.
fn without_names(text: &str) -> Cow<'_, str> {
    const PLAIN: [(&str, &str); 4] = [
        ("struct ", "an object"),
        ("internally tagged enum ", "an object"),
        ("tuple struct ", "another value"),
        ("enum ", "another value"),
    ];
    let named = text.rsplit_once(", expected ");
    let plain = named.and_then(|(found, expected)| {
        let (_, plain) = PLAIN.iter().find(|(kind, _)| expected.starts_with(kind))?;
        Some(format!("{found}, expected {plain}").into())
    });
    plain.unwrap_or(text.into())
}

/// `code: detail` from a type of ours keeps its code; serde's own sentences get one.
fn code_of(text: &str) -> (Cow<'static, str>, Cow<'static, str>) {
    if let Some((code, detail)) = text.split_once(": ")
        && !code.is_empty()
        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    {
        return (code.to_owned().into(), detail.to_owned().into());
    }
    let code = if text.starts_with("unknown field") {
        "unknown_field"
    } else if text.starts_with("missing field") {
        "field_required"
    } else if text.starts_with("duplicate field") {
        "field_repeated"
    } else if text.starts_with("unknown variant") {
        "value_unknown"
    } else {
        "type_mismatch"
    };
    (code.into(), text.to_owned().into())
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// The parts of the path, parsed. What cannot be an id names nothing: 404.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request.match_info().iter().any(|(_, part)| part.contains('\0')) {
            return ready(Err(kinds::NOT_FOUND.problem()));
        }
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|path| Path(path.into_inner())).map_err(|_| kinds::NOT_FOUND.problem()))
    }
}

/// The query string, parsed; the refusal points at the parameter.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(query(request.query_string()).map(Query))
    }
}

fn query<T: DeserializeOwned>(text: &str) -> Result<T, Problem> {
    if text.contains("%00") {
        return Err(kinds::NUL_NOT_ALLOWED.problem());
    }
    let source = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(source).map_err(|error| {
        let (code, detail) = code_of(&error.inner().to_string());
        let code = if code == "type_mismatch" { "invalid_query".into() } else { code };
        Problem::field(pointer(error.path()), code, detail)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
