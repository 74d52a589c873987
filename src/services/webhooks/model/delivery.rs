//! Deliveries: one message for one endpoint, until it is taken or given up.
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::types::{Holder, Timestamp, id, words};

use super::attempt::AttemptView;
use super::endpoint::EndpointId;

id! {
    /// What is sent; `webhook-id`, the same for each attempt and replay.
    MessageId,
    /// One message for one endpoint.
    DeliveryId,
}

words! {
    /// Pending: it is due now or later. Delivered: it was answered 2xx. Failed: given up, until
    /// somebody retries it.
    pub(crate) enum DeliveryStatus: "status_unknown" {
        Pending = "pending",
        Delivered = "delivered",
        Failed = "failed",
    }
}

words! {
    /// Which deliveries a replay sends again.
    pub(crate) enum Replayed: "replay_status_unknown" {
        Failed = "failed",
        All = "all",
    }
}

/// What is sent as the body: the shape of Standard Webhooks.
#[derive(Debug, Serialize)]
pub(crate) struct Payload<'a> {
    /// `bill.issued`.
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    pub(crate) timestamp: Timestamp,
    pub(crate) data: &'a Value,
}

/// `POST /webhooks/{id}/replay`: deliveries made within `[since, until)`.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayOrder {
    pub(crate) since: Timestamp,
    /// Now, if not said.
    pub(crate) until: Option<Timestamp>,
    pub(crate) status: Replayed,
}

/// How many were put into the queue again, as far as there is room; `has_more`: ask once more for the
/// rest, when some of these were sent.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Replay {
    pub(crate) queued: u64,
    pub(crate) has_more: bool,
}

/// A delivery as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(crate) endpoint_id: EndpointId,
    pub(crate) message_id: MessageId,
    pub(crate) event: String,
    pub(crate) status: DeliveryStatus,
    pub(crate) attempts: u32,
    pub(crate) due_at: Timestamp,
    pub(crate) error: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) settled_at: Option<Timestamp>,
}

/// A delivery under a lease of ours.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) id: DeliveryId,
    pub(crate) endpoint_id: EndpointId,
    /// The number of the attempt that now begins.
    pub(crate) attempts: u32,
    /// Failures since it was last put into the queue.
    pub(crate) failures: u32,
    pub(crate) holder: Holder,
}

/// What is sent, and where to.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) message_id: MessageId,
    pub(crate) url: String,
    pub(crate) payload: String,
}

/// A delivery as it is shown; lists leave payload and attempts out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    pub(crate) id: DeliveryId,
    endpoint_id: EndpointId,
    /// `webhook-id`.
    message_id: MessageId,
    event: String,
    status: DeliveryStatus,
    attempts_made: u32,
    /// When the next attempt is due, while it is pending.
    next_attempt_at: Option<Timestamp>,
    /// How the last attempt failed.
    error: Option<String>,
    pub(crate) created_at: Timestamp,
    settled_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptView>>,
}

impl Delivery {
    pub(crate) fn view(self) -> DeliveryView {
        let is_pending = self.status == DeliveryStatus::Pending;
        DeliveryView {
            id: self.id,
            endpoint_id: self.endpoint_id,
            message_id: self.message_id,
            event: self.event,
            status: self.status,
            attempts_made: self.attempts,
            next_attempt_at: is_pending.then_some(self.due_at),
            error: self.error,
            created_at: self.created_at,
            settled_at: self.settled_at,
            payload: None,
            attempts: None,
        }
    }
}

impl DeliveryView {
    pub(crate) fn whole(self, payload: Value, attempts: Vec<AttemptView>) -> DeliveryView {
        DeliveryView { payload: Some(payload), attempts: Some(attempts), ..self }
    }
}
