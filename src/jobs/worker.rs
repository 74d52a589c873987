//! The worker: an actor that claims what is due and has it done, so many at a time.
//!
//! It can be killed at any point: leases run out and another worker goes on. A handler that panics
//! or fails gives its job back; the worker and its other jobs do not notice.

use std::collections::BTreeMap;
use std::time::Duration;

use actix::prelude::*;
use busbar_http::Check;
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::storage::StoreError;
use crate::types::Timestamp;

use super::perform::Desk;
use super::{Job, Lane, lease};

/// For giving back what was claimed, when the incarnation ends.
const RELEASE_WAIT_MAX: Duration = Duration::from_secs(1);
/// Jobs forgotten in one transaction.
const PRUNE_JOBS: u32 = 200;
/// Transactions of one run: so that writers never wait long for it.
const PRUNES_MAX: usize = 10;

/// The worker of one incarnation of a service.
pub struct Worker {
    desk: Desk,
    /// Jobs under way, and a claim that may become some.
    running: watch::Sender<usize>,
    /// Of them those of each lane.
    busy: BTreeMap<Lane, usize>,
    /// Turns true when they must be given back.
    cut: watch::Sender<bool>,
    claiming: Claiming,
    /// Claims that failed in a row.
    failures: u32,
    /// Looks when the next job is due.
    alarm: Option<SpawnHandle>,
    is_draining: bool,
    is_kept: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Claiming {
    Idle,
    /// A claim is under way; `looks_again`: something was committed meanwhile.
    Busy {
        looks_again: bool,
    },
    /// Waits after a failure.
    Resting,
}

/// From the watch on commits to the worker: see what is due.
#[derive(Message)]
#[rtype(result = "()")]
struct Look;

/// From the incarnation to its worker, before it ends: finish the jobs under way, but give back
/// what is not done within the drain time, then stop.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Drain;

type Claimed = Result<(Vec<Job>, Option<Timestamp>), StoreError>;

impl Worker {
    /// A worker that begins when it is started as an actor.
    pub fn new(desk: Desk) -> Worker {
        Worker {
            desk,
            running: watch::Sender::new(0),
            busy: BTreeMap::new(),
            cut: watch::Sender::new(false),
            claiming: Claiming::Idle,
            failures: 0,
            alarm: None,
            is_draining: false,
            is_kept: false,
        }
    }

    /// Whether someone should see to jobs that are dead.
    pub fn check(&self) -> Check {
        self.desk.meters.check()
    }

    /// The lanes with places that are free.
    fn room(&self) -> Vec<(Lane, usize)> {
        let busy = |lane| self.busy.get(&lane).copied().unwrap_or(0);
        let free = |(lane, places): (Lane, usize)| (lane, places.saturating_sub(busy(lane)));
        self.desk.lanes().map(free).filter(|(_, free)| *free > 0).collect()
    }

    /// Claims what is due, unless a claim is under way, rests, or all hands are busy.
    fn look(&mut self, context: &mut Context<Self>) {
        let room = self.room();
        if self.is_draining || room.is_empty() {
            return;
        }
        match &mut self.claiming {
            Claiming::Resting => {}
            Claiming::Busy { looks_again } => *looks_again = true,
            Claiming::Idle => {
                self.claiming = Claiming::Busy { looks_again: false };
                self.running.send_modify(|running| *running += 1);
                let desk = self.desk.clone();
                let claim = async move { desk.claim(room).await };
                let claimed = |claimed, worker: &mut Worker, context: &mut Context<Worker>| {
                    worker.claimed(claimed, context);
                };
                context.spawn(claim.into_actor(self).map(claimed));
            }
        }
    }

    fn claimed(&mut self, claimed: Claimed, context: &mut Context<Self>) {
        let looks_again = self.claiming == Claiming::Busy { looks_again: true };
        self.claiming = Claiming::Idle;
        match claimed {
            Ok((jobs, next_due)) => {
                self.failures = 0;
                for job in jobs {
                    self.begin(job, context);
                }
                self.ended();
                if looks_again {
                    self.look(context);
                } else {
                    self.set_alarm(next_due, context);
                }
            }
            Err(error) => {
                self.ended();
                self.rest(&error, context);
            }
        }
    }

    fn ended(&mut self) {
        self.running.send_modify(|running| *running = running.saturating_sub(1));
    }

