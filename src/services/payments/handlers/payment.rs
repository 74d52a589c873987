//! Payments: ask for one, look at them, end one whose outcome nobody else finds.

use actix_web::web::Data;
use busbar_http::{
    Body, Caller, Deadline, Found, Keyed, Listed, Path, Problem, Query, Reply, RequestId,
};
use serde::Deserialize;

use crate::services::payments::Payments;
use crate::services::payments::flow::{self, Word};
use crate::services::payments::model::card;
use crate::services::payments::model::order::{NewPayment, Order};
use crate::services::payments::model::payment::{Payment, principal};
use crate::services::payments::model::view::{
    Page, PaymentFilter, PaymentTimeline, PaymentView, ResolveOrder,
};
use crate::services::payments::problem::{
    EVIDENCE_INVALID, MAKER_IS_CHECKER, PAYMENT_NOT_FOUND, invalid_state,
};
use crate::services::payments::store;
use crate::types::{PaymentId, UserId};

const EVIDENCE_CHARS_MAX: usize = 1_000;

/// `POST /payments`: take a payment for a bill.
///
/// Repeating the request with the same key gives the same payment back.
pub(crate) async fn create(
    payments: Data<Payments>,
    caller: Caller,
    request: RequestId,
    deadline: Deadline,
    Keyed(body, key): Keyed<NewPayment>,
) -> Result<Reply, Problem> {
    let order = Order::try_from(body)?;
    let payment = Payment::requested(order, &caller, &request, &key, payments.clock.now());
    let reply = flow::create(&payments.into_inner(), &payment, deadline).await?;
    shown_to(&caller, reply)
}

/// The answer, if the caller may see its payment: a key may be older than the caller's role.
fn shown_to(caller: &Caller, reply: Reply) -> Result<Reply, Problem> {
    let owner = UserId::deserialize(&reply.body["user_id"]).map_err(Problem::internal)?;
    own_only(caller, owner)?;
    Ok(reply)
}

/// `GET /payments/{id}`
pub(crate) async fn show(
    payments: Data<Payments>,
    caller: Caller,
    Path(id): Path<PaymentId>,
) -> Result<Reply, Problem> {
    let (_, view) = visible(&payments, &caller, id).await?;
    Reply::first(200, &view)
}

/// The payment, if the caller may see it and there is something to see.
async fn visible(
    payments: &Payments,
    caller: &Caller,
    id: PaymentId,
) -> Result<(Payment, PaymentView), Problem> {
    let payment = store::payment::by_id(&payments.database, id).await?;
    let payment = payment.filter(|payment| caller.may_see(payment.user_id.uuid()));
    let payment = payment.ok_or(PAYMENT_NOT_FOUND)?;
    let view = PaymentView::of(&payment).ok_or(PAYMENT_NOT_FOUND)?;
    Ok((payment, view))
}

/// `GET /payments`: customers see their own.
pub(crate) async fn list(
    payments: Data<Payments>,
    caller: Caller,
    Query(mut filter): Query<PaymentFilter>,
) -> Result<Listed<PaymentView>, Problem> {
    if !caller.is_staff() {
        let own = filter.user_id.get_or_insert(caller.subject.into());
        own_only(&caller, *own)?;
    }
    page(&payments, &filter).await
}

/// `GET /payments/user/{user_id}`
pub(crate) async fn of_user(
    payments: Data<Payments>,
    caller: Caller,
    Path(user_id): Path<UserId>,
    Query(page_of): Query<Page>,
) -> Result<Listed<PaymentView>, Problem> {
    own_only(&caller, user_id)?;
    let Page { limit, cursor } = page_of;
    let filter = PaymentFilter { user_id: Some(user_id), limit, cursor, ..Default::default() };
    page(&payments, &filter).await
}

/// Another customer's payments are not there.
fn own_only(caller: &Caller, user_id: UserId) -> Result<(), Problem> {
    if caller.may_see(user_id.uuid()) { Ok(()) } else { Err(PAYMENT_NOT_FOUND.problem()) }
}

async fn page(payments: &Payments, filter: &PaymentFilter) -> Result<Listed<PaymentView>, Problem> {
    let rows = store::payment::list(&payments.database, filter).await?;
    let views = rows.iter().filter_map(PaymentView::of).collect();
    Ok(Listed::page(views, filter.limit.rows(), PaymentView::cursor))
}

/// `GET /payments/{id}/timeline`
pub(crate) async fn timeline(
    payments: Data<Payments>,
    caller: Caller,
    Path(id): Path<PaymentId>,
) -> Result<Found<PaymentTimeline>, Problem> {
    visible(&payments, &caller, id).await?;
    let attempts = store::attempt::of_payment(&payments.database, id).await?;
    let transitions = store::payment::transitions(&payments.database, id).await?;
    Ok(Found(PaymentTimeline::new(id, attempts, transitions, caller.is_staff())))
}

/// `POST /payments/{id}/resolve`: an operator says what became of a payment in the dark.
pub(crate) async fn resolve(
    payments: Data<Payments>,
    caller: Caller,
    request: RequestId,
    deadline: Deadline,
    Path(id): Path<PaymentId>,
    Body(order): Body<ResolveOrder>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let evidence = evidence(&order)?;
    let (payment, _) = visible(&payments, &caller, id).await?;
    if payment.is_made_by(&caller) {
        return Err(MAKER_IS_CHECKER.problem());
    }
    if !payment.stage.allowed().contains(&"resolve") {
        return Err(invalid_state(payment.stage));
    }
    let (outcome, actor) = (order.outcome, principal(&caller));
    let word = Word { outcome, evidence, actor, request_id: request.id().to_owned() };
    let resolved = flow::resolve(&payments, &payment, &word, deadline).await?;
    Reply::first(200, &PaymentView::of(&resolved))
}

fn evidence(order: &ResolveOrder) -> Result<&str, Problem> {
    let evidence = order.evidence.trim();
    if !(1..=EVIDENCE_CHARS_MAX).contains(&evidence.chars().count()) {
        return Err(EVIDENCE_INVALID.problem().at("/evidence"));
    }
    if card::holds_card_number(evidence) {
        let refused = card::refused();
        return Err(Problem::field("/evidence", refused.code(), refused.detail().to_owned()));
    }
    Ok(evidence)
}
