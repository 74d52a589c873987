//! Tariffs: made by staff, and added to by versions that never change.
use actix_web::web::Data;
use busbar_http::body::parse;
use busbar_http::{
    Anyone, Caller, Invalid, Listed, MaybeKeyed, Path, Problem, Query, Reply, RequestId, Shown,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::events::Origin;
use crate::storage::Transaction;
use crate::types::tariff::TariffContent;
use crate::types::{Cursor, Limit, TariffId, UserId};

use super::super::Utilities;
use super::super::events::tariff as told;
use super::super::model::provider::{Provider, ProviderKey};
use super::super::model::tariff::{
    Tariff, TariffHead, TariffView, Version, VersionView, take_head,
};
use super::super::problem::{PROVIDER_UNKNOWN, TARIFF_NOT_FOUND, TARIFF_OVERLAP};
use super::super::store;
use super::{Repeatable, origin};

/// Which tariffs, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TariffQuery {
    provider_id: Option<ProviderKey>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /tariffs`.
pub(crate) async fn list(
    utilities: Data<Utilities>,
    anyone: Anyone,
    Query(query): Query<TariffQuery>,
) -> Result<Shown<Listed<TariffView>>, Problem> {
    let TariffQuery { provider_id, limit, cursor } = query;
    let (shows_all, rows) = (anyone.is_staff(), limit.rows_and_one());
    let tariffs =
        store::tariff::page(&utilities.database, shows_all, provider_id, cursor, rows).await?;
    let views = tariffs.into_iter().map(TariffView::short).collect();
    Ok(anyone.shown(Listed::page(views, limit.rows(), |view: &TariffView| {
        Cursor::new(view.created_at, view.id).to_string()
    })))
}

/// `GET /tariffs/{id}`: with the list of its versions.
pub(crate) async fn show(
    utilities: Data<Utilities>,
    anyone: Anyone,
    Path(id): Path<TariffId>,
) -> Result<Shown<Reply>, Problem> {
    let tariff = visible(&utilities, anyone.is_staff(), id).await?;
    let versions = store::tariff::editions(&utilities.database, id).await?;
    Ok(anyone.shown(Reply::first(200, &TariffView::whole(tariff, versions))?))
}

/// `GET /tariffs/{id}/versions/{version}`.
pub(crate) async fn version(
    utilities: Data<Utilities>,
    anyone: Anyone,
    Path((id, number)): Path<(TariffId, i64)>,
) -> Result<Shown<Reply>, Problem> {
    visible(&utilities, anyone.is_staff(), id).await?;
    let version = store::tariff::version(&utilities.database, id, number).await?;
    let version = version.ok_or_else(|| TARIFF_NOT_FOUND.problem())?;
    let version = VersionView::try_from(version).map_err(Problem::internal)?;
    Ok(anyone.shown(Reply::first(200, &version)?))
}

/// `POST /tariffs`: a tariff, and its first version where the body has one.
pub(crate) async fn create(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    MaybeKeyed(mut body, key): MaybeKeyed<Map<String, Value>>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let head: TariffHead = parse(take_head(&mut body).to_string().as_bytes())?;
    let content = if body.is_empty() { None } else { Some(content_of(&body)?) };
    let (request, at) = (Repeatable::new(&caller, key), utilities.clock.now());
    let (id, origin) = (TariffId::new(), origin(&caller, &request_id, at));
    let (provider_id, name, by) = (head.provider_id, head.name, UserId::from(caller.subject));
    let tariff = Tariff { id, provider_id, name, versions: 0, created_at: at };
    let answer = utilities.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, id, at).await? {
            return Ok(earlier);
        }
        let provider = store::provider::seen(tx, provider_id).await?;
        let provider = provider.ok_or_else(|| PROVIDER_UNKNOWN.problem().at("/provider_id"))?;
        store::tariff::insert(tx, &tariff).await?;
        told::created(tx, &origin, &tariff).await?;
        if let Some(content) = &content {
            suits(content, &provider)?;
            publish(tx, &origin, &tariff, content, by).await?;
        }
        let versions = store::tariff::editions_seen(tx, id).await?;
        request.created(tx, &TariffView::whole(tariff.clone(), versions)).await
    });
    answer.await
}

/// `POST /tariffs/{id}/versions`: from a day on it has this content.
pub(crate) async fn add_version(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<TariffId>,
    MaybeKeyed(body, key): MaybeKeyed<Map<String, Value>>,
) -> Result<Reply, Problem> {
    let tariff = visible(&utilities, caller.is_staff(), id).await?;
    caller.require_staff()?;
    let content = content_of(&body)?;
    let (request, at) = (Repeatable::new(&caller, key), utilities.clock.now());
    let (origin, by) = (origin(&caller, &request_id, at), UserId::from(caller.subject));
    let answer = utilities.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, id, at).await? {
            return Ok(earlier);
        }
        let provider = store::provider::seen(tx, tariff.provider_id).await?;
        suits(&content, &provider.ok_or_else(|| PROVIDER_UNKNOWN.problem())?)?;
        let version = publish(tx, &origin, &tariff, &content, by).await?;
        let (content, effective_from) = (content.clone(), content.effective_from);
        let view = VersionView { tariff_id: id, version, effective_from, content, created_at: at };
        request.created(tx, &view).await
    });
    answer.await
}

/// The content of a version that can be rated, or all that is wrong with it.
fn content_of(body: &Map<String, Value>) -> Result<TariffContent, Problem> {
    let text = serde_json::to_vec(body).map_err(Problem::internal)?;
    let content: TariffContent = parse(&text)?;
    let mut invalid = Invalid::default();
    for fault in content.check().err().unwrap_or_default() {
        invalid.add(fault.pointer, fault.code, fault.detail);
    }
    invalid.finish()?;
    Ok(content)
}

/// A tariff asks for the money of its provider, and its days begin where the provider's do.
fn suits(content: &TariffContent, provider: &Provider) -> Result<(), Problem> {
    let mut invalid = Invalid::default();
    let detail = "the provider is paid in another currency";
    invalid.check(content.currency == provider.currency, "/currency", "currency_mismatch", detail);
    let detail = "the provider is in another time zone";
    invalid.check(content.timezone == provider.timezone, "/timezone", "timezone_mismatch", detail);
    invalid.finish()
}

/// Gives the version its number and keeps it.
async fn publish(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    tariff: &Tariff,
    content: &TariffContent,
    by: UserId,
) -> Result<i64, Problem> {
    let number = store::tariff::next_version(tx, tariff.id).await?;
    let version = Version {
        tariff_id: tariff.id,
        version: number.ok_or_else(|| TARIFF_NOT_FOUND.problem())?,
        effective_from: content.effective_from,
        content: serde_json::to_string(content).map_err(Problem::internal)?,
        created_at: origin.at,
    };
    if !store::tariff::publish(tx, &version, by).await? {
        return Err(TARIFF_OVERLAP.problem().at("/effective_from"));
    }
    told::published(tx, origin, tariff, &version).await?;
    Ok(version.version)
}

/// The tariff, if the caller may see its provider.
async fn visible(utilities: &Utilities, shows_all: bool, id: TariffId) -> Result<Tariff, Problem> {
    let tariff = store::tariff::by_id(&utilities.database, id).await?;
    let tariff = tariff.ok_or_else(|| TARIFF_NOT_FOUND.problem())?;
    let provider = super::provider::visible(utilities, shows_all, tariff.provider_id).await;
    provider.map_err(|_| TARIFF_NOT_FOUND.problem())?;
    Ok(tariff)
}
