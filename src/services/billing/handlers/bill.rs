//! Bills: shown to those they concern, issued and voided by staff.
use actix_web::web::Data;
use busbar_http::precondition::version_mismatch;
use busbar_http::{
    Caller, IdempotencyKey, IfMatch, Path, Problem, Reply, RequestId, ServiceCaller,
};

use crate::storage::Transaction;
use crate::types::{Amount, BillId, Date, Timestamp};

use super::super::events::bill as told;
use super::super::model::bill::{Bill, BillStatus, Viewer};
use super::super::model::draft::due_in_time;
use super::super::model::view::BillView;
use super::super::numbering::{Paper, Series};
use super::super::overdue::overdue_at;
use super::super::problem::{self, BILL_NOT_FOUND, BILL_TOTAL_ZERO};
use super::super::store::bill::Issue;
use super::super::{Billing, pins, store};
use super::{Repeatable, bill_seen, for_staff, origin, view_seen, viewer, visible};

/// `GET /bills/{id}`.
pub(crate) async fn show(
    billing: Data<Billing>,
    caller: Caller,
    Path(id): Path<BillId>,
) -> Result<Reply, Problem> {
    let bill = visible(&billing, &caller, id).await?;
    let lines = store::line::of_bill(&billing.database, id).await?;
    Reply::first(200, &BillView::whole(bill, lines, viewer(&caller)))
}

/// `GET /internal/bills/{id}`: for the services that print it or write of it.
pub(crate) async fn whole(
    billing: Data<Billing>,
    _: ServiceCaller,
    Path(id): Path<BillId>,
) -> Result<Reply, Problem> {
    let bill = store::bill::by_id(&billing.database, id).await?.ok_or(BILL_NOT_FOUND)?;
    let lines = store::line::of_bill(&billing.database, id).await?;
    Reply::first(200, &BillView::whole(bill, lines, Viewer::Staff))
}

/// `POST /bills/{id}/issue`: gives the draft its number; from now on it is owed.
pub(crate) async fn issue(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<BillId>,
    expected: IfMatch,
    key: IdempotencyKey,
) -> Result<Reply, Problem> {
    for_staff(&billing, &caller, id).await?;
    let (request, at) = (Repeatable::new(&caller, Some(key)), billing.clock.now());
    let origin = origin(&caller, &request_id, at);
    let answer = billing.database.transaction(async |tx| {
        if let Some(earlier) = request.earlier(tx, id, at).await? {
            return Ok(earlier);
        }
        let draft = bill_seen(tx, id).await?;
        expected.require(draft.version)?;
        let issued_on = draft.timezone.date_of(at);
        let due_on = may_be_issued(&billing, &draft, issued_on)?;
        let number = next_number(&billing, tx, &draft, issued_on).await?;
        let overdue_at = overdue_at(&draft.timezone, due_on, billing.grace_days);
        let issue = Issue { number, issued_on, due_on, overdue_at };
        write_issue(tx, &draft, &issue, at).await?;
        let bill = bill_seen(tx, id).await?;
        told::issued(tx, &origin, &bill).await?;
        told::audited(tx, &origin, &bill, "bill.issued").await?;
        let view = view_seen(tx, bill).await?;
        request.answer(tx, 200, &view).await
    });
    let answer: Reply = answer.await?;
    billing.meters.bill(&answer, "issued");
    Ok(answer)
}

/// The day on which the bill is due, if it may be issued on that day at all.
fn may_be_issued(billing: &Billing, draft: &Bill, issued_on: Date) -> Result<Date, Problem> {
    if !draft.status.may_become(BillStatus::Issued) {
        return Err(problem::invalid_state(draft));
    }
    if draft.total_minor == Amount::ZERO {
        return Err(BILL_TOTAL_ZERO.problem());
    }
    due_in_time(draft.due_on, issued_on).map_err(|refused| {
        Problem::field("/due_on", refused.code(), refused.detail().to_owned())
    })?;
    let usual = issued_on.plus_days(i64::from(billing.due_days));
    draft.due_on.or(usual).ok_or_else(|| Problem::internal("the end of the calendar"))
}

/// Others of the series wait from here on until this transaction ends.
async fn next_number(
    billing: &Billing,
    tx: &mut Transaction<'_>,
    draft: &Bill,
    issued_on: Date,
) -> Result<String, Problem> {
    let provider_id = draft.provider_id.clone();
    let series = Series { provider_id, paper: Paper::Bill, year: issued_on.year() };
    let sequence = store::number::next(tx, &series).await?;
    billing.failpoints.reach("billing.after_number").await;
    let name = draft.provider_name.as_ref();
    Ok(series.number(&billing.number_pattern, name, sequence))
}

async fn write_issue(
    tx: &mut Transaction<'_>,
    draft: &Bill,
    issue: &Issue,
    at: Timestamp,
) -> Result<(), Problem> {
    if store::bill::issue(tx, draft.id, draft.version, issue, at).await? {
        return Ok(());
    }
    let bill = bill_seen(tx, draft.id).await?;
    Err(match bill.status {
        BillStatus::Draft => version_mismatch(bill.version),
        _ => problem::invalid_state(&bill),
    })
}

/// `POST /bills/{id}/void`: the bill keeps its number and is not owed any more.
pub(crate) async fn void(
    billing: Data<Billing>,
    caller: Caller,
    request_id: RequestId,
    Path(id): Path<BillId>,
    expected: IfMatch,
) -> Result<Reply, Problem> {
    for_staff(&billing, &caller, id).await?;
    let at = billing.clock.now();
    let origin = origin(&caller, &request_id, at);
    let voided = billing.database.transaction(async |tx| {
        let known = bill_seen(tx, id).await?;
        expected.require(known.version)?;
        let owed = known.balance_minor;
        if !store::bill::void(tx, id, at).await? {
            return Err(problem::not_voidable(&bill_seen(tx, id).await?));
        }
        let bill = bill_seen(tx, id).await?;
        pins::unpin_later(tx, &bill, at).await?;
        told::voided(tx, &origin, &bill, owed).await?;
        told::audited(tx, &origin, &bill, "bill.voided").await?;
        view_seen(tx, bill).await
    });
    let answer = Reply::first(200, &voided.await?)?;
    billing.meters.bill(&answer, "voided");
    Ok(answer)
}
