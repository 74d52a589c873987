//! Endpoints: where events are sent to, and which.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{Name, Timestamp, id, words};

use super::super::filter::Filters;
use super::super::schedule::Failing;

id! {
    /// An endpoint of somebody else.
    EndpointId,
    /// One secret of an endpoint.
    SecretId,
}

words! {
    /// Active: it is called. Paused: what it would hear waits. Disabled: it hears nothing.
    pub(crate) enum EndpointStatus: "status_unknown" {
        Active = "active",
        Paused = "paused",
        Disabled = "disabled",
    }
}

words! {
    /// Why Busbar has disabled an endpoint.
    pub(crate) enum DisabledReason: "reason_unknown" {
        /// It has answered 410.
        Gone = "gone",
        /// It has failed for too long.
        Failing = "failing",
    }
}

/// `POST /webhooks`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEndpoint {
    /// Where to; https and a public address, unless the settings allow others.
    pub(crate) url: String,
    /// `bill.issued`, `payment.*`, `*`.
    pub(crate) events: Vec<String>,
    pub(crate) description: Option<Name>,
}

/// `PATCH /webhooks/{id}`: what is absent stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointChange {
    pub(crate) url: Option<String>,
    pub(crate) events: Option<Vec<String>>,
    pub(crate) description: Option<Name>,
}

/// `POST /webhooks/{id}/secret/rotate`.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// How long the secret until now goes on signing beside the new one: up to seven days, one if
    /// not said.
    #[serde(default = "overlap_default")]
    pub(crate) expire_old_after_s: u64,
}

/// The longest overlap of two secrets, in seconds.
pub(crate) const OVERLAP_SECONDS_MAX: u64 = 604_800;
const OVERLAP_SECONDS: u64 = 86_400;

fn overlap_default() -> u64 {
    OVERLAP_SECONDS
}

/// An endpoint as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: EndpointId,
    pub(crate) url: String,
    pub(crate) description: Option<Name>,
    pub(crate) events: Filters,
    pub(crate) status: EndpointStatus,
    pub(crate) disabled_reason: Option<DisabledReason>,
    pub(crate) failing: Failing,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// An endpoint as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EndpointView {
    pub(crate) id: EndpointId,
    url: String,
    description: Option<Name>,
    events: Vec<String>,
    status: EndpointStatus,
    disabled_reason: Option<DisabledReason>,
    /// Since when every attempt has failed, where some have.
    failing_since: Option<Timestamp>,
    /// Shown once: when the endpoint is made, and when its secret is rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    version: i64,
    pub(crate) created_at: Timestamp,
    updated_at: Timestamp,
}

impl Endpoint {
    pub(crate) fn view(self) -> EndpointView {
        EndpointView {
            id: self.id,
            url: self.url,
            description: self.description,
            events: self.events.texts(),
            status: self.status,
            disabled_reason: self.disabled_reason,
            failing_since: self.failing.first_at,
            secret: None,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

impl EndpointView {
    pub(crate) fn with_secret(self, secret: String) -> EndpointView {
        EndpointView { secret: Some(secret), ..self }
    }
}
