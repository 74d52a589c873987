//! What each endpoint does, by what it works on.
pub(crate) mod balance;
pub(crate) mod bill;
pub(crate) mod draft;
pub(crate) mod list;
pub(crate) mod pdf;
pub(crate) mod reservation;

use busbar_http::{Caller, IdempotencyKey, Problem, Reply, RequestId};
use serde::Serialize;

use crate::events::Origin;
use crate::requests::{self, Claim, Request};
use crate::storage::Transaction;
use crate::types::{BillId, ServiceName, Timestamp, UserId};

use super::Billing;
use super::model::bill::{Bill, Viewer};
use super::model::view::BillView;
use super::problem::BILL_NOT_FOUND;
use super::store;

fn viewer(caller: &Caller) -> Viewer {
    if caller.is_staff() { Viewer::Staff } else { Viewer::Customer(UserId::from(caller.subject)) }
}

/// What the caller sets off, as others will be told.
fn origin(caller: &Caller, request: &RequestId, at: Timestamp) -> Origin {
    Origin {
        source: ServiceName::Billing,
        at,
        correlation: request.id().to_owned(),
        causation: None,
        actor: format!("user/{}", caller.subject),
    }
}

/// The bill, if the caller may see it.
async fn visible(billing: &Billing, caller: &Caller, id: BillId) -> Result<Bill, Problem> {
    let bill = store::bill::by_id(&billing.database, id).await?;
    let bill = bill.filter(|bill| bill.is_visible_to(viewer(caller)));
    bill.ok_or_else(|| BILL_NOT_FOUND.problem())
}

/// Only staff work on bills; others learn no more than whether they could see it.
async fn for_staff(billing: &Billing, caller: &Caller, id: BillId) -> Result<(), Problem> {
    visible(billing, caller, id).await?;
    caller.require_staff()
}

/// The bill as the transaction sees it.
async fn bill_seen(tx: &mut Transaction<'_>, id: BillId) -> Result<Bill, Problem> {
    store::bill::seen(tx, id).await?.ok_or_else(|| BILL_NOT_FOUND.problem())
}

/// The bill as staff are shown it, with its lines.
async fn view_seen(tx: &mut Transaction<'_>, bill: Bill) -> Result<BillView, Problem> {
    let lines = store::line::seen(tx, bill.id).await?;
    Ok(BillView::whole(bill, lines, Viewer::Staff))
}

/// A request that may come again, if it has a key.
struct Repeatable(Option<Request>);

impl Repeatable {
    fn new(caller: &Caller, key: Option<IdempotencyKey>) -> Repeatable {
        let principal = format!("user/{}", caller.subject);
        Repeatable(key.map(|key| Request { principal, key }))
    }

    /// The answer that was given before, if it was: a look ahead of work that need not be done
    /// again.
    async fn answered(&self, billing: &Billing) -> Result<Option<Reply>, Problem> {
        match &self.0 {
            Some(request) => requests::answered(&billing.database, request).await,
            None => Ok(None),
        }
    }

    /// The answer that was given before, if it was.
    async fn earlier(
        &self,
        tx: &mut Transaction<'_>,
        bill: BillId,
        at: Timestamp,
    ) -> Result<Option<Reply>, Problem> {
        let Some(request) = &self.0 else { return Ok(None) };
        match requests::claim(tx, request, &bill.to_string(), at).await? {
            Claim::New => Ok(None),
            Claim::Replay(reply) => Ok(Some(reply)),
            Claim::Running { .. } => Err(requests::in_flight()),
        }
    }

    /// The first answer, kept for the next time.
    async fn answer(
        &self,
        tx: &mut Transaction<'_>,
        status: u16,
        body: &impl Serialize,
    ) -> Result<Reply, Problem> {
        match &self.0 {
            Some(request) => requests::finish(tx, request, status, body).await,
            None => Reply::first(status, body),
        }
    }
}
