//! What utilities is asked: what was used in a period, and to remember which readings a bill was
//! made from. Does I/O.
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use busbar_http::client::{Peer, PeerError};
use busbar_http::{Deadline, Problem};
use serde::Serialize;

use crate::types::BillId;

use super::model::order::RatedOrder;
use super::model::usage::Usage;
use super::pins::Pinned;
use super::problem::{
    MISSING_READINGS, NO_TARIFF, QUANTITY_OUT_OF_RANGE, SERVICE_ACCOUNT_CLOSED,
    SERVICE_ACCOUNT_NOT_FOUND, UTILITIES_UNAVAILABLE, away,
};

/// How long utilities may take; a client's own wait may be over sooner.
const USAGE_WAIT_MAX: Duration = Duration::from_secs(10);
const PIN_WAIT_MAX: Duration = Duration::from_secs(10);

/// What was used, and by which prices; a problem where that is not known.
pub(crate) async fn usage(
    utilities: &Peer,
    order: &RatedOrder,
    headers: &HeaderMap,
    deadline: Deadline,
) -> Result<Usage, Problem> {
    let (account, period) = (order.service_account_id, order.period);
    let (start, end) = (period.start(), period.end());
    let path = format!("/internal/usage?service_account_id={account}&start={start}&end={end}");
    let asked = utilities.get_json(&path, headers, deadline.sooner(USAGE_WAIT_MAX)).await;
    let usage: Usage = asked.map_err(|error| refusal(&error))?;
    if usage.gaps.is_empty() {
        return Ok(usage);
    }
    Err(MISSING_READINGS.problem().at("/period").with("gaps", usage.gaps))
}

/// What utilities refuses, in our words; everything else passes by itself.
fn refusal(error: &PeerError) -> Problem {
    match error.code() {
        Some("service_account_not_found") => {
            SERVICE_ACCOUNT_NOT_FOUND.problem().at("/service_account_id")
        }
        Some("no_tariff") => NO_TARIFF.problem().at("/period"),
        Some("service_account_closed") => SERVICE_ACCOUNT_CLOSED.problem().at("/period"),
        Some("quantity_out_of_range") => QUANTITY_OUT_OF_RANGE.problem().at("/period"),
        Some("period_too_long") => {
            Problem::field("/period", "period_too_long", "a period that is rated is not so long")
        }
        _ => away(UTILITIES_UNAVAILABLE, error),
    }
}

#[derive(Serialize)]
struct Pins<'a> {
    bill_id: BillId,
    readings: &'a [Pinned],
}

/// Says that the bill was made from these readings.
pub(crate) async fn pin(
    utilities: &Peer,
    bill_id: BillId,
    readings: &[Pinned],
) -> Result<(), Problem> {
    let body = serde_json::to_vec(&Pins { bill_id, readings }).map_err(Problem::internal)?;
    send(utilities, Method::POST, "/internal/usage/pins", Some(body)).await
}

/// Says that there is no such bill any more.
pub(crate) async fn unpin(utilities: &Peer, bill_id: BillId) -> Result<(), Problem> {
    send(utilities, Method::DELETE, &format!("/internal/usage/pins/{bill_id}"), None).await
}

async fn send(
    utilities: &Peer,
    method: Method,
    path: &str,
    body: Option<Vec<u8>>,
) -> Result<(), Problem> {
    let (headers, deadline) = (HeaderMap::new(), Deadline::after(PIN_WAIT_MAX));
    let sent = utilities.raw(method, path, &headers, body.map(Into::into), deadline).await;
    let reply = sent.map_err(|error| away(UTILITIES_UNAVAILABLE, error))?;
    if reply.status.is_success() {
        return Ok(());
    }
    Err(away(UTILITIES_UNAVAILABLE, format!("it answered {}", reply.status)))
}
