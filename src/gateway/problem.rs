//! What the gateway itself answers when no service does. None of it says where services are.
//!
//! The codes are its one vocabulary of reasons: the same word stands in the body, in a header for
//! those who do not read bodies, in the metric and in the log.

use actix_web::http::header::{HeaderName, HeaderValue};
use busbar_http::{Problem, problems};

problems! {
    PATH_INVALID => 400 "path_invalid" "the path is not in its plain form";
    TOKEN_REVOKED => 401 "token_revoked" "the session of this token has ended";
    BODY_INCOMPLETE => 400 "body_incomplete" "the body ended before its end";
    REQUEST_TIMEOUT => 408 "request_timeout" "the body did not come in time";
    RATE_LIMITED => 429 "rate_limited" "too many requests in this time: wait before the next one";
    WEBSOCKET_INVALID => 400 "websocket_invalid" "this is not how a WebSocket is opened";
    WEBSOCKET_VERSION => 426 "websocket_version" "WebSockets are spoken in version 13";
    UPSTREAM_FAILED => 502 "upstream_failed" "the service broke off or did not speak HTTP";
    UPSTREAM_OVERFLOW => 503 "upstream_overflow" "too many requests wait for this service";
    BREAKER_REJECTING => 503 "breaker_rejecting" "the service failed too often and is left alone";
    MAILBOX_FULL => 503 "mailbox_full" "too many requests wait to be passed on";
    OVERLOADED => 503 "overloaded" "too many requests are under way";
    SERVICE_UNAVAILABLE => 503 "service_unavailable" "the service cannot be reached";
    NOT_CACHED => 504 "not_cached" "a kept answer was wanted, and there is none";
    VALIDATION_FAILED => 504 "validation_failed" "the service could not be asked whether the kept answer is still so";
    UPSTREAM_TIMEOUT => 504 "upstream_timeout" "the service did not answer in time";
}

/// It will be empty in a moment.
const RETRY_AFTER_SECONDS: u64 = 1;

pub(super) fn mailbox_full() -> Problem {
    MAILBOX_FULL.problem().retry_after(RETRY_AFTER_SECONDS)
}

/// The reason of an answer that the gateway made because it or a service could not.
pub(super) const REASON: HeaderName = HeaderName::from_static("x-busbar-reason");

/// Tells the reason in a header, too, when it lies here or behind: 5xx and 429.
pub(super) fn reasoned(problem: Problem) -> Problem {
    if !is_a_refusal(&problem) {
        return problem;
    }
    match HeaderValue::from_str(problem.code()) {
        Ok(reason) => problem.header(REASON, reason),
        Err(_) => problem,
    }
}

pub(super) fn is_a_refusal(problem: &Problem) -> bool {
    problem.status().is_server_error() || problem.status().as_u16() == 429
}
