//! The log of deliveries, and sending some of them again.
use actix_web::web::Data;
use busbar_http::{Caller, IfMatch, Listed, MaybeKeyed, Path, Problem, Query, Reply, RequestId};
use serde::Deserialize;
use serde_json::Value;

use crate::requests::{self, Claim, Request};
use crate::types::{Cursor, Limit};

use super::super::model::delivery::{
    Delivery, DeliveryId, DeliveryStatus, DeliveryView, Replay, ReplayOrder, Replayed,
};
use super::super::model::endpoint::{EndpointId, EndpointStatus};
use super::super::problem::{
    WEBHOOK_DELIVERY_NOT_FOUND, WEBHOOK_NOT_FOUND, WEBHOOK_PERIOD_INVALID, invalid_state,
};
use super::super::store::delivery::Span;
use super::super::{Webhooks, store};
use super::{Act, seen};

/// Which deliveries, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryQuery {
    status: Option<DeliveryStatus>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /webhooks/{id}/deliveries`: newest first.
pub(crate) async fn list(
    webhooks: Data<Webhooks>,
    caller: Caller,
    Path(id): Path<EndpointId>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Listed<DeliveryView>, Problem> {
    caller.require_staff()?;
    let DeliveryQuery { status, limit, cursor } = query;
    let (database, rows) = (&webhooks.database, limit.rows_and_one());
    if store::endpoint::by_id(database, id).await?.is_none() {
        return Err(WEBHOOK_NOT_FOUND.problem());
    }
    let found = store::delivery::of_endpoint(database, id, status, cursor, rows).await?;
    let views = found.into_iter().map(Delivery::view).collect();
    Ok(Listed::page(views, limit.rows(), |view: &DeliveryView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `GET /webhooks/deliveries/{id}`: with what is sent, and every attempt.
pub(crate) async fn show(
    webhooks: Data<Webhooks>,
    caller: Caller,
    Path(id): Path<DeliveryId>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let database = &webhooks.database;
    let delivery = store::delivery::by_id(database, id).await?;
    let payload = store::delivery::payload(database, id).await?;
    let (Some(delivery), Some(payload)) = (delivery, payload) else {
        return Err(WEBHOOK_DELIVERY_NOT_FOUND.problem());
    };
    let payload: Value = serde_json::from_str(&payload).map_err(Problem::internal)?;
    let attempts = store::attempt::of_delivery(database, id).await?;
    Reply::first(200, &delivery.view().whole(payload, attempts))
}

/// `POST /webhooks/deliveries/{id}/retry`: now, and from the beginning of the schedule.
pub(crate) async fn retry(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<DeliveryId>,
) -> Result<Reply, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    let queued = webhooks.database.transaction(async |tx| {
        let missing = || WEBHOOK_DELIVERY_NOT_FOUND.problem();
        let delivery = store::delivery::seen(tx, id).await?.ok_or_else(missing)?;
        let endpoint = seen(tx, delivery.endpoint_id, &IfMatch::Any).await?;
        if endpoint.status == EndpointStatus::Disabled {
            return Err(invalid_state(endpoint.status, EndpointStatus::Active));
        }
        store::delivery::again(tx, id, act.at).await?;
        act.put_on_record(tx, "webhook.delivery_retried", endpoint.id).await?;
        Ok(store::delivery::seen(tx, id).await?.ok_or_else(missing)?.view())
    });
    Reply::first(202, &queued.await?)
}

/// `POST /webhooks/{id}/replay`: what is in the queue stays there once, so asking again for failed
/// ones changes nothing; for delivered ones an `Idempotency-Key` sees to that.
pub(crate) async fn replay(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<EndpointId>,
    MaybeKeyed(order, key): MaybeKeyed<ReplayOrder>,
) -> Result<Reply, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    let until = order.until.unwrap_or(act.at);
    if until <= order.since {
        return Err(WEBHOOK_PERIOD_INVALID.problem().at("/until"));
    }
    let takes_delivered = order.status == Replayed::All;
    let span = Span { endpoint: id, since: order.since, until, takes_delivered };
    let kept = key.map(|key| Request { principal: act.actor.clone(), key });
    let replayed = webhooks.database.transaction(async |tx| {
        let endpoint = seen(tx, id, &IfMatch::Any).await?;
        if let Some(kept) = &kept {
            match requests::claim(tx, kept, &id.to_string(), act.at).await? {
                Claim::New => {}
                Claim::Replay(reply) => return Ok(reply),
                Claim::Running { .. } => return Err(requests::in_flight()),
            }
        }
        if endpoint.status == EndpointStatus::Disabled {
            return Err(invalid_state(endpoint.status, EndpointStatus::Active));
        }
        let room = store::message::room(tx, id, webhooks.pending_max).await?;
        let (queued, has_more) = store::delivery::replay(tx, span, room, act.at).await?;
        act.put_on_record(tx, "webhook.replayed", id).await?;
        let answer = Replay { queued, has_more };
        match &kept {
            Some(kept) => requests::finish(tx, kept, 202, &answer).await,
            None => Reply::first(202, &answer),
        }
    });
    replayed.await
}
