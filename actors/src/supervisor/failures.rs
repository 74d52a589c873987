//! What a supervisor does when an incarnation fails, ends, or does not come up.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::ActorFutureExt;
use actix::{AsyncContext, Context, Handler, WrapFuture};
use socket2::Socket;
use tokio::sync::oneshot;

use super::retire::{self, Retirement};
use super::{Condition, Current, ServiceSupervisor};
use crate::clock;
use crate::exit::{Exit, Reason};
use crate::incarnation::Ending;
use crate::intensity::Next;
use crate::messages::{Exited, Failing, Refused};
use crate::registry::State;

impl Handler<Exited> for ServiceSupervisor {
    type Result = ();

    fn handle(&mut self, ended: Exited, context: &mut Context<Self>) {
        let Exited { generation, exit } = ended;
        if let Some(watchers) = self.leaving.remove(&generation) {
            for watcher in watchers {
                let _ = watcher.send(());
            }
        } else if self.starting.as_ref().is_some_and(|launch| launch.generation == generation) {
            self.start_failed(exit, context);
        } else if self.serving.as_ref().is_some_and(|current| current.generation == generation) {
            self.crashed(exit, context);
        } else {
            log::info!("{}#{generation}, left before, has ended: {exit}", self.spec.name);
        }
    }
}

impl Handler<Failing> for ServiceSupervisor {
    type Result = ();

    /// The life of an incarnation died, its server goes on: a planned replacement, after the delay.
    fn handle(&mut self, failing: Failing, context: &mut Context<Self>) {
        let Failing { generation, exit } = failing;
        if self.starting.as_ref().is_some_and(|launch| launch.generation == generation) {
            return self.start_failed(exit, context);
        }
        let current = self.serving.as_mut().filter(|current| current.generation == generation);
        let Some(current) = current.filter(|current| current.condition == Condition::Healthy)
        else {
            return;
        };
        current.condition = Condition::Failing;
        let lived = current.lived();
        log::error!("{}#{generation} is failing, and still answers: {exit}", self.spec.name);
        let reason = exit.reason;
        self.ended(generation, exit);
        if self.starting.is_none() && self.retry.is_none() {
            self.try_again(reason, lived, context);
        } else {
            self.enter(State::Degraded);
        }
    }
}

impl ServiceSupervisor {
    pub(super) fn start_timed_out(
        &mut self,
        generation: u64,
        limit: Duration,
        context: &mut Context<Self>,
    ) {
        if self.starting.as_ref().is_some_and(|launch| launch.generation == generation) {
            self.start_failed(Exit::error(format!("not up within {limit:?}")), context);
        }
    }

    /// The next incarnation did not come up. What serves, if anything does, is kept.
    fn start_failed(&mut self, exit: Exit, context: &mut Context<Self>) {
        let Some(launch) = self.starting.take() else { return };
        context.cancel_future(launch.timer);
        launch.abandon();
        log::error!("{}#{} did not come up: {exit}", self.spec.name, launch.generation);
        if let Some(current) = self.serving.as_ref().filter(|_| !self.is_paused) {
            // It may have been paused; resuming one that was not does nothing.
            retire::spawn_resume(current.serving.clone());
        }
        let reason = exit.reason;
        self.ended(launch.generation, exit.clone());
        self.answer(launch.generation, &Err(Refused::Failed(exit)));
        self.try_again(reason, Duration::ZERO, context);
    }

    /// The incarnation that served has ended by itself.
    fn crashed(&mut self, exit: Exit, context: &mut Context<Self>) {
        let Some(current) = self.serving.take() else { return };
        log::error!("{}#{} ended: {exit}", self.spec.name, current.generation);
        self.spec.upstream.swap_pool();
        let reason = exit.reason;
        self.ended(current.generation, exit);
        if self.starting.is_some() {
            self.enter(State::Starting);
        } else if self.retry.is_some() {
            self.enter(State::Backoff);
        } else {
            self.try_again(reason, current.lived(), context);
        }
    }

    /// Counts a failure: another attempt after a delay, or the end of patience.
    pub(super) fn try_again(
        &mut self,
        reason: Reason,
        lived: Duration,
        context: &mut Context<Self>,
    ) {
        if !self.spec.restart.again_after(reason) {
            return self.let_go(State::Stopped, context);
        }
        match self.count_failure(lived) {
            Next::RestartAfter(delay) => self.retry_after(delay, context),
            Next::GiveUp => self.let_go(State::Failed, context),
        }
    }

