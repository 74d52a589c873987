//! What can go wrong with notifications.

use busbar_http::problems;

problems! {
    NOTIFICATION_NOT_FOUND => 404 "notification_not_found" "there is no such notification";
    ANNOUNCEMENT_NOT_FOUND => 404 "announcement_not_found" "there is no such announcement";
    SUPPRESSION_NOT_FOUND => 404 "suppression_not_found"
        "the address of this user has not been given up";
    USER_NOT_FOUND => 404 "user_not_found" "there is no such user";
    NOTIFICATION_NOT_FAILED => 409 "notification_not_failed"
        "only what has failed, or was kept back because of its address, is sent again";
    EVENT_UNREADABLE => 422 "event_unreadable" "the event's data are not what its type says";
    PEER_UNAVAILABLE => 503 "peer_unavailable" "a service that is needed did not answer";
}
