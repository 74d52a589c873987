//! Sends for a fresh answer while its client has an older one already (RFC 5861, section 3).

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::web::Data;
use busbar_http::{Deadline, Problem};
use futures_util::StreamExt;

use super::actor::Clerk;
use super::cache::{Came, Sending};
use super::edge::Marks;
use super::forward::Order;
use super::incoming::Incoming;
use super::{Gateway, fields, identity};

/// Nobody waits for it; it has the time of a request of its route.
pub(super) fn start(
    gateway: Data<Gateway>,
    clerk: Data<Clerk>,
    (request, marks): (HttpRequest, Marks),
    sending: Sending,
) {
    actix_rt::spawn(async move {
        if let Err(problem) = refresh(&gateway, &clerk, (&request, &marks), sending).await {
            log::debug!("{} was not refreshed: {problem}", request.path());
        }
    });
}

async fn refresh(
    gateway: &Gateway,
    clerk: &Clerk,
    (request, marks): (&HttpRequest, &Marks),
    sending: Sending,
) -> Result<(), Problem> {
    // The whole of it, whatever the client wanted of it.
    let live = gateway.now();
    let route = live.table.find(&Method::GET, request.uri())?;
    let target = route.target(request.uri());
    let deadline = Deadline::after(route.wait(&Method::GET, request.path()));
    let destination = live.destination(route)?;
    let _place = destination.enter()?;
    let mut fields = fields(&live, (request, route, marks), &identity(request), deadline);
    sending.conditions(&mut fields);
    let order = Order::new(route, &Method::GET, target, fields, Incoming::Nothing, deadline);
    let Came::Pass(mut answer, _, Some(mut keeper)) =
        sending.came(clerk.forward(order, destination, deadline).await)?
    else {
        return Ok(());
    };
    let copied = tokio::time::timeout_at(deadline.at().into(), async {
        while let Some(piece) = answer.next().await {
            keeper.piece(&piece.map_err(Problem::internal)?);
        }
        keeper.whole();
        Ok(())
    });
    copied.await.unwrap_or(Ok(()))
}