    fn begin(&mut self, job: Job, context: &mut Context<Self>) {
        let lane = job.lane;
        self.running.send_modify(|running| *running += 1);
        *self.busy.entry(lane).or_default() += 1;
        // A task of its own: what a handler does to its thread's turn, it does to itself.
        let work = actix_rt::spawn(self.desk.clone().perform(job, self.cut.subscribe()));
        context.spawn(work.into_actor(self).map(move |ended, worker, context| {
            if let Err(error) = ended {
                log::error!("work on a job ended unexpectedly: {error}");
            }
            worker.busy.entry(lane).and_modify(|busy| *busy = busy.saturating_sub(1));
            worker.ended();
            worker.look(context);
        }));
    }

    fn rest(&mut self, error: &StoreError, context: &mut Context<Self>) {
        self.failures = self.failures.saturating_add(1);
        self.claiming = Claiming::Resting;
        log::warn!("jobs wait ({} failures in a row): {error}", self.failures);
        let chance = uuid::Uuid::new_v4().as_u64_pair().0;
        let wait = self.desk.rule.rest.wait(self.failures, chance);
        context.run_later(wait, |worker, context| {
            worker.claiming = Claiming::Idle;
            worker.look(context);
        });
    }

    /// Looks when the next job is due, if that is before the next poll.
    fn set_alarm(&mut self, next_due: Option<Timestamp>, context: &mut Context<Self>) {
        if let Some(alarm) = self.alarm.take() {
            context.cancel_future(alarm);
        }
        let Some(due_at) = next_due else { return };
        let wait = due_at.since(self.desk.clock.now());
        if wait < self.desk.rule.poll {
            self.alarm = Some(context.run_later(wait, |worker, context| {
                worker.alarm = None;
                worker.look(context);
            }));
        }
    }

    /// Counts jobs and forgets what is done long since, one at a time.
    fn keep(&mut self, context: &mut Context<Self>) {
        if self.is_kept || self.is_draining {
            return;
        }
        self.is_kept = true;
        let desk = self.desk.clone();
        let kept = async move { desk.keep().await }.into_actor(self);
        context.spawn(kept.map(|kept, worker, _| {
            worker.is_kept = false;
            if let Err(error) = kept {
                log::warn!("upkeep of jobs: {error}");
            }
        }));
    }
}

impl Actor for Worker {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.add_message_stream(looks(self.desk.database.commits()));
        context.run_interval(self.desk.rule.poll, |worker, context| worker.look(context));
        context.run_interval(self.desk.rule.upkeep, |worker, context| worker.keep(context));
        let desk = self.desk.clone();
        let recovered = async move { desk.recover().await }.into_actor(self);
        context.spawn(recovered.map(|recovered, worker, context| {
            if let Err(error) = recovered {
                log::warn!("leases of an earlier process were not ended: {error}");
            }
            worker.look(context);
            worker.keep(context);
        }));
    }
}

impl Handler<Look> for Worker {
    type Result = ();

    fn handle(&mut self, _: Look, context: &mut Self::Context) {
        self.look(context);
    }
}

impl Handler<Drain> for Worker {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.is_draining = true;
        let (mut running, drain) = (self.running.subscribe(), self.desk.rule.drain);
        let none = |running: &usize| *running == 0;
        let cut = self.cut.clone();
        let drained = async move {
            if tokio::time::timeout(drain, running.wait_for(none)).await.is_err() {
                cut.send_replace(true);
                // Giving back needs the database; if that is gone too, the leases run out.
                let _ = tokio::time::timeout(RELEASE_WAIT_MAX, running.wait_for(none)).await;
            }
        };
        Box::pin(drained.into_actor(self).map(|(), _, context| context.stop()))
    }
}

impl Desk {
    /// What a process that has died had claimed in a database of ours alone is free at once.
    async fn recover(&self) -> Result<(), StoreError> {
        if !self.database.is_held_alone() {
            return Ok(());
        }
        let released =
            self.database.transaction(async |tx| lease::release_others(tx).await).await?;
        if released > 0 {
            log::info!("{released} jobs of an earlier process go on");
        }
        Ok(())
    }

    async fn keep(&self) -> Result<(), StoreError> {
        let backlog = super::backlog(&self.database).await?;
        self.meters.observe(&self.handlers.kinds(), &backlog, self.clock.now());
        let before = self.clock.now().minus(self.rule.retention);
        for _ in 0..PRUNES_MAX {
            if !super::is_old(&self.database, before).await? {
                break;
            }
            self.database
                .transaction(async |tx| super::prune(tx, before, PRUNE_JOBS).await)
                .await?;
        }
        Ok(())
    }
}

/// A look for each change of the number of commits.
fn looks(commits: watch::Receiver<u64>) -> impl Stream<Item = Look> {
    futures_util::stream::unfold(commits, |mut commits| async move {
        commits.changed().await.ok()?;
        Some((Look, commits))
    })
    .boxed_local()
}
