//! How far a request may go (RFC 9110, section 7.6.2): `Max-Forwards` of TRACE and OPTIONS; and what a
//! TRACE takes along.

use actix_web::http::Method;
use actix_web::http::header::{
    ALLOW, AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, MAX_FORWARDS, PROXY_AUTHORIZATION,
};
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::Problem;
use busbar_http::problem::kinds;

use super::incoming::Incoming;
use super::route::Route;

/// The media type of a request that is sent back (RFC 9110, section 9.3.8).
const MESSAGE: &str = "message/http";

/// This is the last hop: nothing is sent on.
pub(super) fn is_last(method: &Method, fields: &HeaderMap) -> bool {
    left(method, fields) == Some(0)
}

/// Takes one from what is left.
pub(super) fn count_down(method: &Method, fields: &mut HeaderMap) {
    if let Some(left) = left(method, fields) {
        fields.insert(MAX_FORWARDS, HeaderValue::from(left.saturating_sub(1)));
    }
}

/// More than can be counted is as much as can be.
fn left(method: &Method, fields: &HeaderMap) -> Option<u64> {
    let counts = matches!(*method, Method::TRACE | Method::OPTIONS);
    let value = fields.get(MAX_FORWARDS).filter(|_| counts)?.to_str().ok()?;
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

/// # Errors
/// 400 for a TRACE with content: it is not to be sent on (RFC 9110, section 9.3.8).
pub(super) fn check_content(method: &Method, body: &Incoming) -> Result<(), Problem> {
    match *method == Method::TRACE && !body.is_empty() {
        true => Err(kinds::REQUEST_MALFORMED.problem().detail("TRACE has no content")),
        false => Ok(()),
    }
}

/// The answer of the last hop itself.
pub(super) fn last(request: &HttpRequest, route: &Route) -> HttpResponse {
    if request.method() == Method::TRACE {
        return HttpResponse::Ok().content_type(MESSAGE).body(told(request));
    }
    HttpResponse::NoContent().insert_header((ALLOW, route.allow.clone())).finish()
}

/// A request as it came in, without what is secret in it.
fn told(request: &HttpRequest) -> Vec<u8> {
    let mut text = format!("TRACE {} HTTP/1.1\r\n", request.uri()).into_bytes();
    for (name, value) in request.headers() {
        if !matches!(*name, AUTHORIZATION | COOKIE | PROXY_AUTHORIZATION) {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
    }
    text.extend_from_slice(b"\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(method: Method, value: &'static str) -> (bool, String) {
        let mut fields = HeaderMap::new();
        fields.insert(MAX_FORWARDS, HeaderValue::from_static(value));
        let is_last = is_last(&method, &fields);
        count_down(&method, &mut fields);
        let left = fields.get(MAX_FORWARDS).map(|value| String::from_utf8_lossy(value.as_bytes()));
        (is_last, left.unwrap_or_default().into_owned())
    }

    /// RFC 9110, section 7.6.2.
    #[test]
    fn hops_are_counted_down_for_trace_and_options_alone() {
        assert_eq!(counted(Method::OPTIONS, "3"), (false, "2".into()));
        assert_eq!(counted(Method::TRACE, "1"), (false, "0".into()));
        assert_eq!(counted(Method::TRACE, "0"), (true, "0".into()));
        assert_eq!(counted(Method::GET, "0"), (false, "0".into()));
        assert_eq!(counted(Method::OPTIONS, "soon"), (false, "soon".into()));
        assert_eq!(counted(Method::OPTIONS, "+5"), (false, "+5".into()));
        let most = (u64::MAX - 1).to_string();
        assert_eq!(counted(Method::OPTIONS, "99999999999999999999999"), (false, most));
        assert!(!is_last(&Method::OPTIONS, &HeaderMap::new()));
    }
}
