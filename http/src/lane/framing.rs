//! Where an answer ends, decided from its head by RFC 9112, section 6.3. Pure.
//!
//! The codec alone is not to be trusted: it takes an HTTP/1.1 answer without a length for empty,
//! keeps a body decoder after 204 and 304, and calls an HTTP/1.0 answer reusable.

use actix_http::{
    Method, ResponseHead, StatusCode, Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

/// What comes after the head on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    Nothing,
    /// A length or chunks: the codec knows where it ends.
    Coded,
    /// Everything up to the end of the connection.
    UntilClose,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Framing {
    pub(crate) follows: Follows,
    /// The connection may serve another request when the answer is over.
    pub(crate) is_reusable: bool,
}

/// `is_coded`: the codec has set up a body decoder. Takes away a `Content-Length` that chunks
/// overrule, as the same section demands of what is passed on.
pub(crate) fn framing(
    method: &Method,
    answer: &mut ResponseHead,
    is_coded: bool,
) -> Result<Framing, &'static str> {
    let is_http11 = answer.version == Version::HTTP_11;
    let ends = |follows, is_reusable| Framing { follows, is_reusable: is_http11 && is_reusable };
    // Rule 1. A 204 that announces a body may send one: what follows cannot be trusted.
    let is_bodiless = matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if is_bodiless || method == Method::HEAD {
        return Ok(ends(Follows::Nothing, !is_coded || answer.status == StatusCode::NOT_MODIFIED));
    }
    // Rules 3 and 4.
    if answer.headers.contains_key(TRANSFER_ENCODING) {
        if !is_http11 {
            return Err("transfer-encoding in HTTP/1.0");
        }
        let had_length = answer.headers.remove(CONTENT_LENGTH).next().is_some();
        return Ok(match is_coded {
            true => ends(Follows::Coded, !had_length),
            false => ends(Follows::UntilClose, false),
        });
    }
    // Rules 5, 6 and 8. The codec drops a decoder of length zero; the only other length it drops
    // is one beside `Upgrade`, and HTTP/1.0 without a length it decodes up to the end by itself.
    match (is_coded, answer.headers.get(CONTENT_LENGTH)) {
        (true, Some(_)) => Ok(ends(Follows::Coded, true)),
        (_, None) => Ok(ends(Follows::UntilClose, false)),
        (false, Some(length)) if length.as_bytes().iter().all(|digit| *digit == b'0') => {
            Ok(ends(Follows::Nothing, true))
        }
        (false, Some(_)) => Err("ambiguous length"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_http::header::{HeaderName, HeaderValue};

    use super::*;

    fn head(status: u16, fields: &[(HeaderName, &'static str)]) -> ResponseHead {
        let mut head = ResponseHead::new(StatusCode::from_u16(status).unwrap());
        for (name, value) in fields {
            head.headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        head
    }

    fn decide(method: Method, mut answer: ResponseHead, is_coded: bool) -> (Follows, bool) {
        let framing = framing(&method, &mut answer, is_coded).unwrap();
        (framing.follows, framing.is_reusable)
    }

    #[test]
    fn bodiless_answers_have_no_body_whatever_they_announce() {
        let length = || [(CONTENT_LENGTH, "5")];

        assert_eq!(decide(Method::GET, head(304, &length()), true), (Follows::Nothing, true));
        assert_eq!(decide(Method::GET, head(204, &[]), false), (Follows::Nothing, true));
        assert_eq!(decide(Method::GET, head(204, &length()), true), (Follows::Nothing, false));
        assert_eq!(decide(Method::HEAD, head(200, &length()), false), (Follows::Nothing, true));
    }

    #[test]
    fn chunks_overrule_a_length_and_cost_the_connection() {
        let mut answer = head(200, &[(CONTENT_LENGTH, "5"), (TRANSFER_ENCODING, "chunked")]);

        let framing = framing(&Method::GET, &mut answer, true).unwrap();

        assert_eq!(framing, Framing { follows: Follows::Coded, is_reusable: false });
        assert!(!answer.headers.contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn a_body_without_a_length_ends_with_the_connection() {
        let unframed = decide(Method::GET, head(200, &[]), false);
        let identity = decide(Method::GET, head(200, &[(TRANSFER_ENCODING, "identity")]), false);

        assert_eq!(unframed, (Follows::UntilClose, false));
        assert_eq!(identity, (Follows::UntilClose, false));
    }

    #[test]
    fn http_1_0_is_never_reused_and_has_no_chunks() {
        let mut old = head(200, &[(CONTENT_LENGTH, "5")]);
        old.version = Version::HTTP_10;
        let mut chunked = head(200, &[(TRANSFER_ENCODING, "chunked")]);
        chunked.version = Version::HTTP_10;

        assert_eq!(decide(Method::GET, old, true), (Follows::Coded, false));
        framing(&Method::GET, &mut chunked, false).unwrap_err();
    }

    #[test]
    fn zero_is_empty_and_a_length_the_codec_ignored_is_an_error() {
        let empty = decide(Method::GET, head(200, &[(CONTENT_LENGTH, "0")]), false);

        assert_eq!(empty, (Follows::Nothing, true));
        framing(&Method::GET, &mut head(200, &[(CONTENT_LENGTH, "5")]), false).unwrap_err();
    }
}
