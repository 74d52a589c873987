//! Supervision for actix: services that own a socket and are rebuilt when they fail.
//!
//! A [`Tree`] is a list of tiers of [`ServiceSpec`]s. Each service gets a [`ServiceSupervisor`], an
//! actor on the root system, which holds the service's listening socket and runs its
//! *incarnations* one after another: an OS thread with an actix `System` of its own, built from
//! nothing by the spec's factory each time.
//!
//! What is promised:
//!
//! * **Order.** A tier starts when every member of the one before it is up, or has reported why it
//!   is not. Stopping goes the other way round, each tier draining before the next one is told.
//! * **Restart.** An incarnation that panics, fails or returns is replaced by a fresh one after a
//!   growing delay, by OTP's words: [`Restart`], at most N failures in a period, then the state
//!   `failed` and a closed socket. Its siblings do not notice.
//! * **No refusal.** Between two incarnations the socket stays open: connections wait, none is
//!   refused. A planned replacement starts the next incarnation first and loses no request.
//! * **Children.** What runs in an incarnation besides its server is kept alive by itself
//!   ([`Children`]); when an essential one dies for good, the incarnation is replaced.
//! * **Visibility.** The [`Registry`] says what state each service and each child is in, and how the
//!   last incarnations ended.
//!
//! What is not: a process that aborts (out of memory, stack overflow, a panic while panicking)
//! takes all services with it, and a thread that never returns cannot be taken back. It is cut off
//! from the socket, and left.
//!
//! ```
//! use busbar_actors::{Ending, Incarnation, ServiceSpec, Serving, Tree, factory};
//! use futures_util::future::{BoxFuture, FutureExt, ready};
//! use std::sync::Arc;
//! use tokio::sync::Notify;
//!
//! /// Serves nothing, until it is told to stop.
//! struct Idle(Arc<Notify>);
//!
//! impl Serving for Idle {
//!     fn pause(&self) -> BoxFuture<'static, ()> { ready(()).boxed() }
//!     fn resume(&self) -> BoxFuture<'static, ()> { ready(()).boxed() }
//!     fn stop(&self, _: Ending) -> BoxFuture<'static, ()> {
//!         self.0.notify_one();
//!         ready(()).boxed()
//!     }
//! }
//!
//! fn idle(name: &'static str) -> ServiceSpec {
//!     let run = factory(async |incarnation: Incarnation| {
//!         let _listener = incarnation.listen()?;
//!         let stop = Arc::new(Notify::new());
//!         incarnation.up(Idle(stop.clone()));
//!         stop.notified().await;
//!         Ok(())
//!     });
//!     ServiceSpec::new(name, ([127, 0, 0, 1], 0).into(), run)
//! }
//!
//! actix_rt::System::new().block_on(async {
//!     let tree = Tree::new().tier([idle("store")]).tier([idle("shop")]);
//!     let registry = tree.registry();
//!     let running = tree.start().await.unwrap();
//!     assert!(registry.snapshot().iter().all(|service| service.state.is_serving()));
//!     assert!(running.stop(Ending::Graceful).await.is_empty());
//! });
//! ```

pub mod child;
pub mod mailbox;
pub mod monitor;
pub mod panics;
pub mod signals;
pub mod socket;

mod clock;
mod exit;
mod incarnation;
mod intensity;
mod messages;
mod registry;
mod spec;
mod supervisor;
mod tree;
mod upstream;

pub use child::{Born, ChildSpec, Children};
pub use exit::{Exit, Reason};
pub use incarnation::{Ending, Incarnation, Serving};
pub use intensity::{Intensity, Next, Rule};
pub use messages::{Hold, Refused, Replace, Start, Stop};
pub use registry::{
    ChildKind, ChildRecord, Chronicle, EXITS_MAX, Household, Listed, PastExit, Registry,
    ServiceRecord, State,
};
pub use spec::{Factory, Failure, Restart, ServiceSpec, factory};
pub use supervisor::ServiceSupervisor;
pub use tree::{BindFault, RunningTree, StartFaults, Tree, TreeHandle};
pub use upstream::Upstream;
