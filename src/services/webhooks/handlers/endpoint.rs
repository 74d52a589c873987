//! Endpoints: made, shown, changed and deleted.
use actix_web::web::Data;
use busbar_http::precondition::version_mismatch;
use busbar_http::{
    Body, Caller, IfMatch, Listed, NoContent, Path, Problem, Query, Reply, RequestId,
};
use serde::Deserialize;

use crate::types::{Cursor, Limit, Timestamp};

use super::super::filter::Filters;
use super::super::guard::{Guard, Rule};
use super::super::model::endpoint::{
    Endpoint, EndpointChange, EndpointId, EndpointStatus, EndpointView, NewEndpoint,
};
use super::super::problem::{WEBHOOK_NOT_FOUND, WEBHOOKS_TOO_MANY, forbidden};
use super::super::schedule::Failing;
use super::super::{Webhooks, store};
use super::{Act, seen};

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `POST /webhooks`: the answer is the only one that shows the secret. So it takes no
/// `Idempotency-Key`: the answer would have to be kept.
pub(crate) async fn create(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Body(order): Body<NewEndpoint>,
) -> Result<Reply, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    let events = Filters::new(&order.events)?;
    let url = allowed(&webhooks, &order.url).await?;
    let endpoint = fresh(url, events, order, act.at);
    let (secret, sealed) = webhooks.seal.fresh(endpoint.id)?;
    let made = webhooks.database.transaction(async |tx| {
        if !store::endpoint::insert(tx, &endpoint).await? {
            let most = store::endpoint::ENDPOINTS_MAX;
            return Err(WEBHOOKS_TOO_MANY.problem().with("webhooks_max", most));
        }
        store::secret::insert(tx, endpoint.id, &sealed, act.at).await?;
        act.put_on_record(tx, "webhook.created", endpoint.id).await
    });
    made.await?;
    Reply::first(201, &endpoint.view().with_secret(secret.shown()))
}

fn fresh(url: String, events: Filters, order: NewEndpoint, at: Timestamp) -> Endpoint {
    Endpoint {
        id: EndpointId::new(),
        url,
        description: order.description,
        events,
        status: EndpointStatus::Active,
        disabled_reason: None,
        failing: Failing::default(),
        version: 1,
        created_at: at,
        updated_at: at,
    }
}

/// The URL, if it and every address of its host may be called.
async fn allowed(webhooks: &Webhooks, text: &str) -> Result<String, Problem> {
    let url = Guard::url(text).map_err(forbidden)?;
    let looked_up =
        tokio::time::timeout(webhooks.bounds.connect, webhooks.names.addresses(&url)).await;
    let addresses = looked_up.ok().flatten().ok_or_else(|| forbidden(Rule::NameUnknown))?;
    for address in addresses {
        webhooks.guard.address(&url, address).map_err(forbidden)?;
    }
    Ok(url.into())
}

/// `GET /webhooks`: newest first.
pub(crate) async fn list(
    webhooks: Data<Webhooks>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Listed<EndpointView>, Problem> {
    caller.require_staff()?;
    let rows = query.limit.rows_and_one();
    let endpoints = store::endpoint::page(&webhooks.database, query.cursor, rows).await?;
    let views = endpoints.into_iter().map(Endpoint::view).collect();
    Ok(Listed::page(views, query.limit.rows(), |view: &EndpointView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `GET /webhooks/{id}`.
pub(crate) async fn show(
    webhooks: Data<Webhooks>,
    caller: Caller,
    Path(id): Path<EndpointId>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let endpoint = store::endpoint::by_id(&webhooks.database, id).await?;
    let endpoint = endpoint.ok_or_else(|| WEBHOOK_NOT_FOUND.problem())?;
    Reply::first(200, &endpoint.view())
}

/// `PATCH /webhooks/{id}`.
pub(crate) async fn change(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<EndpointId>,
    expected: IfMatch,
    Body(change): Body<EndpointChange>,
) -> Result<Reply, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    let events = change.events.as_deref().map(Filters::new).transpose()?;
    let url = match &change.url {
        Some(url) => Some(allowed(&webhooks, url).await?),
        None => None,
    };
    let changed = webhooks.database.transaction(async |tx| {
        let mut endpoint = seen(tx, id, &expected).await?;
        endpoint.url = url.clone().unwrap_or(endpoint.url);
        endpoint.events = events.clone().unwrap_or(endpoint.events);
        endpoint.description = change.description.clone().or(endpoint.description);
        if !store::endpoint::change(tx, &endpoint, act.at).await? {
            return Err(version_mismatch(endpoint.version));
        }
        act.put_on_record(tx, "webhook.changed", id).await?;
        let endpoint = seen(tx, id, &IfMatch::Any).await?;
        Ok::<_, Problem>(endpoint.view())
    });
    Reply::first(200, &changed.await?)
}

/// `DELETE /webhooks/{id}`: with all that waits for it, and its log.
pub(crate) async fn delete(
    webhooks: Data<Webhooks>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<EndpointId>,
    expected: IfMatch,
) -> Result<NoContent, Problem> {
    let act = Act::new(&caller, request, &webhooks)?;
    let deleted = webhooks.database.transaction(async |tx| {
        let endpoint = seen(tx, id, &expected).await?;
        if !store::endpoint::delete(tx, id, endpoint.version).await? {
            return Err(version_mismatch(endpoint.version));
        }
        act.put_on_record(tx, "webhook.deleted", id).await
    });
    deleted.await?;
    Ok(NoContent)
}
