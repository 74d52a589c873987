//! Attempts: one call each, written down before and after it.
use busbar_http::client::outside::{Called, Failure};
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Timestamp, words};

/// What is kept of an answer's body, in bytes.
const RESPONSE_BYTES_MAX: usize = 4 * 1_024;

words! {
    /// How an attempt went.
    pub(crate) enum Outcome: "outcome_unknown" {
        /// Answered 2xx.
        Delivered = "delivered",
        /// Answered 410: it wants nothing any more.
        Gone = "gone",
        /// Answered 3xx: redirects are not followed.
        Redirected = "redirected",
        /// Answered anything else.
        Refused = "refused",
        /// The address is none that may be called.
        BlockedIp = "blocked_ip",
        NameUnknown = "name_unknown",
        Unreachable = "unreachable",
        ConnectTimeout = "connect_timeout",
        TlsFailed = "tls_failed",
        /// No answer in time.
        Timeout = "timeout",
        /// The connection broke, or the answer made no sense.
        Broken = "broken",
        /// Its secret cannot be read: it was kept under another key.
        Unsigned = "unsigned",
        /// Busbar was stopped meanwhile.
        Interrupted = "interrupted",
    }
}

/// A call that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    pub(crate) status: Option<u16>,
    pub(crate) address: Option<String>,
    pub(crate) response: Option<String>,
    pub(crate) retry_after: Option<String>,
}

/// An attempt as it is kept and shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AttemptView {
    pub(crate) number: u32,
    pub(crate) started_at: Timestamp,
    /// Absent while it is under way.
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) outcome: Option<Outcome>,
    /// Of the answer.
    pub(crate) status: Option<u16>,
    /// The address that was dialled, or would have been.
    pub(crate) address: Option<String>,
    /// The first 4 KiB of the answer's body.
    pub(crate) response: Option<String>,
}

impl Ended {
    /// A call that never came about, or was cut off.
    pub(crate) fn without_answer(outcome: Outcome) -> Ended {
        Ended { outcome, status: None, address: None, response: None, retry_after: None }
    }

    pub(crate) fn of(called: Called) -> Ended {
        let address = called.dialled.map(|address| address.to_string());
        match called.outcome {
            Ok(reply) => {
                let retry_after = reply.headers.get("retry-after");
                let retry_after = retry_after.and_then(|value| value.to_str().ok());
                let may_ask = matches!(reply.status.as_u16(), 429 | 503);
                Ended {
                    outcome: judged(reply.status.as_u16()),
                    status: Some(reply.status.as_u16()),
                    address,
                    response: Some(excerpt(&reply.body)),
                    retry_after: retry_after.filter(|_| may_ask).map(str::to_owned),
                }
            }
            Err(Failure::Blocked(address, _)) => Ended {
                address: Some(address.to_string()),
                ..Ended::without_answer(Outcome::BlockedIp)
            },
            Err(failure) => Ended { address, ..Ended::without_answer(named(failure)) },
        }
    }
}

fn judged(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Delivered,
        300..=399 => Outcome::Redirected,
        410 => Outcome::Gone,
        _ => Outcome::Refused,
    }
}

fn named(failure: Failure) -> Outcome {
    match failure {
        Failure::NameUnknown => Outcome::NameUnknown,
        Failure::Blocked(..) => Outcome::BlockedIp,
        Failure::Unreachable => Outcome::Unreachable,
        Failure::ConnectTimeout => Outcome::ConnectTimeout,
        Failure::Tls => Outcome::TlsFailed,
        Failure::Timeout => Outcome::Timeout,
        Failure::Broken => Outcome::Broken,
    }
}

/// The beginning of a body as text that a database keeps and a terminal stands.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(RESPONSE_BYTES_MAX)]);
    let plain = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_2xx_is_delivered() {
        for (status, outcome) in [
            (200, Outcome::Delivered),
            (204, Outcome::Delivered),
            (302, Outcome::Redirected),
            (304, Outcome::Redirected),
            (404, Outcome::Refused),
            (410, Outcome::Gone),
            (500, Outcome::Refused),
        ] {
            assert_eq!(judged(status), outcome, "{status}");
        }
    }

    #[test]
    fn of_an_answer_the_beginning_is_kept_without_control_characters() {
        assert_eq!(excerpt(b"a\0b\x1b[1m\xff\n"), "a\u{fffd}b\u{fffd}[1m\u{fffd}\n");
        assert_eq!(excerpt(&[b'x'; 9_999]).len(), RESPONSE_BYTES_MAX);
    }
}
