//! What the admin port has to say when it does not do what it was asked.

use busbar_http::problems;

problems! {
    ORIGIN_NOT_ALLOWED => 403 "origin_not_allowed" "a page of another place may not ask here";
    HOST_NOT_ALLOWED => 421 "host_not_allowed" "without a token this is asked by its loopback address only";
    SERVICE_UNKNOWN => 404 "service_unknown" "this process hosts no service of that name";
    OPERATION_UNKNOWN => 404 "operation_unknown" "there is no such operation, or it was long ago";
    LETTER_UNKNOWN => 404 "letter_unknown" "nothing of that id was given up, or what came after it is not done";
    NO_GATEWAY => 404 "no_gateway" "this process hosts no gateway";
    UPSTREAM_UNKNOWN => 404 "upstream_unknown" "nothing of that name is behind the gateway";
    SETTINGS_INVALID => 422 "settings_invalid" "the settings are wrong, and none was taken";
    NOT_FOR_ADMIN => 409 "not_for_admin" "the admin port cannot be ended by itself";
    TOO_MANY_OPERATIONS => 503 "too_many_operations" "too many operations are under way";
}
