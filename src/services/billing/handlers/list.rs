//! Lists: bills, what happened to one, payments that are on none.
use actix_web::web::Data;
use busbar_http::{Caller, Listed, Path, Problem, Query};
use serde::Deserialize;

use crate::types::{BillId, Cursor, Date, Limit, ProviderId, UserId};

use super::super::Billing;
use super::super::model::bill::{BillStatus, Viewer};
use super::super::model::history::EntryView;
use super::super::model::reservation::Unapplied;
use super::super::model::view::BillView;
use super::super::problem::BILL_NOT_FOUND;
use super::super::store;
use super::super::store::list::{Owner, Selection};
use super::{viewer, visible};

/// Which bills, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillQuery {
    user_id: Option<UserId>,
    status: Option<BillStatus>,
    due_before: Option<Date>,
    provider_id: Option<ProviderId>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    #[serde(default)]
    limit: Limit,
    cursor: Option<Cursor>,
}

/// Which page of a history: its cursor is the version that was shown last.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HistoryQuery {
    #[serde(default)]
    limit: Limit,
    #[serde(default)]
    cursor: i64,
}

/// `GET /bills`: customers find their own alone, whomever they ask for.
pub(crate) async fn bills(
    billing: Data<Billing>,
    caller: Caller,
    Query(query): Query<BillQuery>,
) -> Result<Listed<BillView>, Problem> {
    let owner = match (viewer(&caller), query.user_id) {
        (Viewer::Staff, None) => Owner::Anyone,
        (Viewer::Staff, Some(id)) => Owner::User { id, with_drafts: true },
        (Viewer::Customer(own), Some(id)) if own != id => {
            return Ok(Listed { data: Vec::new(), next_cursor: None, has_more: false });
        }
        (Viewer::Customer(id), _) => Owner::User { id, with_drafts: false },
    };
    page(&billing, viewer(&caller), owner, query).await
}

/// `GET /bills/user/{user_id}`: another person's list is not there.
pub(crate) async fn of_user(
    billing: Data<Billing>,
    caller: Caller,
    Path(id): Path<UserId>,
    Query(query): Query<BillQuery>,
) -> Result<Listed<BillView>, Problem> {
    if !caller.may_see(id.uuid()) || query.user_id.is_some_and(|other| other != id) {
        return Err(BILL_NOT_FOUND.problem());
    }
    let owner = Owner::User { id, with_drafts: caller.is_staff() };
    page(&billing, viewer(&caller), owner, query).await
}

async fn page(
    billing: &Billing,
    viewer: Viewer,
    owner: Owner,
    query: BillQuery,
) -> Result<Listed<BillView>, Problem> {
    let BillQuery { status, due_before, provider_id, limit, cursor, .. } = query;
    let rows = limit.rows_and_one();
    let selection = Selection { owner, status, provider_id, due_before, after: cursor, rows };
    let bills = store::list::bills(&billing.database, &selection).await?;
    let views = bills.into_iter().map(|bill| BillView::short(bill, viewer)).collect();
    Ok(Listed::page(views, limit.rows(), |view: &BillView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `GET /bills/{id}/events`: what happened to the bill, oldest first.
pub(crate) async fn history(
    billing: Data<Billing>,
    caller: Caller,
    Path(id): Path<BillId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Listed<EntryView>, Problem> {
    visible(&billing, &caller, id).await?;
    let (shows_all, rows) = (caller.is_staff(), query.limit.rows_and_one());
    let entries =
        store::history::of_bill(&billing.database, id, query.cursor, shows_all, rows).await?;
    let views = entries.into_iter().map(|entry| EntryView::new(entry, shows_all));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(Problem::internal)?;
    Ok(Listed::page(views, query.limit.rows(), |view| view.version.to_string()))
}

/// `GET /billing/unapplied-payments`: money that came and is on no bill.
pub(crate) async fn unapplied(
    billing: Data<Billing>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Listed<Unapplied>, Problem> {
    caller.require_staff()?;
    let rows = query.limit.rows_and_one();
    let open = store::unapplied::open(&billing.database, query.cursor, rows).await?;
    Ok(Listed::page(open, query.limit.rows(), |unapplied| {
        Cursor::new(unapplied.created_at, unapplied.id).to_string()
    }))
}
