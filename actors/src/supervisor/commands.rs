//! What a supervisor is told to do: start, replace, stop.

use std::sync::{Arc, Weak};
use std::time::Duration;

use actix::fut::ActorFutureExt;
use actix::{Addr, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use actix_rt::time::sleep;
use socket2::Socket;
use tokio::sync::oneshot;

use super::{Condition, ServiceSupervisor, Stopping, retire};
use crate::exit::{Exit, Reason};
use crate::incarnation::Ending;
use crate::intensity::Next;
use crate::messages::{Hold, Refused, Replace, Start, Stop};
use crate::registry::State;
use crate::socket;

/// How often a port that is being closed is looked at.
const CLOSING_POLL: Duration = Duration::from_millis(5);

type Outcome = Result<u64, Refused>;

impl Handler<Start> for ServiceSupervisor {
    type Result = ResponseFuture<Outcome>;

    fn handle(&mut self, _: Start, context: &mut Context<Self>) -> Self::Result {
        if self.guard.tree_is_stopping() || self.state == State::Draining {
            return answered(Err(Refused::Stopping));
        }
        if let Some(current) = &self.serving {
            let generation = current.generation;
            self.resume();
            return answered(Ok(generation));
        }
        if self.closing.strong_count() > 0 {
            return again_when_closed(self.closing.clone(), context.address());
        }
        if let Err(refused) = self.take_port() {
            return answered(Err(refused));
        }
        self.begin_anew();
        self.launched(context)
    }
}

impl Handler<Hold> for ServiceSupervisor {
    type Result = ResponseFuture<Outcome>;

    fn handle(&mut self, hold: Hold, _: &mut Context<Self>) -> Self::Result {
        let Some(current) = &self.serving else { return answered(Err(Refused::NotRunning)) };
        let (generation, serving) = (current.generation, current.serving.clone());
        if hold == Hold::Resume {
            self.resume();
            return answered(Ok(generation));
        }
        self.is_paused = true;
        if self.state == State::Running {
            self.enter(State::Paused);
        }
        log::info!("{} is paused: new connections wait", self.spec.name);
        let paused = actix_rt::spawn(retire::paused(serving, self.spec.settle));
        Box::pin(async move {
            drop(paused.await);
            Ok(generation)
        })
    }
}

impl Handler<Replace> for ServiceSupervisor {
    type Result = ResponseFuture<Outcome>;

    fn handle(&mut self, how: Replace, context: &mut Context<Self>) -> Self::Result {
        if self.state == State::Draining {
            if let Some(stopping) = self.stopping.as_ref().filter(|_| how == Replace::Hung) {
                stopping.hangs.notify_one();
                self.spec.upstream.cut_off();
            }
            return answered(Err(Refused::Stopping));
        }
        // One that hangs is replaced all the same: those above it wait for its answers to stop.
        if self.guard.tree_is_stopping() && how == Replace::Planned {
            return answered(Err(Refused::Stopping));
        }
        if matches!(self.state, State::Stopped | State::Failed) {
            return answered(Err(Refused::NotRunning));
        }
        if how == Replace::Hung {
            return self.replace_hung(context);
        }
        self.launched(context)
    }
}

impl Handler<Stop> for ServiceSupervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Stop(ending): Stop, context: &mut Context<Self>) -> Self::Result {
        let (tell, stopped) = oneshot::channel();
        self.stop_waiting.push(tell);
        match (self.state, ending) {
            (State::Draining, Ending::Graceful) => {}
            (State::Draining, Ending::Now) => {
                if let Some(stopping) = &self.stopping {
                    retire::spawn_stop(stopping.serving.clone(), Ending::Now);
                }
            }
            _ => self.stop(ending, context),
        }
        Box::pin(async move { stopped.await.unwrap_or(()) })
    }
}

impl ServiceSupervisor {
    /// Somebody has looked after it, or enough time has passed.
    fn begin_anew(&mut self) {
        if matches!(self.state, State::Stopped | State::Failed) {
            self.intensity.clear();
            self.registry.forgive(self.spec.name);
            self.is_paused = false;
        }
    }

    /// It has failed: tries again after a while, if the specification says so.
    pub(super) fn cool_down(&mut self, context: &mut Context<Self>) {
        let Some(wait) = self.spec.cool_down else { return };
        log::warn!("{} is tried again in {} s", self.spec.name, wait.as_secs());
        self.retry = Some(context.run_later(wait, |this, context| {
            this.retry = None;
            let is_free = this.closing.strong_count() == 0;
            if !is_free || this.take_port().is_err() {
                return this.cool_down(context);
            }
            this.begin_anew();
            this.launch(context);
        }));
    }

