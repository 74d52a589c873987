//! What can go wrong with providers, accounts, meters, readings and tariffs.
use busbar_http::{Problem, problems};

use super::model::provider::Provider;

problems! {
    PROVIDER_NOT_FOUND => 404 "provider_not_found" "there is no such provider";
    ACCOUNT_NOT_FOUND => 404 "service_account_not_found" "there is no such service account";
    METER_NOT_FOUND => 404 "meter_not_found" "there is no such meter";
    READING_NOT_FOUND => 404 "reading_not_found" "there is no such reading";
    TARIFF_NOT_FOUND => 404 "tariff_not_found" "there is no such tariff, or no such version";
    INVALID_STATE => 409 "invalid_state" "the state does not allow this";
    MAKER_IS_CHECKER => 409 "maker_is_checker" "who made, changed or submitted a provider does not approve it";
    PROVIDER_IN_USE => 409 "provider_in_use"
        "kind, currency and time zone stay once a provider is active";
    PROVIDER_PAUSED => 409 "provider_paused" "the provider takes no new accounts at the moment";
    PROVIDER_NOT_ACTIVE => 409 "provider_not_active" "the provider is not active";
    ACCOUNT_CLOSED => 409 "service_account_closed" "the service account is closed";
    METERS_TOO_MANY => 409 "meters_too_many" "the service account has as many meters as it can";
    METER_RETIRED => 409 "meter_retired" "the meter is retired";
    READING_AFTER => 409 "reading_after_retirement" "a reading that counts, waits, or stands in a bill is later";
    PERIOD_BILLED => 409 "period_billed" "the account is billed beyond this day already";
    READING_CONFLICT => 409 "reading_conflict"
        "the register showed something else at this instant; `corrected` takes its place";
    TARIFF_OVERLAP => 409 "tariff_overlap" "a version of the tariff begins on this day already";
    PROVIDER_UNKNOWN => 422 "provider_unknown" "there is no such provider";
    ACCOUNT_UNKNOWN => 422 "service_account_unknown" "there is no such service account";
    TARIFF_UNKNOWN => 422 "tariff_unknown" "the provider has no such tariff";
    REGISTER_UNKNOWN => 422 "register_unknown" "the meter has no such register";
    READING_UNKNOWN => 422 "reading_unknown" "there is no such reading";
    NO_TARIFF => 422 "no_tariff" "no tariff holds on a day of the period";
    QUANTITY_OUT_OF_RANGE => 422 "quantity_out_of_range"
        "a register counted more than fifteen digits can say";
}

/// The move is not in the table of states.
pub(super) fn invalid_move(provider: &Provider) -> Problem {
    let allowed: Vec<&str> = provider.status.next().iter().map(|next| next.as_str()).collect();
    INVALID_STATE.problem().with("current", provider.status.as_str()).with("allowed", allowed)
}
