//! States of endpoints, their secrets, and a message to try them with.
use std::time::Duration;

use actix_web::web::Data;
use busbar_http::{Body, Caller, IfMatch, Path, Problem, Reply, RequestId};
use serde_json::json;

use super::super::model::delivery::{MessageId, Payload};
use super::super::model::endpoint::{EndpointId, EndpointStatus, OVERLAP_SECONDS_MAX, Rotation};
use super::super::problem::{WEBHOOK_DELIVERY_NOT_FOUND, WEBHOOK_OVERLAP_TOO_LONG, invalid_state};
use super::super::{Webhooks, store};
use super::{Act, seen};

/// The event of a message that somebody asked for to try an endpoint.
const TEST_EVENT: &str = "webhook.test";

/// A change of state, and how it is called on record.
struct Move {
    from: EndpointStatus,
    to: EndpointStatus,
    action: &'static str,
}

/// `POST /webhooks/{id}/pause`: what it would hear waits.
pub(crate) async fn pause(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    id: Path<EndpointId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let (from, to) = (EndpointStatus::Active, EndpointStatus::Paused);
    let act = Act::new(&caller, request, &webhooks)?;
    go(&webhooks, &act, id.0, &expected, Move { from, to, action: "webhook.paused" }).await
}

/// `POST /webhooks/{id}/resume`: what has waited is sent, in its order.
pub(crate) async fn resume(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    id: Path<EndpointId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let (from, to) = (EndpointStatus::Paused, EndpointStatus::Active);
    let act = Act::new(&caller, request, &webhooks)?;
    go(&webhooks, &act, id.0, &expected, Move { from, to, action: "webhook.resumed" }).await
}

/// `POST /webhooks/{id}/enable`: after Busbar has disabled it. What it has missed may be replayed.
pub(crate) async fn enable(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    id: Path<EndpointId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let (from, to) = (EndpointStatus::Disabled, EndpointStatus::Active);
    let act = Act::new(&caller, request, &webhooks)?;
    go(&webhooks, &act, id.0, &expected, Move { from, to, action: "webhook.enabled" }).await
}

/// An endpoint that is there already stays as it is.
async fn go(
    webhooks: &Webhooks,
    act: &Act,
    id: EndpointId,
    expected: &IfMatch,
    Move { from, to, action }: Move,
) -> Result<Reply, Problem> {
    let moved = webhooks.database.transaction(async |tx| {
        let endpoint = seen(tx, id, expected).await?;
        if endpoint.status == to {
            return Ok(endpoint.view());
        }
        if !store::endpoint::go(tx, id, from, to, act.at).await? {
            return Err(invalid_state(endpoint.status, from));
        }
        act.put_on_record(tx, action, id).await?;
        Ok(seen(tx, id, &IfMatch::Any).await?.view())
    });
    Reply::first(200, &moved.await?)
}

/// `POST /webhooks/{id}/secret/rotate`: the new secret is shown once, here; the one before it goes
/// on signing for a while.
pub(crate) async fn rotate(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<EndpointId>,
    expected: IfMatch,
    Body(rotation): Body<Rotation>,
) -> Result<Reply, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    if rotation.expire_old_after_s > OVERLAP_SECONDS_MAX {
        return Err(WEBHOOK_OVERLAP_TOO_LONG.problem().at("/expire_old_after_s"));
    }
    let until = act.at.plus(Duration::from_secs(rotation.expire_old_after_s));
    let (secret, sealed) = webhooks.seal.fresh(id)?;
    let rotated = webhooks.database.transaction(async |tx| {
        seen(tx, id, &expected).await?;
        store::endpoint::touch(tx, id, act.at).await?;
        store::secret::retire(tx, id, until).await?;
        store::secret::insert(tx, id, &sealed, act.at).await?;
        act.put_on_record(tx, "webhook.secret_rotated", id).await?;
        Ok::<_, Problem>(seen(tx, id, &IfMatch::Any).await?.view())
    });
    Reply::first(200, &rotated.await?.with_secret(secret.shown()))
}

/// `POST /webhooks/{id}/test`: a message of its own, whatever the endpoint hears.
pub(crate) async fn test(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<EndpointId>,
) -> Result<Reply, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    let data = json!({"webhook_id": id});
    let payload = Payload { kind: TEST_EVENT, timestamp: act.at, data: &data };
    let payload = serde_json::to_string(&payload).map_err(Problem::internal)?;
    let queued = webhooks.database.transaction(async |tx| {
        let endpoint = seen(tx, id, &IfMatch::Any).await?;
        if endpoint.status != EndpointStatus::Active {
            return Err(invalid_state(endpoint.status, EndpointStatus::Active));
        }
        let message = MessageId::new();
        store::message::insert(tx, message, TEST_EVENT, &payload, act.at).await?;
        let delivery = store::message::deliver(tx, id, message, act.at).await?;
        act.put_on_record(tx, "webhook.tested", id).await?;
        let delivery = store::delivery::seen(tx, delivery).await?;
        Ok(delivery.ok_or_else(|| WEBHOOK_DELIVERY_NOT_FOUND.problem())?.view())
    });
    Reply::first(202, &queued.await?)
}
