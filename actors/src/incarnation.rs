//! One life of a service: an OS thread with its own system, and its line to the supervisor.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use actix::Addr;
use futures_util::future::BoxFuture;
use socket2::Socket;

use crate::exit::Exit;
use crate::messages::{Exited, Failing, Up};
use crate::monitor;
use crate::registry::{Household, Registry};
use crate::socket;
use crate::spec::Factory;
use crate::supervisor::ServiceSupervisor;

/// How something is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What is under way may finish.
    Graceful,
    /// At once.
    Now,
}

/// What an incarnation serves with, seen from outside: a server's handle.
///
/// The supervisor puts a limit on each wait, and spawns the futures: a panic in one costs nothing.
pub trait Serving: Send + Sync + 'static {
    /// Takes no new connections; those it has are served on.
    fn pause(&self) -> BoxFuture<'static, ()>;
    /// Takes new connections again.
    fn resume(&self) -> BoxFuture<'static, ()>;
    /// Ends serving. The factory's future is expected to return soon after.
    fn stop(&self, ending: Ending) -> BoxFuture<'static, ()>;
}

/// What a factory is given. Clones speak for the same incarnation.
#[derive(Clone)]
pub struct Incarnation {
    pub name: &'static str,
    /// Counts from 1; never used twice.
    pub generation: u64,
    /// Set by the supervisor when this one is to be left: answers then ask the client to close.
    pub draining: Arc<AtomicBool>,
    pub(crate) abandoned: Arc<AtomicBool>,
    pub(crate) socket: Weak<Socket>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) supervisor: Addr<ServiceSupervisor>,
}

impl Incarnation {
    /// A listening handle of the service's socket. The first one opens the port: ask for it when
    /// everything else is ready.
    pub fn listen(&self) -> io::Result<TcpListener> {
        if self.abandoned.load(Ordering::SeqCst) {
            return Err(io::Error::other("this incarnation took too long to start"));
        }
        match self.socket.upgrade() {
            Some(reserved) => socket::open(&reserved),
            None => Err(io::Error::other("the service is being stopped")),
        }
    }

    /// Reports that it serves.
    pub fn up(&self, serving: impl Serving) {
        let serving = Arc::new(serving);
        self.supervisor.do_send(Up { generation: self.generation, serving });
    }

    /// Reports that an essential part has died while the rest still serves. The supervisor answers
    /// with a planned replacement; until then this incarnation goes on.
    pub fn failing(&self, why: impl Into<Exit>) {
        self.supervisor.do_send(Failing { generation: self.generation, exit: why.into() });
    }

    /// Where what runs in it besides its server is listed.
    pub fn household(&self) -> Household {
        Household::new(self.registry.clone(), self.name, self.generation)
    }

    /// Runs the factory on a thread of its own; its end, however it comes, is told as `Exited`.
    pub(crate) fn launch(self, factory: Factory) -> io::Result<()> {
        let (supervisor, generation) = (self.supervisor.clone(), self.generation);
        let name = format!("{}#{generation}", self.name);
        let ended = move |exit| supervisor.do_send(Exited { generation, exit });
        monitor::thread(name, move || factory(self), ended)
    }
}
