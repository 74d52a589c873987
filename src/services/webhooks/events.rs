//! What is done on hearing others, and what is said of endpoints.
use busbar_http::Problem;
use serde::Serialize;
use serde_json::json;

use crate::audit;
use crate::events::{Event, Kind, Origin, Published, kinds, outbox};
use crate::storage::Transaction;
use crate::types::{ServiceName, Timestamp};

use super::model::delivery::{MessageId, Payload};
use super::model::endpoint::{DisabledReason, EndpointId};
use super::store::{endpoint, message};

#[derive(Debug, Serialize)]
struct EndpointDisabled {
    endpoint_id: EndpointId,
    reason: DisabledReason,
    /// Since when every attempt has failed, where some have.
    failing_since: Option<Timestamp>,
}

impl Published for EndpointDisabled {
    const KIND: Kind = kinds::WEBHOOK_ENDPOINT_DISABLED;
    fn subject(&self) -> String {
        subject_of(self.endpoint_id)
    }
}

fn subject_of(id: EndpointId) -> String {
    format!("webhook/{id}")
}

/// One message for all endpoints that hear the event, and a delivery for each of them.
pub(super) async fn heard(
    tx: &mut Transaction<'_>,
    event: &Event,
    pending_max: u32,
    at: Timestamp,
) -> Result<(), Problem> {
    let name = event.name();
    let mut listening = endpoint::listening(tx).await?;
    listening.retain(|endpoint| endpoint.events.hears(name));
    if listening.is_empty() {
        return Ok(());
    }
    let payload = Payload { kind: name, timestamp: event.time, data: &event.data };
    let payload = serde_json::to_string(&payload).map_err(Problem::internal)?;
    let id = MessageId::new();
    message::insert(tx, id, name, &payload, at).await?;
    for endpoint in listening {
        if message::room(tx, endpoint.id, pending_max).await? == 0 {
            message::turn_away(tx, endpoint.id, id, at).await?;
        } else {
            message::deliver(tx, endpoint.id, id, at).await?;
        }
    }
    Ok(())
}

/// Says that an endpoint was disabled, and puts it on record.
pub(super) async fn disabled(
    tx: &mut Transaction<'_>,
    endpoint_id: EndpointId,
    reason: DisabledReason,
    failing_since: Option<Timestamp>,
    at: Timestamp,
) -> Result<(), Problem> {
    let origin = Origin {
        source: ServiceName::Webhooks,
        at,
        correlation: format!("webhooks-{endpoint_id}"),
        causation: None,
        actor: "system".to_owned(),
    };
    outbox::publish(tx, &origin, &EndpointDisabled { endpoint_id, reason, failing_since }).await?;
    let details = json!({"reason": reason});
    put_on_record(tx, &origin.actor, "webhook.disabled", endpoint_id, None, at, details).await
}

/// What somebody did to an endpoint. Neither its URL nor its secret: both may let others in.
pub(super) async fn put_on_record(
    tx: &mut Transaction<'_>,
    actor: &str,
    action: &'static str,
    id: EndpointId,
    request_id: Option<&str>,
    at: Timestamp,
    details: serde_json::Value,
) -> Result<(), Problem> {
    let entry = audit::Entry {
        actor: actor.to_owned(),
        action,
        subject: subject_of(id),
        request_id: request_id.map(str::to_owned),
        at,
        details,
    };
    audit::record(tx, &entry).await?;
    Ok(())
}
