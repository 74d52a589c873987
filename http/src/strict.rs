//! What a request must be beyond what its bytes say (RFC 9110, RFC 9112); for every server.
//!
//! What can be told from the bytes alone is refused by [`crate::connection`] before there is a
//! request.

use actix_http::{RequestHead, Uri, Version};
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, EXPECT, HOST, HeaderMap, HeaderValue};
use actix_web::http::uri::{Authority, PathAndQuery};

use crate::problem::{Problem, kinds};

/// What servers here take, for those who ask about the whole of one.
pub(crate) const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Makes a request one of the usual form, or says what is wrong with it.
///
/// # Errors
/// 417 for an expectation that nobody here meets.
pub(crate) fn settle(head: &mut RequestHead) -> Result<(), Problem> {
    if let Some((authority, target)) = absolute(&head.uri) {
        // RFC 9112, section 3.2.2: what the field says does not count.
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            head.headers.insert(HOST, host);
        }
        if let Ok(uri) = Uri::builder().path_and_query(target).build() {
            head.uri = uri;
        }
    }
    if head.version == Version::HTTP_11 && !is_met(&head.headers) {
        return Err(kinds::EXPECTATION_FAILED.problem());
    }
    Ok(())
}

/// The answer to a request for no resource but for the server (RFC 9110, section 9.3.7).
pub(crate) fn of_server(head: &RequestHead) -> Option<HttpResponse> {
    let asks = head.method == Method::OPTIONS && head.uri.path() == "*";
    asks.then(|| HttpResponse::NoContent().insert_header((ALLOW, METHODS)).finish())
}

/// The two halves of a target in absolute form.
fn absolute(uri: &Uri) -> Option<(Authority, PathAndQuery)> {
    uri.scheme()?;
    // Written out: an empty path is a slash then.
    let target = uri.path_and_query().and_then(|target| target.as_str().parse().ok());
    Some((uri.authority()?.clone(), target.unwrap_or_else(|| PathAndQuery::from_static("/"))))
}

/// RFC 9110, section 10.1.1: one expectation is known.
fn is_met(fields: &HeaderMap) -> bool {
    fields
        .get_all(EXPECT)
        .all(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn head(method: Method, uri: &str) -> RequestHead {
        let mut head = RequestHead::default();
        (head.method, head.uri) = (method, uri.parse().unwrap());
        head.headers.insert(HOST, HeaderValue::from_static("said.example"));
        head
    }

    /// RFC 9112, section 3.2.2.
    #[test]
    fn the_authority_of_an_absolute_target_is_the_host() {
        for (uri, host, target) in [
            ("http://meant.example:81/a?b", "meant.example:81", "/a?b"),
            ("http://meant.example", "meant.example", "/"),
            ("/a?b", "said.example", "/a?b"),
        ] {
            let mut head = head(Method::GET, uri);
            settle(&mut head).unwrap();
            assert_eq!(head.headers.get(HOST).unwrap(), host);
            assert_eq!(head.uri, target);
        }
    }

    /// RFC 9110, section 10.1.1.
    #[test]
    fn an_unknown_expectation_is_not_met() {
        for (value, is_met) in [("100-continue", true), ("100-Continue", true), ("teapot", false)] {
            let mut head = head(Method::POST, "/");
            head.headers.insert(EXPECT, HeaderValue::from_static(value));
            assert_eq!(settle(&mut head).is_ok(), is_met, "{value}");
            head.version = Version::HTTP_10;
            assert!(settle(&mut head).is_ok(), "HTTP/1.0 has none");
        }
    }

    /// RFC 9110, section 9.3.7.
    #[test]
    fn the_whole_server_can_be_asked_for() {
        assert!(of_server(&head(Method::OPTIONS, "*")).is_some());
        assert!(of_server(&head(Method::OPTIONS, "/")).is_none());
    }
}
