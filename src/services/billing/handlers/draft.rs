//! Drafts: made, changed and thrown away by staff.
use actix_web::web::Data;
use busbar_http::precondition::version_mismatch;
use busbar_http::{Body, Caller, IfMatch, MaybeKeyed, NoContent, Path, Problem, Reply, RequestId};

use crate::storage::Transaction;
use crate::types::BillId;

use super::super::Billing;
use super::super::events::bill as told;
use super::super::model::bill::{Bill, BillStatus};
use super::super::model::draft::{BillChange, Draft, NewBill};
use super::super::problem::BILL_IMMUTABLE;
use super::super::store;
use super::{Repeatable, bill_seen, for_staff, origin, view_seen};

/// `POST /bills`: a draft of stated lines.
pub(crate) async fn create(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    MaybeKeyed(bill, key): MaybeKeyed<NewBill>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let (request, at) = (Repeatable::new(&caller, key), billing.clock.now());
    let draft = Draft::new(bill, billing.today(at))?;
    let origin = origin(&caller, &request_id, at);
    let answer = billing.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, draft.id, at).await? {
            return Ok(earlier);
        }
        store::bill::insert(tx, &draft, at).await?;
        store::line::insert(tx, draft.id, &draft.lines).await?;
        let bill = bill_seen(tx, draft.id).await?;
        told::noted(tx, &origin, &bill, "bill.drafted").await?;
        told::audited(tx, &origin, &bill, "bill.drafted").await?;
        let view = view_seen(tx, bill).await?;
        request.answer(tx, 201, &view).await
    });
    let answer: Reply = answer.await?;
    billing.meters.bill(&answer, "drafted");
    Ok(answer)
}

/// `PATCH /bills/{id}`: a draft as it is to be.
pub(crate) async fn change(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<BillId>,
    expected: IfMatch,
    Body(change): Body<BillChange>,
) -> Result<Reply, Problem> {
    for_staff(&billing, &caller, id).await?;
    let at = billing.clock.now();
    let (origin, today) = (origin(&caller, &request_id, at), billing.today(at));
    let changed = billing.database.transaction(async |tx| {
        let bill = draft_seen(tx, id, &expected, change.version).await?;
        let (version, lines) = (bill.version, store::line::seen(tx, id).await?);
        let draft = Draft::kept(bill, lines).changed(change.clone(), today)?;
        if !store::bill::change(tx, &draft, version, at).await? {
            return Err(lost(tx, id).await?);
        }
        if change.has_lines() {
            store::line::replace(tx, id, &draft.lines).await?;
        }
        let bill = bill_seen(tx, id).await?;
        told::noted(tx, &origin, &bill, "bill.changed").await?;
        told::audited(tx, &origin, &bill, "bill.changed").await?;
        view_seen(tx, bill).await
    });
    Reply::first(200, &changed.await?)
}

/// `DELETE /bills/{id}`: a draft that will not be a bill.
pub(crate) async fn delete(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<BillId>,
    expected: IfMatch,
) -> Result<NoContent, Problem> {
    for_staff(&billing, &caller, id).await?;
    let origin = origin(&caller, &request_id, billing.clock.now());
    let deleted = billing.database.transaction(async |tx| {
        let bill = draft_seen(tx, id, &expected, None).await?;
        if !store::bill::delete(tx, id, bill.version).await? {
            return Err(lost(tx, id).await?);
        }
        told::audited(tx, &origin, &bill, "bill.deleted").await
    });
    deleted.await?;
    Ok(NoContent)
}

/// The draft in the version that the client knows, if it says which.
async fn draft_seen(
    tx: &mut Transaction<'_>,
    id: BillId,
    expected: &IfMatch,
    version: Option<i64>,
) -> Result<Bill, Problem> {
    let bill = bill_seen(tx, id).await?;
    if bill.status != BillStatus::Draft {
        return Err(BILL_IMMUTABLE.problem().with("current", bill.status.as_str()));
    }
    expected.require(bill.version)?;
    match version {
        Some(version) if version != bill.version => Err(version_mismatch(bill.version)),
        _ => Ok(bill),
    }
}

/// Why a draft that was just there could not be written: somebody else was faster.
async fn lost(tx: &mut Transaction<'_>, id: BillId) -> Result<Problem, Problem> {
    let bill = bill_seen(tx, id).await?;
    Ok(match bill.status {
        BillStatus::Draft => version_mismatch(bill.version),
        status => BILL_IMMUTABLE.problem().with("current", status.as_str()),
    })
}
