//! The road of a WebSocket: that of a request, but past the cache, and with no end of its own.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use busbar_http::{Deadline, Problem, RequestId, deadline};

use super::actor::Clerk;
use super::cache::{Forwarded, Keeping, Way};
use super::edge::Marks;
use super::forward::{Loss, Order};
use super::incoming::Incoming;
use super::journey::Journey;
use super::onward::fields;
use super::outgoing::{self, Passage};
use super::route::Route;
use super::upstream::handshake::Handshake;
use super::upstream::shedding::Urgency;
use super::upstream::tunnel;
use super::upstream::vigil::Terms;
use super::{Gateway, Live};

/// What a client has asked with.
pub(super) struct Opening<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) marks: &'a Marks,
    pub(super) payload: Payload,
    pub(super) handshake: Handshake,
    pub(super) id: &'a RequestId,
    pub(super) urgency: Urgency,
}

/// Asks for the switch; any other answer is one like others.
pub(super) async fn switch(
    (gateway, live): (&Gateway, &Live),
    clerk: &Clerk,
    (route, deadline): (&Route, Deadline),
    opening: Opening<'_>,
    journey: &mut Journey,
) -> Result<HttpResponse, Problem> {
    let Opening { request, marks, payload, handshake, id, urgency } = opening;
    let destination = live.destination(route)?;
    let place = Some(gateway.enter(urgency, destination)?);
    let mut asked = fields(live, (request, route, marks), id, deadline);
    Handshake::ask(&mut asked);
    // It lasts for as long as it lasts.
    asked.remove(deadline::HEADER);
    let body = Incoming::Nothing;
    let target = route.target(request.uri());
    let order = Order::new(route, request.method(), target, asked, body, deadline);
    journey.sent();
    let answer = clerk.forward(order, destination, deadline).await?;
    journey.answered(answer.status());
    let terms = Terms { idle_max: live.events_idle_max(), draining: clerk.draining() };
    let passage = Passage { journey: journey.leaves(), deadline, keeper: None, terms, place };
    let way = Way::Sent(Forwarded::Off, Keeping::No);
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(outgoing::answer(answer, id, way, passage));
    }
    let switched = tunnel::switched(&answer, &handshake);
    let switched = switched.map_err(|loss: Loss| loss.problem(&destination.name))?;
    let fields = outgoing::fields(answer.headers().clone(), answer.version(), id, way);
    let idle_max = Duration::from_millis(live.settings.tunnel_idle_ms);
    Ok(tunnel::open(switched, fields, payload, idle_max, passage))
}
