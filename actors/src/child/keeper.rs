//! Keeps one child alive. Whatever is foreign runs in a task of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use actix_rt::time::sleep;
use tokio::sync::watch;

use super::ChildSpec;
use crate::clock;
use crate::exit::{Exit, Reason};
use crate::intensity::{Intensity, Next};
use crate::monitor;
use crate::registry::{Listed, State};

/// See the module.
pub(super) struct Keeper {
    /// For log lines.
    pub(super) title: String,
    pub(super) listed: Listed,
    pub(super) leaving: watch::Receiver<bool>,
    pub(super) spec: ChildSpec,
}

/// What becomes of a child that has ended.
enum Then {
    Again(Duration),
    /// It is not wanted any more.
    Over,
    Lost(Exit),
}

impl Keeper {
    /// Until it is told to leave, or does not go on; then how an essential one died for good.
    pub(super) async fn keep(&mut self) -> Option<Exit> {
        let mut intensity = Intensity::new(self.spec.intensity.clone());
        loop {
            let begun = clock::steady();
            let exit = self.live().await?;
            let lived = clock::steady().saturating_duration_since(begun);
            match self.after(exit, lived, &mut intensity) {
                Then::Again(delay) => {
                    tokio::select! {
                        () = sleep(delay) => {}
                        () = self.told_to_leave() => return None,
                    }
                    self.listed.restarted();
                }
                Then::Over => {
                    self.told_to_leave().await;
                    return None;
                }
                Then::Lost(exit) => return Some(exit),
            }
        }
    }

    /// Who could tell is gone: the same.
    pub(super) async fn told_to_leave(&mut self) {
        drop(self.leaving.wait_for(|is_leaving| *is_leaving).await);
    }

    /// One life, from its build to its end; `None` when it has left as it was told.
    async fn live(&mut self) -> Option<Exit> {
        let born = match catch_unwind(AssertUnwindSafe(|| (self.spec.build)())) {
            Ok(born) => born,
            Err(payload) => return Some(Exit::panicked(&*payload)),
        };
        let mut life = monitor::spawn(born.life);
        tokio::select! {
            exit = &mut life => return Some(exit),
            () = self.told_to_leave() => {}
        }
        self.listed.enter(State::Draining);
        match born.leave {
            Some(leave) => drop(monitor::spawn(leave).await),
            None => life.abort(),
        }
        life.await;
        None
    }

    fn after(&self, exit: Exit, lived: Duration, intensity: &mut Intensity) -> Then {
        let spec = &self.spec;
        self.listed.ended(exit.clone());
        if !spec.restart.again_after(exit.reason) {
            log::info!("{} is over: {exit}", self.title);
            let is_lost = spec.is_essential && exit.reason != Reason::Finished;
            self.listed.enter(if is_lost { State::Failed } else { State::Stopped });
            return if is_lost { Then::Lost(self.told(exit)) } else { Then::Over };
        }
        match intensity.failed(clock::steady(), lived, clock::chance()) {
            Next::RestartAfter(delay) => self.again(&exit, delay),
            // The others need not fall with it.
            Next::GiveUp if !spec.is_essential => self.again(&exit, spec.intensity.delay_max),
            Next::GiveUp => {
                log::error!("{} failed too often: {exit}", self.title);
                self.listed.enter(State::Failed);
                Then::Lost(self.told(exit))
            }
        }
    }

    fn again(&self, exit: &Exit, delay: Duration) -> Then {
        log::warn!("{} ended and begins anew in {} ms: {exit}", self.title, delay.as_millis());
        self.listed.enter(State::Backoff);
        Then::Again(delay)
    }

    /// As the end of the whole.
    fn told(&self, exit: Exit) -> Exit {
        let message = format!("{} was given up: {}", self.spec.name, exit.message);
        Exit { location: exit.location, ..Exit::new(exit.reason, message) }
    }
}
