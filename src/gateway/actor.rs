//! The actor of each worker thread, which holds that thread's clients, and the way to it.
//!
//! A request passes through its mailbox without leaving the thread. What makes that safe:
//!
//! * **Cancelling.** actix runs the future of a handler to its end even when nobody waits for it any
//!   more. [`Forwarding`] gives up as soon as the one who asked is gone: a client that leaves, or a
//!   deadline that passes, ends the exchange with the service.
//! * **Panics.** One in a forward is caught and told as a loss. The actor itself only starts
//!   forwards, which cannot fail.
//! * **Bounds.** actix's mailbox has none that holds; permits of our own stand in front. One is given back
//!   when the actor takes the message up; what is under way is bounded by a [`Destination`]'s places.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use awc::ClientResponse;
use busbar_actors::mailbox::{Bounded, Letter, Undelivered};
use busbar_actors::{ChildKind, Incarnation, Reason, monitor, panics};
use busbar_http::lane::with_interim;
use busbar_http::{Deadline, Problem};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use prometheus::Histogram;
use send_wrapper::SendWrapper;
use tokio::time::timeout_at;

use super::Gateway;
use super::clients::Clients;
use super::destination::Destination;
use super::forward::{Loss, Order, forward};
use super::problem;

type Outcome = Result<ClientResponse, Loss>;

/// Holds one thread's clients.
struct GatewayActor {
    clients: Clients,
    /// How long messages have waited.
    waits: Histogram,
}

/// Sends a request on. It never leaves its thread, which is what the wrapper checks.
pub(super) struct Forward(pub(super) SendWrapper<Box<Order>>);

impl Message for Forward {
    type Result = SendWrapper<Outcome>;
}