    pub(super) fn count_failure(&mut self, lived: Duration) -> Next {
        let now = clock::steady();
        self.registry.failed(self.spec.name, now);
        self.intensity.failed(now, lived, clock::chance())
    }

    fn retry_after(&mut self, delay: Duration, context: &mut Context<Self>) {
        let next = self.newest + 1;
        log::warn!("{}#{next} starts in {} ms", self.spec.name, delay.as_millis());
        self.enter(if self.serving.is_some() { State::Degraded } else { State::Backoff });
        self.retry = Some(context.run_later(delay, |this, context| {
            this.retry = None;
            this.launch(context);
        }));
    }

    /// No more attempts. An incarnation that works is kept all the same.
    pub(super) fn let_go(&mut self, state: State, context: &mut Context<Self>) {
        let name = self.spec.name;
        if self.serving.as_ref().is_some_and(|current| current.condition == Condition::Healthy) {
            log::error!("{name}: the next incarnation is given up, the old one stays");
            return self.enter(State::Degraded);
        }
        self.give_up_starting(Refused::NotRunning, context);
        if state == State::Failed {
            log::error!("{name} failed too often: given up, its port is closed");
        }
        let socket = self.socket.take();
        self.closing = socket.as_ref().map(Arc::downgrade).unwrap_or_default();
        match self.serving.take() {
            Some(current) => self.end_last(current, socket, context),
            None => retire::close(socket),
        }
        self.enter(state);
        if state == State::Failed {
            self.cool_down(context);
        }
    }

    /// Neither the incarnation that is on its way up nor the next one is wanted any more.
    pub(super) fn give_up_starting(
        &mut self,
        why: Refused,
        context: &mut Context<Self>,
    ) -> Option<u64> {
        self.cancel_retry(context);
        let launch = self.starting.take()?;
        context.cancel_future(launch.timer);
        launch.abandon();
        self.answer(launch.generation, &Err(why));
        Some(launch.generation)
    }

    /// Ends an incarnation that nothing replaces.
    fn end_last(
        &mut self,
        last: Current,
        socket: Option<Arc<Socket>>,
        context: &mut Context<Self>,
    ) {
        let (generation, condition) = (last.generation, last.condition);
        let retirement = self.retirement(last);
        let task = actix_rt::spawn(async move {
            match condition {
                Condition::Hung => retirement.cut(socket).await,
                Condition::Healthy | Condition::Failing => retirement.stopped(socket).await,
            }
        });
        self.spec.upstream.swap_pool();
        if condition == Condition::Hung {
            self.spec.upstream.cut_off();
        }
        context.spawn(task.into_actor(self).map(move |_, this: &mut Self, _| {
            this.leaving.remove(&generation);
        }));
    }

    /// Takes an incarnation out of service; then those who wait for `next` are answered.
    pub(super) fn retire(&mut self, old: Current, next: u64, context: &mut Context<Self>) {
        let (generation, condition) = (old.generation, old.condition);
        let serving = old.serving.clone();
        let retirement = self.retirement(old);
        let upstream = self.spec.upstream.clone();
        let task = match condition {
            Condition::Hung => actix_rt::spawn(retirement.hung(upstream)),
            Condition::Healthy | Condition::Failing => {
                actix_rt::spawn(retirement.replaced(upstream))
            }
        };
        let done = task.into_actor(self).map(move |result, this: &mut Self, _| {
            this.leaving.remove(&generation);
            if result.is_err() {
                // Its handle panicked half-way: it must not go on taking connections.
                retire::spawn_stop(serving, Ending::Now);
            }
            if condition == Condition::Healthy {
                this.ended(generation, Exit::new(Reason::Admin, "replaced"));
            }
            this.answer(next, &Ok(next));
        });
        context.spawn(done);
    }

    pub(super) fn retirement(&mut self, old: Current) -> Retirement {
        let (tell, gone) = oneshot::channel();
        self.leaving.entry(old.generation).or_default().push(tell);
        Retirement {
            title: format!("{}#{}", self.spec.name, old.generation),
            serving: old.serving,
            draining: old.draining,
            gone,
            hangs: Arc::default(),
            settle: self.spec.settle,
            soft_drain: self.spec.soft_drain,
            drain: self.spec.drain,
        }
    }
}
