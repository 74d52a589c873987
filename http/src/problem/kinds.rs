//! The problems that every server knows.

use super::Kind;

const fn kind(status: u16, code: &'static str, title: &'static str) -> Kind {
    Kind { status, code, title }
}

pub const INVALID_JSON: Kind = kind(400, "invalid_json", "the body is not JSON");
pub const INVALID_QUERY: Kind = kind(422, "invalid_query", "the query string is wrong");
pub const KEY_REQUIRED: Kind =
    kind(400, "idempotency_key_required", "an Idempotency-Key header is required");
pub const KEY_INVALID: Kind = kind(
    400,
    "idempotency_key_invalid",
    "the Idempotency-Key is not 1 to 255 printable characters",
);
pub const UNAUTHENTICATED: Kind = kind(401, "unauthenticated", "a bearer token is required");
pub const TOKEN_INVALID: Kind = kind(401, "token_invalid", "the token is not valid");
pub const TOKEN_EXPIRED: Kind = kind(401, "token_expired", "the token has expired");
pub const INSUFFICIENT_SCOPE: Kind = kind(403, "insufficient_scope", "the caller may not do this");
pub const NOT_FOUND: Kind = kind(404, "not_found", "there is nothing here");
pub const NUL_NOT_ALLOWED: Kind =
    kind(422, "nul_not_allowed", "a text may not hold the character U+0000");
pub const METHOD_NOT_ALLOWED: Kind =
    kind(405, "method_not_allowed", "this resource does not take this method");
pub const VERSION_MISMATCH: Kind =
    kind(412, "version_mismatch", "it was changed since you read it");
pub const PRECONDITION_FAILED: Kind =
    kind(412, "precondition_failed", "it is not what the condition says");
pub const RANGE_NOT_SATISFIABLE: Kind =
    kind(416, "range_not_satisfiable", "the range lies behind the end");
pub const BODY_TOO_SLOW: Kind = kind(408, "body_too_slow", "the body did not come in time");
pub const BODY_TOO_LARGE: Kind = kind(413, "body_too_large", "the body is too large");
pub const UNSUPPORTED_MEDIA_TYPE: Kind =
    kind(415, "unsupported_media_type", "the body must be application/json");
pub const VALIDATION_FAILED: Kind = kind(422, "validation_failed", "the body has wrong fields");
pub const INTERNAL: Kind = kind(500, "internal", "something went wrong on our side");
pub const KEYS_UNAVAILABLE: Kind =
    kind(503, "keys_unavailable", "tokens cannot be verified at the moment");
pub const DEADLINE_EXCEEDED: Kind =
    kind(504, "deadline_exceeded", "the request took longer than it may");
pub const REQUEST_MALFORMED: Kind =
    kind(400, "request_malformed", "this is not a request in HTTP/1.1");
pub const LENGTH_INVALID: Kind =
    kind(400, "length_invalid", "the length of the body is not told in one way");
pub const TRANSFER_CODING_INVALID: Kind =
    kind(400, "transfer_coding_invalid", "a transfer coding must be chunked, once, in HTTP/1.1");
pub const CHUNK_INVALID: Kind = kind(400, "chunk_invalid", "the body does not consist of chunks");
pub const HOST_INVALID: Kind = kind(400, "host_invalid", "there must be one valid Host field");
pub const TARGET_INVALID: Kind = kind(400, "target_invalid", "the target is not a path here");
pub const HEAD_TOO_SLOW: Kind =
    kind(408, "head_too_slow", "the head of the request did not come in time");
pub const TARGET_TOO_LONG: Kind = kind(414, "target_too_long", "the request line is too long");
pub const EXPECTATION_FAILED: Kind =
    kind(417, "expectation_failed", "only 100-continue can be expected");
pub const HEAD_TOO_LARGE: Kind =
    kind(431, "head_too_large", "the fields of the request are too many or too large");
pub const TRANSFER_CODING_UNKNOWN: Kind =
    kind(501, "transfer_coding_unknown", "the only transfer coding here is chunked");
pub const VERSION_UNKNOWN: Kind =
    kind(505, "version_unknown", "this server speaks HTTP/1.1 and HTTP/1.0");

/// Every kind of this module, for the API description.
pub const ALL: &[Kind] = &[
    INVALID_JSON,
    INVALID_QUERY,
    KEY_REQUIRED,
    KEY_INVALID,
    UNAUTHENTICATED,
    TOKEN_INVALID,
    TOKEN_EXPIRED,
    INSUFFICIENT_SCOPE,
    NOT_FOUND,
    NUL_NOT_ALLOWED,
    METHOD_NOT_ALLOWED,
    VERSION_MISMATCH,
    PRECONDITION_FAILED,
    RANGE_NOT_SATISFIABLE,
    BODY_TOO_SLOW,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
    INTERNAL,
    KEYS_UNAVAILABLE,
    DEADLINE_EXCEEDED,
    REQUEST_MALFORMED,
    LENGTH_INVALID,
    TRANSFER_CODING_INVALID,
    CHUNK_INVALID,
    HOST_INVALID,
    TARGET_INVALID,
    HEAD_TOO_SLOW,
    TARGET_TOO_LONG,
    EXPECTATION_FAILED,
    HEAD_TOO_LARGE,
    TRANSFER_CODING_UNKNOWN,
    VERSION_UNKNOWN,
];