/// The answer to a [`Forward`], for as long as somebody waits for it.
pub(super) struct Forwarding(pub(super) LocalBoxFuture<'static, Outcome>);

impl Actor for GatewayActor {
    type Context = Context<Self>;
}

impl Handler<Letter<Forward>> for GatewayActor {
    type Result = Forwarding;

    fn handle(&mut self, letter: Letter<Forward>, _: &mut Context<Self>) -> Forwarding {
        self.waits.observe(letter.since.elapsed().as_secs_f64());
        let (Forward(order), place) = letter.open();
        drop(place);
        let mut order = order.take();
        let interim = order.interim.take();
        let to = order.to.take();
        let to = to.map(|destination| (self.clients.of(&destination), destination));
        Forwarding(match to {
            Some((upstreams, destination)) => {
                Box::pin(with_interim(interim, forward(upstreams, destination, order)))
            }
            None => Box::pin(async { Err(Loss::Unreachable("no such service".into())) }),
        })
    }
}

impl<A, M> MessageResponse<A, M> for Forwarding
where
    A: Actor<Context: AsyncContext<A>>,
    M: Message<Result = SendWrapper<Outcome>>,
{
    fn handle(self, _: &mut A::Context, asker: Option<OneshotSender<SendWrapper<Outcome>>>) {
        let Some(mut asker) = asker else { return };
        actix_rt::spawn(async move {
            let outcome = tokio::select! {
                outcome = AssertUnwindSafe(self.0).catch_unwind() => outcome,
                () = asker.closed() => return,
            };
            let outcome =
                outcome.unwrap_or_else(|panic| Err(Loss::Panicked(panics::message(&*panic))));
            // Nobody listens any more: dropping the answer closes its connection.
            drop(asker.send(SendWrapper::new(outcome)));
        });
    }
}

/// A worker thread's way to its actor.
pub(super) struct Clerk {
    actor: Addr<GatewayActor>,
    mailbox: Bounded,
    gateway: Arc<Gateway>,
    draining: Arc<AtomicBool>,
}

impl Clerk {
    /// Starts this thread's actor, whose end by a panic is reported as that of an essential part.
    pub(super) fn hire(gateway: &Arc<Gateway>, incarnation: &Incarnation) -> Clerk {
        let (name, waits) = gateway.mailboxes.hire(incarnation.name, incarnation.generation);
        let mailbox = Bounded::new(gateway.now().settings.mailbox_max);
        let gateway = gateway.clone();
        let (actor, end) =
            monitor::actor(GatewayActor { clients: Clients::new(gateway.clone()), waits });
        let listed =
            incarnation.household().list(name, ChildKind::Actor, true, Some(mailbox.clone()));
        let draining = incarnation.draining.clone();
        let incarnation = incarnation.clone();
        actix_rt::spawn(async move {
            let exit = end.await;
            if exit.reason == Reason::Panic {
                listed.fell(&exit);
                incarnation.failing(exit);
                // Its record stays as long as this thread.
                std::future::pending().await
            }
        });
        Clerk { actor, mailbox, gateway, draining }
    }

    /// Set when this server is about to go.
    pub(super) fn draining(&self) -> Arc<AtomicBool> {
        self.draining.clone()
    }

    /// The answer of a service, up to its head.
    pub(super) async fn forward(
        &self,
        mut order: Box<Order>,
        destination: &Arc<Destination>,
        deadline: Deadline,
    ) -> Result<ClientResponse, Problem> {
        let start = Instant::now();
        order.to = Some(destination.clone());
        let sent = self.mailbox.send(&self.actor, Forward(SendWrapper::new(order)));
        let outcome = match timeout_at(deadline.at().into(), sent).await {
            Ok(Ok(outcome)) => outcome.take(),
            Ok(Err(Undelivered::Full)) => return Err(problem::mailbox_full()),
            Ok(Err(Undelivered::Closed)) => {
                Err(Loss::Panicked("the gateway's actor is gone".into()))
            }
            Err(_) => Err(Loss::TimedOut),
        };
        match outcome {
            Ok(answer) => {
                destination.meters.answered(answer.status(), start.elapsed());
                Ok(answer)
            }
            Err(loss) => {
                destination.meters.lost(&loss);
                if matches!(loss, Loss::Panicked(_)) {
                    self.gateway.metrics.panicked("forward");
                }
                Err(loss.problem(&destination.name))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::cell::Cell;
    use std::future::pending;
    use std::rc::Rc;

    use actix_web::http::Method;
    use actix_web::http::header::HeaderMap;

    use super::*;
    use crate::gateway::incoming::Incoming;
    use crate::gateway::route::Route;

    /// Answers each forward with the next of these.
    struct Probe(Vec<LocalBoxFuture<'static, Outcome>>);

    impl Actor for Probe {
        type Context = Context<Self>;
    }

    impl Handler<Forward> for Probe {
        type Result = Forwarding;

        fn handle(&mut self, _: Forward, _: &mut Context<Self>) -> Forwarding {
            Forwarding(self.0.remove(0))
        }
    }

    fn order() -> Forward {
        let (target, fields) = ("/".to_owned(), HeaderMap::new());
        let deadline = Deadline::after(std::time::Duration::from_secs(1));
        let route = Route::for_tests();
        let body = Incoming::Nothing;
        let order = Order::new(&route, &Method::GET, target, fields, body, deadline);
        Forward(SendWrapper::new(order))
    }

    #[actix_web::test]
    async fn a_panic_in_a_forward_is_a_loss_and_the_actor_lives() {
        let panics: LocalBoxFuture<'static, Outcome> = Box::pin(async { panic!("on purpose") });
        let probe = Probe(vec![panics, Box::pin(async { Err(Loss::Cut) })]).start();

        let first = probe.send(order()).await.unwrap().take();
        let second = probe.send(order()).await.unwrap().take();

        assert_eq!(first.unwrap_err(), Loss::Panicked("on purpose".into()));
        assert_eq!(second.unwrap_err(), Loss::Cut);
    }

    #[actix_web::test]
    async fn a_forward_ends_when_nobody_waits_for_it() {
        struct Told(Rc<Cell<bool>>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        let (has_begun, is_over) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
        let (begun, told) = (has_begun.clone(), Told(is_over.clone()));
        let endless: LocalBoxFuture<'static, Outcome> = Box::pin(async move {
            let _told = told;
            begun.set(true);
            pending().await
        });
        let probe = Probe(vec![endless]).start();

        let mut asked = Box::pin(probe.send(order()));
        // Once it is polled the message is on its way; then nobody waits any more.
        assert!(asked.as_mut().now_or_never().is_none());
        while !has_begun.get() {
            tokio::task::yield_now().await;
        }
        drop(asked);
        while !is_over.get() {
            tokio::task::yield_now().await;
        }
    }
}
