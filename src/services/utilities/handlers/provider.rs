//! Providers: read by everybody once they are active, made and moved by staff.
use actix_web::web::Data;
use busbar_http::precondition::version_mismatch;
use busbar_http::{
    Anyone, Body, Caller, Found, IfMatch, Listed, MaybeKeyed, Path, Problem, Query, Reply,
    RequestId, ServiceCaller, Shown,
};
use serde::Deserialize;

use crate::events::Origin;
use crate::storage::{StoreError, Transaction};
use crate::types::{Cursor, Limit, UserId};

use super::super::Utilities;
use super::super::events::provider as told;
use super::super::model::provider::{
    FirstStatus, NewProvider, Provider, ProviderChange, ProviderKey, ProviderStatus,
};
use super::super::model::words::Commodity;
use super::super::problem::{MAKER_IS_CHECKER, PROVIDER_IN_USE, PROVIDER_NOT_FOUND, invalid_move};
use super::super::store;
use super::super::store::provider::Selection;
use super::{Repeatable, origin};

/// Which providers, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderQuery {
    status: Option<ProviderStatus>,
    kind: Option<Commodity>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /providers`.
pub(crate) async fn list(
    utilities: Data<Utilities>,
    anyone: Anyone,
    Query(query): Query<ProviderQuery>,
) -> Result<Shown<Listed<Provider>>, Problem> {
    let ProviderQuery { status, kind, limit, cursor } = query;
    let (shows_all, rows) = (anyone.is_staff(), limit.rows_and_one());
    let selection = Selection { shows_all, status, kind, after: cursor, rows };
    let providers = store::provider::page(&utilities.database, &selection).await?;
    Ok(anyone.shown(Listed::page(providers, limit.rows(), |provider| {
        Cursor::new(provider.created_at, provider.id).to_string()
    })))
}

/// `GET /providers/{id}`.
pub(crate) async fn show(
    utilities: Data<Utilities>,
    anyone: Anyone,
    Path(id): Path<ProviderKey>,
) -> Result<Shown<Reply>, Problem> {
    let provider = visible(&utilities, anyone.is_staff(), id).await?;
    Ok(anyone.shown(Reply::first(200, &provider)?))
}

/// `GET /internal/providers/{id}`: in any state.
pub(crate) async fn whole(
    utilities: Data<Utilities>,
    _: ServiceCaller,
    Path(id): Path<String>,
) -> Result<Found<Provider>, Problem> {
    // On bills a provider may be any plain word; those are kept by nobody.
    let id = id.parse::<ProviderKey>().map_err(|_| PROVIDER_NOT_FOUND.problem())?;
    let provider = store::provider::by_id(&utilities.database, id).await?;
    Ok(Found(provider.ok_or_else(|| PROVIDER_NOT_FOUND.problem())?))
}

/// `POST /providers`: a draft, or an active one at an administrator's word.
pub(crate) async fn create(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    MaybeKeyed(new, key): MaybeKeyed<NewProvider>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let is_active = new.status == Some(FirstStatus::Active);
    if is_active {
        caller.require_admin()?;
    }
    let (request, at) = (Repeatable::new(&caller, key), utilities.clock.now());
    let provider = Provider::new(new, UserId::from(caller.subject), at);
    let origin = origin(&caller, &request_id, at);
    let answer = utilities.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, provider.id, at).await? {
            return Ok(earlier);
        }
        store::provider::insert(tx, &provider).await?;
        if is_active {
            told::status_changed(tx, &origin, &provider, None).await?;
        }
        told::audited(tx, &origin, &provider, "provider.created").await?;
        request.created(tx, &provider).await
    });
    answer.await
}

/// `PATCH /providers/{id}`.
pub(crate) async fn change(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ProviderKey>,
    expected: IfMatch,
    Body(change): Body<ProviderChange>,
) -> Result<Reply, Problem> {
    for_staff(&utilities, &caller, id).await?;
    let at = utilities.clock.now();
    let origin = origin(&caller, &request_id, at);
    let changed = utilities.database.transaction(async |tx| {
        let known = provider_seen(tx, id).await?;
        expected.require(known.version)?;
        if change.version.is_some_and(|version| version != known.version) {
            return Err(version_mismatch(known.version));
        }
        let provider = known.clone().changed(change.clone());
        if !known.status.is_unused() && provider.is_other_business_than(&known) {
            return Err(PROVIDER_IN_USE.problem());
        }
        if !store::provider::change(tx, &provider, at).await? {
            let now = provider_seen(tx, id).await?;
            let is_end = now.status == ProviderStatus::Retired;
            return Err(if is_end { invalid_move(&now) } else { version_mismatch(now.version) });
        }
        let provider = provider_seen(tx, id).await?;
        told::changed(tx, &origin, &provider).await?;
        Ok(provider)
    });
    Reply::first(200, &changed.await?)
}

/// A move of a provider from the state that it needs to the one that it leads to.
struct Step {
    /// `None`: from any state that allows it.
    from: Option<ProviderStatus>,
    to: ProviderStatus,
    action: &'static str,
}

/// `POST /providers/{id}/submit`: a draft is ready for its review.
pub(crate) async fn submit(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ProviderKey>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let from = Some(ProviderStatus::Draft);
    let step = Step { from, to: ProviderStatus::PendingReview, action: "provider.submitted" };
    moved(&utilities, (&caller, &request_id), id, &expected, step).await
}

/// `POST /providers/{id}/approve`: by somebody who did not make it.
pub(crate) async fn approve(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ProviderKey>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let from = Some(ProviderStatus::PendingReview);
    let step = Step { from, to: ProviderStatus::Active, action: "provider.approved" };
    moved(&utilities, (&caller, &request_id), id, &expected, step).await
}

/// `POST /providers/{id}/pause`: no new accounts for now.
pub(crate) async fn pause(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ProviderKey>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let from = Some(ProviderStatus::Active);
    let step = Step { from, to: ProviderStatus::Paused, action: "provider.paused" };
    moved(&utilities, (&caller, &request_id), id, &expected, step).await
}

/// `POST /providers/{id}/resume`.
pub(crate) async fn resume(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ProviderKey>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let from = Some(ProviderStatus::Paused);
    let step = Step { from, to: ProviderStatus::Active, action: "provider.resumed" };
    moved(&utilities, (&caller, &request_id), id, &expected, step).await
}

/// `POST /providers/{id}/retire`: for good.
pub(crate) async fn retire(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ProviderKey>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    let step = Step { from: None, to: ProviderStatus::Retired, action: "provider.retired" };
    moved(&utilities, (&caller, &request_id), id, &expected, step).await
}

async fn moved(
    utilities: &Utilities,
    (caller, request_id): (&Caller, &RequestId),
    id: ProviderKey,
    expected: &IfMatch,
    step: Step,
) -> Result<Reply, Problem> {
    for_staff(utilities, caller, id).await?;
    let at = utilities.clock.now();
    let origin = origin(caller, request_id, at);
    let moved = utilities.database.transaction(async |tx| {
        let known = provider_seen(tx, id).await?;
        expected.require(known.version)?;
        let from = step.from.unwrap_or(known.status);
        if known.status != from || !from.may_become(step.to) {
            return Err(invalid_move(&known));
        }
        let is_review = from == ProviderStatus::PendingReview && step.to == ProviderStatus::Active;
        if is_review && is_maker(tx, &known, &origin).await? {
            return Err(MAKER_IS_CHECKER.problem());
        }
        if !store::provider::transfer(tx, id, from, step.to, at).await? {
            return Err(invalid_move(&provider_seen(tx, id).await?));
        }
        let provider = provider_seen(tx, id).await?;
        told::status_changed(tx, &origin, &provider, Some(from)).await?;
        told::audited(tx, &origin, &provider, step.action).await?;
        Ok(provider)
    });
    Reply::first(200, &moved.await?)
}

/// Whether what is reviewed is this person's work, all of it or a part: the record says so.
async fn is_maker(
    tx: &mut Transaction<'_>,
    provider: &Provider,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let subject = told::subject_of(provider.id);
    store::provider::has_worked_at(tx, &subject, &origin.actor).await
}

/// The provider, if the caller may see it.
pub(super) async fn visible(
    utilities: &Utilities,
    shows_all: bool,
    id: ProviderKey,
) -> Result<Provider, Problem> {
    let provider = store::provider::by_id(&utilities.database, id).await?;
    let provider = provider.filter(|known| shows_all || known.status.is_public());
    provider.ok_or_else(|| PROVIDER_NOT_FOUND.problem())
}

async fn for_staff(utilities: &Utilities, caller: &Caller, id: ProviderKey) -> Result<(), Problem> {
    visible(utilities, caller.is_staff(), id).await?;
    caller.require_staff()
}

async fn provider_seen(tx: &mut Transaction<'_>, id: ProviderKey) -> Result<Provider, Problem> {
    store::provider::seen(tx, id).await?.ok_or_else(|| PROVIDER_NOT_FOUND.problem())
}
