//! All the SQL of webhooks: endpoints with their secrets, messages, deliveries and attempts.
pub(super) mod attempt;
pub(super) mod claim;
pub(super) mod delivery;
pub(super) mod endpoint;
pub(super) mod message;
pub(super) mod secret;
pub(super) mod upkeep;

use crate::storage::{Statement, stored_as_text};

use super::model::attempt::Outcome;
use super::model::delivery::{DeliveryId, DeliveryStatus, MessageId};
use super::model::endpoint::{DisabledReason, EndpointId, EndpointStatus, SecretId};

stored_as_text!(DeliveryId, DeliveryStatus, DisabledReason, EndpointId, EndpointStatus);
stored_as_text!(MessageId, Outcome, SecretId);

/// Every statement, for the test that prepares them on both engines.
pub(super) fn statements() -> Vec<&'static [Statement]> {
    vec![
        attempt::STATEMENTS,
        claim::STATEMENTS,
        delivery::STATEMENTS,
        endpoint::STATEMENTS,
        message::STATEMENTS,
        secret::STATEMENTS,
        upkeep::STATEMENTS,
    ]
}
