//! Drafts: made, changed and thrown away by staff.
use actix_web::web::Data;
use busbar_http::headers::traced;
use busbar_http::precondition::version_mismatch;
use busbar_http::{
    Body, Caller, Deadline, Found, IfMatch, MaybeKeyed, NoContent, Path, Problem, Reply, RequestId,
};

use crate::events::Origin;
use crate::storage::Transaction;
use crate::types::{BillId, Timestamp};

use super::super::events::bill as told;
use super::super::model::bill::{Bill, BillStatus};
use super::super::model::draft::{BillChange, Draft};
use super::super::model::order::{NewBill, Order};
use super::super::model::preview::BillPreview;
use super::super::model::usage::Reading;
use super::super::pins::Pinned;
use super::super::problem::{self, BILL_IMMUTABLE, DRAFT_OVERTAKEN};
use super::super::{Billing, pins, rating, store, utilities};
use super::{Repeatable, bill_seen, for_staff, origin, view_seen};

/// How often a draft is made anew when others of its account are made meanwhile.
const TRIES_MAX: u32 = 5;

/// `POST /bills`: a draft of stated lines, or of what an account used.
pub(crate) async fn create(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    deadline: Deadline,
    MaybeKeyed(bill, key): MaybeKeyed<NewBill>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let (request, at) = (Repeatable::new(&caller, key), billing.clock.now());
    if let Some(earlier) = request.answered(&billing).await? {
        return Ok(earlier);
    }
    let origin = origin(&caller, &request_id, at);
    let mut tries = 0;
    let answer = loop {
        let made = drafted(&billing, bill.clone(), &request_id, deadline, at).await?;
        match keep(&billing, &request, &origin, made).await {
            // What it was made from may be another's by now.
            Err(problem) if problem.code() == DRAFT_OVERTAKEN.code && tries < TRIES_MAX => {
                tries += 1
            }
            kept => break kept?,
        }
    };
    billing.meters.bill(&answer, "drafted");
    Ok(answer)
}

/// Keeps a draft, unless another one of its account was made since its readings were chosen.
async fn keep(
    billing: &Billing,
    request: &Repeatable,
    origin: &Origin,
    Made { draft, readings, drafts_before }: Made,
) -> Result<Reply, Problem> {
    let at = origin.at;
    let kept = billing.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, draft.id, at).await? {
            return Ok(earlier);
        }
        let before = stands_alone(tx, &draft).await?;
        if drafts_before.is_some_and(|known| before != Some(known)) {
            return Err(DRAFT_OVERTAKEN.problem());
        }
        store::bill::insert(tx, &draft, at).await?;
        store::line::insert(tx, draft.id, &draft.lines).await?;
        pins::pin_later(tx, draft.id, readings.clone(), at).await?;
        let bill = bill_seen(tx, draft.id).await?;
        told::noted(tx, origin, &bill, "bill.drafted").await?;
        told::audited(tx, origin, &bill, "bill.drafted").await?;
        let view = view_seen(tx, bill).await?;
        request.answer(tx, 201, &view).await
    });
    kept.await
}

/// `POST /bills/preview`: what `POST /bills` would draft, or why not. Writes nothing.
pub(crate) async fn preview(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    deadline: Deadline,
    Body(bill): Body<NewBill>,
) -> Result<Found<BillPreview>, Problem> {
    caller.require_staff()?;
    let at = billing.clock.now();
    let Made { draft, .. } = drafted(&billing, bill, &request_id, deadline, at).await?;
    if let Some(account) = draft.service_account_id {
        let (database, id, period) = (&billing.database, draft.id, draft.period);
        if let Some(other) = store::account::overlapping(database, account, id, period).await? {
            return Err(problem::overlap(other));
        }
    }
    Ok(Found(BillPreview::from(draft)))
}

/// A draft that is not kept yet.
struct Made {
    draft: Draft,
    /// What it begins and ends with.
    readings: Vec<Pinned>,
    /// How many drafts its account had when these were chosen; none of stated lines.
    drafts_before: Option<i64>,
}

/// Asks utilities where lines are not stated.
async fn drafted(
    billing: &Billing,
    bill: NewBill,
    request_id: &RequestId,
    deadline: Deadline,
    at: Timestamp,
) -> Result<Made, Problem> {
    let order = match bill.read()? {
        Order::Stated(bill) => {
            let draft = Draft::stated(*bill, at)?;
            return Ok(Made { draft, readings: Vec::new(), drafts_before: None });
        }
        Order::Rated(order) => order,
    };
    let account = order.service_account_id;
    let drafts_before = Some(store::account::drafts(&billing.database, account).await?);
    pins::tell_now(billing, account).await?;
    let headers = traced(request_id);
    let asked = utilities::usage(billing.utilities()?, &order, &headers, deadline).await;
    let usage = asked.inspect_err(|problem| billing.meters.unrated(problem.code()))?;
    let lines = rating::rate(&usage, order.period).map_err(Problem::from);
    let lines = lines.inspect_err(|problem| billing.meters.unrated(problem.code()))?;
    let pinned = |reading: &Reading| {
        let boundary = Some(reading.boundary(order.period));
        Pinned { id: reading.id, boundary }
    };
    let readings = usage.readings().map(pinned).collect();
    Ok(Made { draft: Draft::rated(&order, usage, lines, at)?, readings, drafts_before })
}

/// A day of an account is on one bill. How many drafts its account had before.
async fn stands_alone(tx: &mut Transaction<'_>, draft: &Draft) -> Result<Option<i64>, Problem> {
    let Some(account) = draft.service_account_id else { return Ok(None) };
    match store::account::claim(tx, account, draft.id, draft.period).await? {
        (Some(other), _) => Err(problem::overlap(other)),
        (None, before) => Ok(Some(before)),
    }
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
    let origin = origin(&caller, &request_id, at);
    let changed = billing.database.transaction(async |tx| {
        let bill = draft_seen(tx, id, &expected, change.version).await?;
        let (version, lines) = (bill.version, store::line::seen(tx, id).await?);
        let draft = Draft::kept(bill, lines).changed(change.clone(), at)?;
        if change.moves() {
            stands_alone(tx, &draft).await?;
        }
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
    let at = billing.clock.now();
    let origin = origin(&caller, &request_id, at);
    let deleted = billing.database.transaction(async |tx| {
        let bill = draft_seen(tx, id, &expected, None).await?;
        if !store::bill::delete(tx, id, bill.version).await? {
            return Err(lost(tx, id).await?);
        }
        pins::unpin_later(tx, &bill, at).await?;
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
