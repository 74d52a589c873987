//! What the gateway itself answers when no service does. None of it says where services are.

use busbar_http::problems;

problems! {
    PATH_INVALID => 400 "path_invalid" "the path is not in its plain form";
    TOKEN_REVOKED => 401 "token_revoked" "the session of this token has ended";
    BODY_INCOMPLETE => 400 "body_incomplete" "the body ended before its end";
    REQUEST_TIMEOUT => 408 "request_timeout" "the body did not come in time";
    RATE_LIMITED => 429 "rate_limited" "too many requests in this time: wait before the next one";
    UPSTREAM_FAILED => 502 "upstream_failed" "the service broke off or did not speak HTTP";
    UPSTREAM_OVERFLOW => 503 "upstream_overflow" "too many requests wait for this service";
    SERVICE_UNAVAILABLE => 503 "service_unavailable" "the service cannot be reached";
    NOT_CACHED => 504 "not_cached" "a kept answer was wanted, and there is none";
    VALIDATION_FAILED => 504 "validation_failed" "the service could not be asked whether the kept answer is still so";
    UPSTREAM_TIMEOUT => 504 "upstream_timeout" "the service did not answer in time";
}
