//! What is said to a client whose request never became one: before a handler, beside the server.

use std::time::SystemTime;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::header::{ALLOW, HttpDate};

use crate::problem::{Kind, kinds};
use crate::strict::METHODS;

/// Why a request is refused before it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed,
    BareLf,
    BareCr,
    FoldedLine,
    LengthInvalid,
    TwoLengths,
    CodingInvalid,
    CodingUnknown,
    ChunkInvalid,
    HostInvalid,
    TargetInvalid,
    /// CONNECT: no tunnels here.
    Tunnel,
    VersionUnknown,
    LineTooLong,
    HeadTooLarge,
    TooSlow,
}

impl Refusal {
    fn kind(self) -> Kind {
        match self {
            Refusal::Malformed | Refusal::BareLf | Refusal::BareCr | Refusal::FoldedLine => {
                kinds::REQUEST_MALFORMED
            }
            Refusal::LengthInvalid | Refusal::TwoLengths => kinds::LENGTH_INVALID,
            Refusal::CodingInvalid => kinds::TRANSFER_CODING_INVALID,
            Refusal::CodingUnknown => kinds::TRANSFER_CODING_UNKNOWN,
            Refusal::ChunkInvalid => kinds::CHUNK_INVALID,
            Refusal::HostInvalid => kinds::HOST_INVALID,
            Refusal::TargetInvalid => kinds::TARGET_INVALID,
            Refusal::Tunnel => kinds::METHOD_NOT_ALLOWED,
            Refusal::VersionUnknown => kinds::VERSION_UNKNOWN,
            Refusal::LineTooLong => kinds::TARGET_TOO_LONG,
            Refusal::HeadTooLarge => kinds::HEAD_TOO_LARGE,
            Refusal::TooSlow => kinds::HEAD_TOO_SLOW,
        }
    }

    fn detail(self) -> Option<&'static str> {
        Some(match self {
            Refusal::BareLf => "a line ends in LF without CR",
            Refusal::BareCr => "there is a CR without LF",
            Refusal::FoldedLine => "a field goes on in a second line",
            Refusal::TwoLengths => "there are Content-Length and Transfer-Encoding",
            _ => return None,
        })
    }

    /// The stable code: what a count is kept under.
    pub(super) fn code(self) -> &'static str {
        self.kind().code
    }

    /// What the parser behind has refused, by its status line.
    pub(super) fn of_parser(line: &[u8]) -> Refusal {
        match line.get(9..12) {
            Some(b"431") => Refusal::HeadTooLarge,
            Some(b"408") => Refusal::TooSlow,
            _ => Refusal::Malformed,
        }
    }

    /// The whole answer as it is written; the connection ends with it. One to HEAD has no body (RFC
    /// 9110, section 9.3.2).
    pub(super) fn written(self, is_head: bool) -> Vec<u8> {
        let problem = self.kind().problem();
        let problem = match self.detail() {
            Some(detail) => problem.detail(detail),
            None if self == Refusal::Tunnel => problem.header(ALLOW, METHODS),
            None => problem,
        };
        written(problem.response(None), self.code(), is_head)
    }
}

fn written(response: HttpResponse, code: &str, is_head: bool) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {}\r\n", response.status());
    for (name, value) in response.headers() {
        if let Ok(value) = value.to_str() {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    let body = response.into_body().try_into_bytes().unwrap_or_default();
    text.push_str(&format!(
        "x-busbar-reason: {code}\r\nconnection: close\r\ndate: {}\r\ncontent-length: {}\r\n\r\n",
        now(),
        body.len()
    ));
    let mut bytes = text.into_bytes();
    if !is_head {
        bytes.extend_from_slice(&body);
    }
    bytes
}

/// For the `Date` field, which the server's own clock writes elsewhere (RFC 9110, section 6.6.1).
#[allow(clippy::disallowed_methods, reason = "nothing is decided by it")]
fn now() -> HttpDate {
    SystemTime::now().into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_whole_problem_and_the_end() {
        let text = String::from_utf8(Refusal::TwoLengths.written(false)).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();

        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        for line in [
            "content-type: application/problem+json",
            "connection: close",
            "x-busbar-reason: length_invalid",
            &format!("content-length: {}", body.len()),
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
        assert!(body.contains("\"code\":\"length_invalid\""), "{body}");
        let bare = String::from_utf8(Refusal::TwoLengths.written(true)).unwrap();
        assert_eq!(bare.split_once("\r\n\r\n").unwrap().1, "");
    }

    #[test]
    fn the_parsers_own_refusals_get_a_body() {
        let of = |line: &str| Refusal::of_parser(line.as_bytes());
        assert_eq!(of("HTTP/1.1 400 Bad Request\r\n"), Refusal::Malformed);
        assert_eq!(of("HTTP/1.1 431 Request Header Fields Too Large"), Refusal::HeadTooLarge);
        assert_eq!(of("HTTP"), Refusal::Malformed);
    }
}
