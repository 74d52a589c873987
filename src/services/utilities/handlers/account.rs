//! Service accounts: linked by staff, seen by who pays.
use actix_web::web::Data;
use busbar_http::{
    Body, Caller, IfMatch, Listed, MaybeKeyed, Path, Problem, Query, Reply, RequestId,
};
use serde::Deserialize;

use crate::storage::Transaction;
use crate::types::{Cursor, Limit, ServiceAccountId, TariffId, UserId};

use super::super::Utilities;
use super::super::events::account as told;
use super::super::model::account::{
    Account, AccountStatus, AccountView, NewAccount, TariffChoice, beginning,
};
use super::super::model::provider::{ProviderKey, ProviderStatus};
use super::super::problem::{
    ACCOUNT_CLOSED, ACCOUNT_NOT_FOUND, PROVIDER_NOT_ACTIVE, PROVIDER_PAUSED, PROVIDER_UNKNOWN,
    TARIFF_UNKNOWN,
};
use super::super::store;
use super::super::store::account::Selection;
use super::{Repeatable, origin, owner};

/// Which accounts, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountQuery {
    user_id: Option<UserId>,
    provider_id: Option<ProviderKey>,
    status: Option<AccountStatus>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// `GET /service-accounts`: customers find their own alone, whomever they ask for.
pub(crate) async fn list(
    utilities: Data<Utilities>,
    caller: Caller,
    Query(query): Query<AccountQuery>,
) -> Result<Listed<AccountView>, Problem> {
    let AccountQuery { user_id, provider_id, status, limit, cursor } = query;
    if user_id.is_some_and(|user| !caller.may_see(user.uuid())) {
        return Ok(Listed { data: Vec::new(), next_cursor: None, has_more: false });
    }
    let (user_id, rows) = (owner(&caller, user_id), limit.rows_and_one());
    let selection = Selection { user_id, provider_id, status, after: cursor, rows };
    let accounts = store::account::page(&utilities.database, &selection).await?;
    let views = accounts.into_iter().map(AccountView::short).collect();
    Ok(Listed::page(views, limit.rows(), |view: &AccountView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `GET /service-accounts/{id}`.
pub(crate) async fn show(
    utilities: Data<Utilities>,
    caller: Caller,
    Path(id): Path<ServiceAccountId>,
) -> Result<Reply, Problem> {
    let account = visible(&utilities, &caller, id).await?;
    let tariffs = store::account::tariffs(&utilities.database, id).await?;
    Reply::first(200, &AccountView::whole(account, tariffs))
}

/// `POST /service-accounts`: a person pays for a place from now on.
pub(crate) async fn create(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    MaybeKeyed(new, key): MaybeKeyed<NewAccount>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let (request, at) = (Repeatable::new(&caller, key), utilities.clock.now());
    let (account, origin) = (Account::new(&new, at), origin(&caller, &request_id, at));
    let first_day = beginning().map_err(Problem::internal)?;
    let answer = utilities.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, account.id, at).await? {
            return Ok(earlier);
        }
        takes_accounts(tx, new.provider_id).await?;
        store::account::insert(tx, &account).await?;
        if let Some(tariff) = new.tariff_id {
            of_provider(tx, tariff, new.provider_id).await?;
            store::account::assign(tx, account.id, first_day, tariff).await?;
        }
        told::linked(tx, &origin, &account).await?;
        let view = view_seen(tx, account.id).await?;
        request.created(tx, &view).await
    });
    answer.await
}

/// `PUT /service-accounts/{id}/tariff`: another tariff from a day on.
pub(crate) async fn set_tariff(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ServiceAccountId>,
    expected: IfMatch,
    Body(choice): Body<TariffChoice>,
) -> Result<Reply, Problem> {
    for_staff(&utilities, &caller, id).await?;
    let at = utilities.clock.now();
    let origin = origin(&caller, &request_id, at);
    let set = utilities.database.transaction(async |tx| {
        let account = account_seen(tx, id).await?;
        expected.require(account.version)?;
        if !store::account::touch(tx, id, at).await? {
            return Err(ACCOUNT_CLOSED.problem());
        }
        of_provider(tx, choice.tariff_id, account.provider_id).await?;
        store::account::assign(tx, id, choice.from, choice.tariff_id).await?;
        told::assigned(tx, &origin, id, &choice).await?;
        view_seen(tx, id).await
    });
    Reply::first(200, &set.await?)
}

/// `POST /service-accounts/{id}/close`: it gets no more meters and tariffs.
pub(crate) async fn close(
    utilities: Data<Utilities>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<ServiceAccountId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    for_staff(&utilities, &caller, id).await?;
    let at = utilities.clock.now();
    let origin = origin(&caller, &request_id, at);
    let closed = utilities.database.transaction(async |tx| {
        expected.require(account_seen(tx, id).await?.version)?;
        if !store::account::close(tx, id, at).await? {
            return Err(ACCOUNT_CLOSED.problem());
        }
        told::closed(tx, &origin, id).await?;
        view_seen(tx, id).await
    });
    Reply::first(200, &closed.await?)
}

/// Only an active provider takes new accounts.
async fn takes_accounts(tx: &mut Transaction<'_>, id: ProviderKey) -> Result<(), Problem> {
    let provider = store::provider::seen(tx, id).await?;
    let provider = provider.ok_or_else(|| PROVIDER_UNKNOWN.problem().at("/provider_id"))?;
    match provider.status {
        ProviderStatus::Active => Ok(()),
        ProviderStatus::Paused => Err(PROVIDER_PAUSED.problem()),
        status => Err(PROVIDER_NOT_ACTIVE.problem().with("current", status.as_str())),
    }
}

/// A tariff of another provider is none for this account.
async fn of_provider(
    tx: &mut Transaction<'_>,
    id: TariffId,
    provider: ProviderKey,
) -> Result<(), Problem> {
    let tariff = store::tariff::seen(tx, id).await?;
    match tariff.filter(|tariff| tariff.provider_id == provider) {
        Some(_) => Ok(()),
        None => Err(TARIFF_UNKNOWN.problem().at("/tariff_id")),
    }
}

/// The account, if the caller may see it.
pub(super) async fn visible(
    utilities: &Utilities,
    caller: &Caller,
    id: ServiceAccountId,
) -> Result<Account, Problem> {
    let account = store::account::by_id(&utilities.database, id).await?;
    let account = account.filter(|account| caller.may_see(account.user_id.uuid()));
    account.ok_or_else(|| ACCOUNT_NOT_FOUND.problem())
}

async fn for_staff(
    utilities: &Utilities,
    caller: &Caller,
    id: ServiceAccountId,
) -> Result<(), Problem> {
    visible(utilities, caller, id).await?;
    caller.require_staff()
}

async fn account_seen(tx: &mut Transaction<'_>, id: ServiceAccountId) -> Result<Account, Problem> {
    store::account::seen(tx, id).await?.ok_or_else(|| ACCOUNT_NOT_FOUND.problem())
}

/// The account with its tariffs, as the transaction sees it.
async fn view_seen(tx: &mut Transaction<'_>, id: ServiceAccountId) -> Result<AccountView, Problem> {
    let account = account_seen(tx, id).await?;
    Ok(AccountView::whole(account, store::account::tariffs_seen(tx, id).await?))
}
