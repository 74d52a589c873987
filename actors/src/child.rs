//! The children of an incarnation: actors and tasks on its thread besides its server, each kept alive
//! by itself.
//!
//! One that ends is built afresh after a growing delay, as its [`Restart`] and its [`Rule`] say. When an
//! essential one dies for good, that is told ([`Children::lost`]), and the incarnation is replaced;
//! any other one goes on being tried, and costs its siblings nothing.

mod keeper;

use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, AsyncContext, Context, Handler, Message};
use actix_rt::task::JoinHandle;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, pending};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::exit::Exit;
use crate::intensity::Rule;
use crate::monitor::IntoExit;
use crate::registry::{ChildKind, Household};
use crate::spec::Restart;

use self::keeper::Keeper;

/// A child that has been built, and does not run yet.
pub struct Born {
    /// All of it.
    pub life: LocalBoxFuture<'static, Exit>,
    /// Asks it to finish what is under way and to end. `None`: it may be cut anywhere.
    pub leave: Option<LocalBoxFuture<'static, ()>>,
}

/// The specification of one child.
pub struct ChildSpec {
    /// Unique among its siblings.
    pub name: &'static str,
    pub kind: ChildKind,
    pub restart: Restart,
    pub is_essential: bool,
    pub intensity: Rule,
    build: Box<dyn Fn() -> Born>,
}

impl ChildSpec {
    /// A permanent, essential child with the usual limits; change the fields that differ.
    pub fn new(name: &'static str, kind: ChildKind, build: impl Fn() -> Born + 'static) -> Self {
        ChildSpec {
            name,
            kind,
            restart: Restart::Permanent,
            is_essential: true,
            intensity: Rule::default(),
            build: Box::new(build),
        }
    }

    /// An actor that ends by itself when it gets what `drain` makes.
    pub fn actor<A, D>(
        name: &'static str,
        make: impl Fn() -> A + 'static,
        drain: impl Fn() -> D + 'static,
    ) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<D>,
        A::Context: ToEnvelope<A, D>,
        D: Message<Result = ()> + Send + 'static,
    {
        ChildSpec::new(name, ChildKind::Actor, move || {
            let context = Context::new();
            let (address, message) = (context.address(), drain());
            let life = context.into_future(make()).map(IntoExit::into_exit).boxed_local();
            // It may be gone already.
            let leave = async move { address.send(message).await.unwrap_or(()) }.boxed_local();
            Born { life, leave: Some(leave) }
        })
    }

    /// An actor that may be cut anywhere.
    pub fn lasting<A>(name: &'static str, make: impl Fn() -> A + 'static) -> Self
    where
        A: Actor<Context = Context<A>>,
    {
        ChildSpec::new(name, ChildKind::Actor, move || {
            let life = Context::new().into_future(make()).map(IntoExit::into_exit).boxed_local();
            Born { life, leave: None }
        })
    }

    /// A task that ends when what it is given turns true.
    pub fn task<F>(name: &'static str, make: impl Fn(watch::Receiver<bool>) -> F + 'static) -> Self
    where
        F: Future<Output: IntoExit> + 'static,
    {
        ChildSpec::new(name, ChildKind::Task, move || {
            let (leave, leaving) = watch::channel(false);
            let life = make(leaving).map(IntoExit::into_exit).boxed_local();
            let leave = async move { leave.send_modify(|is_leaving| *is_leaving = true) };
            let leave = leave.boxed_local();
            Born { life, leave: Some(leave) }
        })
    }

    /// It dies alone.
    pub fn unessential(self) -> Self {
        ChildSpec { is_essential: false, ..self }
    }

    /// It is restarted in another way than always.
    pub fn restarting(self, restart: Restart) -> Self {
        ChildSpec { restart, ..self }
    }

    pub fn within(self, intensity: Rule) -> Self {
        ChildSpec { intensity, ..self }
    }

    /// The same child, whose life runs inside another future.
    pub fn wrapped(
        self,
        wrap: impl Fn(LocalBoxFuture<'static, Exit>) -> LocalBoxFuture<'static, Exit> + 'static,
    ) -> Self {
        let build = self.build;
        let build = move || {
            let Born { life, leave } = build();
            Born { life: wrap(life), leave }
        };
        ChildSpec { build: Box::new(build), ..self }
    }
}

/// The children of one incarnation, running.
pub struct Children {
    lost: mpsc::Receiver<Exit>,
    /// In the order of their start.
    kept: Vec<(watch::Sender<bool>, JoinHandle<()>)>,
}

impl Children {
    /// Starts all of them on this thread's system.
    pub fn start(specs: impl IntoIterator<Item = ChildSpec>, household: &Household) -> Self {
        // One is enough: who hears of it replaces all.
        let (tell, lost) = mpsc::channel(1);
        let start = |spec: ChildSpec| {
            let (leave, leaving) = watch::channel(false);
            let listed = household.list(spec.name, spec.kind, spec.is_essential, None);
            let title = format!("{} of {}", spec.name, household.title());
            let tell = tell.clone();
            let keep = async move {
                let mut keeper = Keeper { title, listed, leaving, spec };
                if let Some(exit) = keeper.keep().await {
                    // A full line: another one was lost before.
                    let _ = tell.try_send(exit);
                    // Its record stays as long as its siblings'.
                    keeper.told_to_leave().await;
                }
            };
            (leave, actix_rt::spawn(keep))
        };
        Children { lost, kept: specs.into_iter().map(start).collect() }
    }

    /// Waits for an essential child to die for good.
    pub async fn lost(&mut self) -> Exit {
        match self.lost.recv().await {
            Some(exit) => exit,
            None => pending().await,
        }
    }

    /// Ends them in reverse, each when the one started after it is gone; what is left after `limit` is
    /// cut.
    pub async fn leave(self, limit: Duration) {
        let until = Instant::now() + limit;
        for (leave, keeper) in self.kept.into_iter().rev() {
            leave.send_replace(true);
            let abort = keeper.abort_handle();
            if timeout_at(until, keeper).await.is_err() {
                abort.abort();
            }
        }
    }
}
