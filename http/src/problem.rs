//! What a client is told when something goes wrong: problem details (RFC 9457).
//!
//! A service lists its problems in one table ([`problems!`]); a handler answers one with `?`.
//! What the client is told and what the log is told are apart: `cause` is logged once, where the
//! answer is made, and never shown.

pub mod kinds;

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One line of a problem table: status, stable code and the sentence for people.
///
/// Codes are the contract with clients: never renamed, never used for another thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// HTTP status code.
    pub status: u16,
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// One sentence without the particulars of the occurrence.
    pub title: &'static str,
}

/// Declares the problem table of a service: a constant for each line, and `PROBLEMS`, the list.
///
/// `BILL_NOT_OPEN => 409 "bill_not_open" "the bill is not open";` expands to
/// `pub(crate) const BILL_NOT_OPEN: Kind = Kind { status: 409, … };`.
#[macro_export]
macro_rules! problems {
    ($($name:ident => $status:literal $code:literal $title:literal;)+) => {
        $(pub(crate) const $name: $crate::Kind =
            $crate::Kind { status: $status, code: $code, title: $title };)+
        /// Every problem of this table.
        pub(crate) const PROBLEMS: &[$crate::Kind] = &[$($name),+];
    };
}

/// A wrong field: where it is (JSON Pointer, RFC 6901), a stable code, a sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    pub pointer: String,
    pub code: Cow<'static, str>,
    pub detail: Cow<'static, str>,
}

/// An answer that tells what went wrong.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    status: StatusCode,
    code: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    extra: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    /// Path and request id, known where the answer is made.
    place: Option<(String, String)>,
}

impl Kind {
    /// A problem of this kind.
    pub fn problem(self) -> Problem {
        Problem(Box::new(Parts {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: self.code.into(),
            title: self.title.into(),
            detail: None,
            errors: Vec::new(),
            extra: Map::new(),
            headers: Vec::new(),
            cause: None,
            place: None,
        }))
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Problem {
        kind.problem()
    }
}

impl Problem {
    /// A wrong field, 422: `Problem::field("/due_on", "due_before_issue", "…")`.
    pub fn field(
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        let mut invalid = Invalid::default();
        invalid.add(pointer, code, detail);
        invalid.problem()
    }

    /// An unexpected failure, 500. `cause` goes to the log alone.
    pub fn internal(cause: impl fmt::Display) -> Problem {
        kinds::INTERNAL.problem().cause(cause)
    }

    /// What is particular to this occurrence, for people.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Problem {
        self.0.detail = Some(detail.into());
        self
    }

    /// A further member of the body.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Problem {
        self.0.extra.insert(member.to_owned(), value.into());
        self
    }

    /// Points at the field that is wrong.
    pub fn at(mut self, pointer: impl Into<String>) -> Problem {
        let (code, detail) = (self.0.code.clone(), self.0.title.clone());
        self.0.errors.push(FieldError { pointer: pointer.into(), code, detail });
        self
    }

    /// `Retry-After` in seconds.
    pub fn retry_after(self, seconds: u64) -> Problem {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// Why, for the log; never shown to the client.
    pub fn cause(mut self, cause: impl fmt::Display) -> Problem {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Where it happened: the path and the id of the request.
    pub(crate) fn set_place(&mut self, path: &str, request_id: &str) {
        self.0.place = Some((path.to_owned(), request_id.to_owned()));
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn cause_text(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The body, `application/problem+json`. Path and request id are added where they are known.
    pub fn body(&self, place: Option<(&str, &str)>) -> Value {
        let parts = &self.0;
        let mut body = json!({
            "type": format!("/problems/{}", parts.code),
            "title": parts.title,
            "status": parts.status.as_u16(),
            "code": parts.code,
        });
        let own = parts.place.as_ref().map(|(path, id)| (path.as_str(), id.as_str()));
        if let Some(members) = body.as_object_mut() {
            if let Some(detail) = &parts.detail {
                members.insert("detail".into(), json!(detail));
            }
            if let Some((path, request_id)) = place.or(own) {
                members.insert("instance".into(), json!(path));
                members.insert("request_id".into(), json!(request_id));
            }
            if !parts.errors.is_empty() {
                members.insert("errors".into(), json!(parts.errors));
            }
            for (name, value) in &parts.extra {
                members.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        body
    }

    /// The answer to the client.
    pub fn response(&self, place: Option<(&str, &str)>) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.status);
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        for (name, value) in &self.0.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.body(self.body(place).to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)?;
        self.0.cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response(None)
    }
}

/// Collects what is wrong with a body, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Invalid(Vec<FieldError>);

impl Invalid {
    pub fn add(
        &mut self,
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.0.push(FieldError {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        });
    }

    /// Notes a field error when `ok` does not hold.
    pub fn check(&mut self, ok: bool, pointer: &str, code: &'static str, detail: &'static str) {
        if !ok {
            self.add(pointer, code, detail);
        }
    }

    /// `Ok` when nothing was noted.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(self.problem()) }
    }

    /// The code of the only error, or `validation_failed` for several.
    fn problem(self) -> Problem {
        let mut problem = kinds::VALIDATION_FAILED.problem();
        if let [only] = self.0.as_slice() {
            problem.0.code = only.code.clone();
            problem.0.title = only.detail.clone();
        }
        problem.0.errors = self.0;
        problem
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_wrong_field_gives_its_code_several_give_validation_failed() {
        let one = Problem::field("/a", "too_small", "a is too small");
        assert_eq!((one.status().as_u16(), one.code()), (422, "too_small"));

        let mut invalid = Invalid::default();
        invalid.check(false, "/a", "too_small", "a is too small");
        invalid.check(true, "/b", "too_large", "b is too large");
        invalid.check(false, "/c", "missing", "c is missing");
        let two = invalid.finish().unwrap_err();
        assert_eq!(two.code(), "validation_failed");
        assert_eq!(two.body(None)["errors"][1]["pointer"], "/c");
    }

    #[test]
    fn the_cause_is_for_the_log_alone() {
        let problem = Problem::internal("password authentication failed for user postgres");
        let body = problem.body(Some(("/bills", "r-1"))).to_string();
        assert!(!body.contains("postgres"), "{body}");
        assert!(body.contains("\"request_id\":\"r-1\""), "{body}");
        assert!(problem.to_string().contains("postgres"));
    }

    #[test]
    fn an_extra_member_never_hides_a_standard_one() {
        let body = kinds::NOT_FOUND.problem().with("status", 200).with("more", 1).body(None);
        assert_eq!((body["status"].clone(), body["more"].clone()), (json!(404), json!(1)));
    }
}
