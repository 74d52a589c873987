//! Keeps one service running: owns its socket, builds its incarnations, replaces them.
//!
//! A supervisor contains no code that can fail. It matches on what it hears, keeps time, and has
//! everything foreign (the factory, the server's handle) run elsewhere: on the incarnation's thread,
//! or in a task of its own. If it is ever dropped while the tree is not stopping, the process ends.
//!
//! `commands.rs` is what it is told to do, `failures.rs` what it does when something ends,
//! `retire.rs` how an incarnation is taken out of service.

mod commands;
mod failures;
mod guard;
mod retire;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, SpawnHandle};
use socket2::Socket;
use tokio::sync::{Notify, oneshot};

use crate::clock;
use crate::exit::Exit;
use crate::incarnation::{Ending, Incarnation, Serving};
use crate::intensity::Intensity;
use crate::messages::{Exited, Refused, Up};
use crate::registry::{Registry, State};
use crate::spec::ServiceSpec;

pub(crate) use guard::Guard;

type Answer = oneshot::Sender<Result<u64, Refused>>;

/// The actor that keeps one service running.
pub struct ServiceSupervisor {
    spec: ServiceSpec,
    /// As bound: after a failure the same port is taken again.
    address: SocketAddr,
    /// None while the service is stopped or given up. Incarnations hold it weakly.
    socket: Option<Arc<Socket>>,
    /// The socket that is being closed; gone when the port is free again.
    closing: Weak<Socket>,
    registry: Arc<Registry>,
    intensity: Intensity,
    state: State,
    /// The newest generation. It is ahead of what serves while the next one starts.
    newest: u64,
    serving: Option<Current>,
    starting: Option<Launch>,
    /// The next attempt, while it waits.
    retry: Option<SpawnHandle>,
    /// Who waits for which generation to serve.
    waiting: HashMap<u64, Vec<Answer>>,
    /// Who waits for the end of an incarnation that was taken out of service.
    leaving: HashMap<u64, Vec<oneshot::Sender<()>>>,
    /// Who waits for the service to be stopped.
    stop_waiting: Vec<oneshot::Sender<()>>,
    /// What is being stopped, while it may still have to be cut short.
    stopping: Option<Stopping>,
    /// Somebody asked that new connections wait.
    is_paused: bool,
    guard: Guard,
}

/// The incarnation that serves.
struct Current {
    generation: u64,
    serving: Arc<dyn Serving>,
    draining: Arc<AtomicBool>,
    up_at: Instant,
    condition: Condition,
}

/// What is wrong with the incarnation that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Healthy,
    /// Its own life has ended, its server answers.
    Failing,
    /// It does not answer.
    Hung,
}

/// The last incarnation, on its way out.
struct Stopping {
    serving: Arc<dyn Serving>,
    /// Told when it will never come to its end.
    hangs: Arc<Notify>,
}

/// An incarnation that is on its way up.
struct Launch {
    generation: u64,
    draining: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    timer: SpawnHandle,
}

impl ServiceSupervisor {
    pub(crate) fn new(
        spec: ServiceSpec,
        address: SocketAddr,
        socket: Socket,
        registry: Arc<Registry>,
        guard: Guard,
    ) -> Self {
        ServiceSupervisor {
            intensity: Intensity::new(spec.intensity.clone()),
            spec,
            address,
            socket: Some(Arc::new(socket)),
            closing: Weak::new(),
            registry,
            state: State::Stopped,
            newest: 0,
            serving: None,
            starting: None,
            retry: None,
            waiting: HashMap::new(),
            leaving: HashMap::new(),
            stop_waiting: Vec::new(),
            stopping: None,
            is_paused: false,
            guard,
        }
    }

    /// Builds the next incarnation. What serves now goes on until that one is up.
    fn launch(&mut self, context: &mut Context<Self>) {
        self.cancel_retry(context);
        self.newest += 1;
        let generation = self.newest;
        let draining = Arc::new(AtomicBool::new(false));
        let abandoned = Arc::new(AtomicBool::new(false));
        let limit = self.spec.start_timeout;
        let timer = context.run_later(limit, move |this, context| {
            this.start_timed_out(generation, limit, context);
        });
        let incarnation = Incarnation {
            name: self.spec.name,
            generation,
            draining: draining.clone(),
            abandoned: abandoned.clone(),
            socket: self.socket.as_ref().map(Arc::downgrade).unwrap_or_default(),
            registry: self.registry.clone(),
            supervisor: context.address(),
        };
        self.starting = Some(Launch { generation, draining, abandoned, timer });
        self.registry.launched(self.spec.name, generation);
        if self.serving.is_none() {
            self.enter(State::Starting);
        }
        if let Err(error) = incarnation.launch(self.spec.factory.clone()) {
            let exit = Exit::error(format!("no thread for it: {error}"));
            context.address().do_send(Exited { generation, exit });
        }
    }

    fn enter(&mut self, state: State) {
        let state = if state == State::Running && self.is_paused { State::Paused } else { state };
        let generation = self.serving.as_ref().map_or(self.newest, |current| current.generation);
        if self.state != state {
            log::debug!("{} is {}", self.spec.name, state.as_str());
        }
        self.state = state;
        self.spec.upstream.set_starting(matches!(state, State::Starting | State::Backoff));
        self.registry.enter(self.spec.name, state, generation);
    }

    fn answer(&mut self, generation: u64, result: &Result<u64, Refused>) {
        for waiter in self.waiting.remove(&generation).unwrap_or_default() {
            let _ = waiter.send(result.clone());
        }
    }

    fn cancel_retry(&mut self, context: &mut Context<Self>) {
        if let Some(timer) = self.retry.take() {
            context.cancel_future(timer);
        }
    }

    fn ended(&self, generation: u64, exit: Exit) {
        self.registry.ended(self.spec.name, generation, exit);
    }
}

impl Actor for ServiceSupervisor {
    type Context = Context<Self>;
}

impl Handler<Up> for ServiceSupervisor {
    type Result = ();

    fn handle(&mut self, up: Up, context: &mut Context<Self>) {
        let expected = self.starting.take_if(|launch| launch.generation == up.generation);
        let Some(launch) = expected else {
            log::warn!("{}#{} came up too late", self.spec.name, up.generation);
            retire::spawn_stop(up.serving, Ending::Now);
            return;
        };
        context.cancel_future(launch.timer);
        let old = self.serving.replace(Current {
            generation: launch.generation,
            serving: up.serving,
            draining: launch.draining,
            up_at: clock::steady(),
            condition: Condition::Healthy,
        });
        self.registry.up(self.spec.name, launch.generation);
        self.hold_if_paused();
        self.enter(State::Running);
        log::info!("{}#{} is up on {}", self.spec.name, launch.generation, self.address);
        match old {
            Some(old) => self.retire(old, launch.generation, context),
            None => {
                // Connections kept from an incarnation that crashed lead nowhere.
                self.spec.upstream.swap_pool();
                self.answer(launch.generation, &Ok(launch.generation));
            }
        }
    }
}

impl Launch {
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::SeqCst);
    }
}

impl Current {
    fn lived(&self) -> Duration {
        clock::steady().saturating_duration_since(self.up_at)
    }
}
