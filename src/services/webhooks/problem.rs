//! What can go wrong with webhooks.
use busbar_http::{Problem, problems};

use super::guard::Rule;
use super::model::endpoint::EndpointStatus;
use super::seal::SealFault;

problems! {
    WEBHOOK_NOT_FOUND => 404 "webhook_not_found" "there is no such webhook";
    WEBHOOK_DELIVERY_NOT_FOUND => 404 "webhook_delivery_not_found" "there is no such delivery";
    WEBHOOK_INVALID_STATE => 409 "webhook_invalid_state" "the webhook's state does not allow this";
    WEBHOOKS_TOO_MANY => 409 "webhooks_too_many" "there are as many webhooks as there may be";
    WEBHOOK_URL_FORBIDDEN => 422 "webhook_url_forbidden" "this address is not called";
    WEBHOOK_EVENT_UNKNOWN => 422 "webhook_event_unknown" "no event is called so";
    WEBHOOK_EVENTS_COUNT => 422 "webhook_events_count" "1 to 50 events";
    WEBHOOK_OVERLAP_TOO_LONG => 422 "webhook_overlap_too_long"
        "a secret lives on for seven days at most";
    WEBHOOK_PERIOD_INVALID => 422 "webhook_period_invalid" "the period ends before it begins";
}

/// The URL is refused by this rule.
pub(super) fn forbidden(rule: Rule) -> Problem {
    WEBHOOK_URL_FORBIDDEN.problem().at("/url").with("rule", rule.as_str())
}

/// What was asked for needs another state than the current one.
pub(super) fn invalid_state(current: EndpointStatus, allowed: EndpointStatus) -> Problem {
    let problem = WEBHOOK_INVALID_STATE.problem().with("current", current.as_str());
    problem.with("allowed", vec![allowed.as_str()])
}

impl From<SealFault> for Problem {
    fn from(fault: SealFault) -> Problem {
        Problem::internal(fault)
    }
}
