//! What can go wrong with accounts, passwords and sessions.

use busbar_http::problems;

problems! {
    USER_NOT_FOUND => 404 "user_not_found" "there is no such user";
    EMAIL_TAKEN => 409 "email_taken" "an account with this e-mail address exists already";
    VERSION_MISMATCH => 412 "version_mismatch" "it has been changed since it was read";
    USER_SUSPENDED => 409 "user_suspended" "the user is suspended";
    USER_NOT_SUSPENDED => 409 "user_not_suspended" "the user is not suspended";
    LAST_ADMINISTRATOR => 409 "last_administrator"
        "this is the last administrator who can log in: name another one first";

    INVALID_CREDENTIALS => 401 "invalid_credentials" "the e-mail address or the password is wrong";
    EMAIL_UNVERIFIED => 403 "email_unverified"
        "the e-mail address is not proven yet: follow the link in the mail first";
    ACCOUNT_SUSPENDED => 403 "account_suspended" "the account is suspended";
    TOO_MANY_ATTEMPTS => 429 "too_many_attempts" "too many attempts: wait before the next one";
    HASHING_BUSY => 503 "hashing_busy" "too many passwords are being checked at the moment";

    TOKEN_REVOKED => 401 "token_revoked" "the session of this token has ended";
    REFRESH_TOKEN_INVALID => 401 "refresh_token_invalid" "this is no refresh token";
    REFRESH_TOKEN_EXPIRED => 401 "refresh_token_expired"
        "the session has lasted too long, or was not used for too long: log in again";
    REFRESH_REUSE_DETECTED => 401 "refresh_reuse_detected"
        "this refresh token was used before: its session has been ended";
    SESSION_NOT_FOUND => 404 "session_not_found" "there is no such session";

    VERIFICATION_INVALID => 422 "verification_invalid"
        "this proof is not good, or no longer: ask for a new one";
    PASSWORD_RESET_INVALID => 422 "password_reset_invalid"
        "this code is not good, or no longer: ask for a new one";
    PASSWORD_RESET_NOT_FOUND => 404 "password_reset_not_found" "no new password is waited for";
    VERIFICATION_NOT_FOUND => 404 "verification_not_found" "no proof is being waited for";
}
