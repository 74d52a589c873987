//! A job every so often: with jitter, never two at once, each run with a time limit.

use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use tokio::task::JoinHandle;

use crate::clock;
use crate::exit::Exit;

/// When a job runs, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// From the end of one run to the start of the next.
    pub every: Duration,
    /// Part of `every` that chance adds or takes, so that many such jobs spread out.
    pub jitter: f64,
    /// A run that takes longer is dropped.
    pub limit: Duration,
}

impl Schedule {
    /// A tenth of jitter, and as much time for a run as lies between two.
    pub fn every(every: Duration) -> Self {
        Schedule { every, jitter: 0.1, limit: every }
    }

    /// The pause before the next run; `chance` is even in `0.0..1.0`.
    fn pause(&self, chance: f64) -> Duration {
        self.every.mul_f64((1.0 + self.jitter * (2.0 * chance - 1.0)).max(0.0))
    }
}

/// A job that runs until this is dropped.
#[must_use = "the job ends when this is dropped"]
pub struct Periodic {
    task: JoinHandle<()>,
}

/// Runs `job` on this thread's system: the first time after one pause. A run that panics or takes too
/// long is logged, and the next one comes as planned.
pub fn start<J, F>(name: &'static str, schedule: Schedule, mut job: J) -> Periodic
where
    J: FnMut() -> F + 'static,
    F: Future<Output = ()> + 'static,
{
    let task = actix_rt::spawn(async move {
        loop {
            sleep(schedule.pause(clock::chance())).await;
            let run = AssertUnwindSafe(async { job().await }).catch_unwind();
            match timeout(schedule.limit, run).await {
                Ok(Ok(())) => {}
                Ok(Err(payload)) => log::error!("{name}: {}", Exit::panicked(&*payload)),
                Err(_) => log::warn!("{name} took longer than {:?}: dropped", schedule.limit),
            }
        }
    });
    Periodic { task }
}

impl Drop for Periodic {
    fn drop(&mut self) {
        self.task.abort();
    }
}