    /// A fresh incarnation of a paused service is paused, too.
    pub(super) fn hold_if_paused(&self) {
        if let Some(current) = self.serving.as_ref().filter(|_| self.is_paused) {
            retire::spawn_pause(current.serving.clone());
        }
    }

    fn resume(&mut self) {
        if !std::mem::take(&mut self.is_paused) {
            return;
        }
        if let Some(current) = &self.serving {
            retire::spawn_resume(current.serving.clone());
        }
        if self.state == State::Paused {
            self.enter(State::Running);
        }
        log::info!("{} takes new connections again", self.spec.name);
    }

    /// Launches the next incarnation unless one is on its way; answers when it serves.
    fn launched(&mut self, context: &mut Context<Self>) -> ResponseFuture<Outcome> {
        if self.starting.is_none() {
            self.launch(context);
        }
        let (tell, told) = oneshot::channel();
        self.waiting.entry(self.newest).or_default().push(tell);
        Box::pin(async move { told.await.unwrap_or(Err(Refused::Stopping)) })
    }

    /// It no longer answers. Its acceptor takes connections of the shared socket: pause it first.
    fn replace_hung(&mut self, context: &mut Context<Self>) -> ResponseFuture<Outcome> {
        let Some(current) = self.serving.as_mut() else { return self.launched(context) };
        if current.condition == Condition::Hung {
            // That is known. An attempt that waits is not to be hurried.
            return match self.starting {
                Some(_) => self.launched(context),
                None => answered(Err(Refused::NotRunning)),
            };
        }
        let (generation, lived) = (current.generation, current.lived());
        current.condition = Condition::Hung;
        retire::spawn_pause(current.serving.clone());
        log::error!("{}#{generation} hangs: replacing it", self.spec.name);
        self.ended(generation, Exit::new(Reason::Hung, "it no longer answers"));
        if self.count_failure(lived) == Next::GiveUp {
            self.let_go(State::Failed, context);
            return answered(Err(Refused::NotRunning));
        }
        self.enter(State::Degraded);
        self.launched(context)
    }

    /// Takes the port again after it was closed.
    fn take_port(&mut self) -> Result<(), Refused> {
        if self.socket.is_none() {
            let reserved = socket::reserve(self.address);
            let reserved = reserved.map_err(|error| Refused::Bind(error.to_string()))?;
            self.socket = Some(Arc::new(reserved));
        }
        Ok(())
    }

    fn stop(&mut self, ending: Ending, context: &mut Context<Self>) {
        self.is_paused = false;
        self.enter(State::Draining);
        if let Some(generation) = self.give_up_starting(Refused::Stopping, context) {
            self.leaving.entry(generation).or_default();
        }
        let others: Vec<_> = self.leaving.values_mut().map(watch_end).collect();
        let socket = self.socket.take();
        let generation = self.serving.as_ref().map(|current| current.generation);
        let last = self.serving.take().map(|current| self.retirement(current));
        self.stopping = last
            .as_ref()
            .map(|last| Stopping { serving: last.serving.clone(), hangs: last.hangs.clone() });
        let drain = self.spec.drain;
        let task = actix_rt::spawn(async move {
            match (last, ending) {
                (Some(last), Ending::Graceful) => last.stopped(socket).await,
                (Some(last), Ending::Now) => last.cut(socket).await,
                (None, _) => retire::close(socket),
            }
            retire::others_gone(others, ending, drain).await;
        });
        let done = task.into_actor(self).map(move |_, this: &mut Self, _| this.stopped(generation));
        context.spawn(done);
    }

    fn stopped(&mut self, generation: Option<u64>) {
        if let Some(generation) = generation {
            self.ended(generation, Exit::new(Reason::Admin, "stopped"));
        }
        self.stopping = None;
        self.leaving.clear();
        self.enter(State::Stopped);
        log::info!("{} is stopped", self.spec.name);
        for waiter in self.stop_waiting.drain(..) {
            let _ = waiter.send(());
        }
    }
}

/// The port is being let go of: it cannot be taken again before that has come to its end, which
/// has a limit of its own.
fn again_when_closed(
    closing: Weak<Socket>,
    supervisor: Addr<ServiceSupervisor>,
) -> ResponseFuture<Outcome> {
    Box::pin(async move {
        while closing.strong_count() > 0 {
            sleep(CLOSING_POLL).await;
        }
        supervisor.send(Start).await.unwrap_or(Err(Refused::Stopping))
    })
}

fn answered(outcome: Outcome) -> ResponseFuture<Outcome> {
    Box::pin(async move { outcome })
}

fn watch_end(watchers: &mut Vec<oneshot::Sender<()>>) -> oneshot::Receiver<()> {
    let (tell, gone) = oneshot::channel();
    watchers.push(tell);
    gone
}
