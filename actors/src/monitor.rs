//! Run something and learn how it ended: returned, failed, or panicked and with which words.
//!
//! A task that panics disappears without a sound: its `JoinHandle` is mostly dropped, and an actor's
//! is always (`actix::Supervisor` never sees it). So what matters is run by these.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::thread;

use actix::{Actor, Addr, AsyncContext, Context};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::exit::Exit;
use crate::spec::Failure;

/// A future's output that can be read as an end.
pub trait IntoExit {
    fn into_exit(self) -> Exit;
}

impl IntoExit for () {
    fn into_exit(self) -> Exit {
        Exit::finished()
    }
}

impl IntoExit for Exit {
    fn into_exit(self) -> Exit {
        self
    }
}

impl<E: Into<Failure>> IntoExit for Result<(), E> {
    fn into_exit(self) -> Exit {
        self.map_or_else(|error| Exit::from(&*error.into()), IntoExit::into_exit)
    }
}

/// A task on this thread. As a future it gives the task's end; dropping it leaves the task running.
pub struct Monitored {
    task: JoinHandle<Exit>,
}

impl Monitored {
    /// Ends the task at its next await.
    pub fn abort(&self) {
        self.task.abort();
    }
}

impl Future for Monitored {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<Exit> {
        let ended = Pin::new(&mut self.task).poll(context);
        ended.map(|end| end.unwrap_or_else(|_| Exit::error("the task was aborted")))
    }
}

/// Spawns `future` on this thread's system.
pub fn spawn<F>(future: F) -> Monitored
where
    F: Future + 'static,
    F::Output: IntoExit,
{
    let watched = AssertUnwindSafe(future).catch_unwind();
    let task = actix_rt::spawn(async move {
        match watched.await {
            Ok(output) => output.into_exit(),
            Err(payload) => Exit::panicked(&*payload),
        }
    });
    Monitored { task }
}

/// Starts an actor on this thread, and watches it: it ends when it stops, and when it panics.
pub fn actor<A>(actor: A) -> (Addr<A>, Monitored)
where
    A: Actor<Context = Context<A>>,
{
    let context = Context::new();
    let address = context.address();
    (address, spawn(context.into_future(actor)))
}

/// Runs a future on a thread with a system of its own; `ended` is called on it, whatever happens.
pub fn thread<M>(name: String, make: M, ended: impl FnOnce(Exit) + Send + 'static) -> io::Result<()>
where
    M: FnOnce() -> LocalBoxFuture<'static, Result<(), Failure>> + Send + 'static,
{
    let life = move || {
        let system = actix_rt::System::new();
        let within = system.block_on(async { Handle::current() });
        let run = AssertUnwindSafe(|| system.block_on(async { make().await }));
        let exit = match catch_unwind(run) {
            Ok(result) => result.into_exit(),
            Err(payload) => Exit::panicked(&*payload),
        };
        // What its tasks leave may want to spawn, in vain; a panic in that is not why it ended.
        let leave = AssertUnwindSafe(|| {
            let _within = within.enter();
            drop(system);
        });
        drop(catch_unwind(leave));
        ended(exit);
    };
    // Not joined: a thread that hangs must not be waited for, and `ended` tells the rest.
    thread::Builder::new().name(name).spawn(life).map(drop)
}
