//! One job from its claim to its end: the handler runs while the lease is renewed.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use busbar_http::Problem;
use futures_util::FutureExt;
use tokio::sync::watch;

use crate::storage::{Database, StoreError, Transaction};
use crate::types::{Backoff, Clock, Timestamp};

use super::{Handlers, Job, Lane, Meters, Patience, lease};

/// The bounds of a worker.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Jobs of the common lane that are worked on at a time.
    pub parallel_max: usize,
    /// How long a holder that has died keeps a job from others. Renewed at a third of it.
    pub lease: Duration,
    /// What a handler has for one job; after that it has failed.
    pub job: Duration,
    /// Looks for work at least this often, for what other processes commit.
    pub poll: Duration,
    /// After a claim that failed.
    pub rest: Backoff,
    /// For a kind that has no handler here: a newer release may have made it.
    pub unknown_kind: Duration,
    /// What jobs under way have when the incarnation ends.
    pub drain: Duration,
    /// How often is counted and cleaned up.
    pub upkeep: Duration,
    /// How long finished jobs are kept.
    pub retention: Duration,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule {
            parallel_max: 8,
            lease: Duration::from_secs(5),
            job: Duration::from_secs(120),
            poll: Duration::from_secs(1),
            rest: Backoff { floor_ms: 100, ceiling_ms: 5_000 },
            unknown_kind: Duration::from_secs(60),
            drain: Duration::from_secs(3),
            upkeep: Duration::from_secs(5),
            retention: Duration::from_secs(7 * 24 * 3_600),
        }
    }
}

/// What a worker works with.
#[derive(Clone)]
pub struct Desk {
    pub database: Database,
    /// The service's own clock: due times go by it.
    pub clock: Clock,
    pub handlers: Handlers,
    pub meters: Meters,
    pub rule: Rule,
}

/// How the work on a job ended.
enum End {
    Done,
    Failed {
        error: String,
    },
    /// Someone else has the job by now.
    Lost,
    /// The incarnation ends.
    Cut,
}

impl Desk {
    /// All lanes, with their places.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (Lane, usize)> {
        std::iter::once((Lane::COMMON, self.rule.parallel_max)).chain(self.handlers.lanes())
    }

    /// Claims what is due, at most so many of each lane, and tells when the next job of one of them
    /// will be.
    pub(super) async fn claim(
        &self,
        room: Vec<(Lane, usize)>,
    ) -> Result<(Vec<Job>, Option<Timestamp>), StoreError> {
        let now = self.clock.now();
        let (mut waiting, mut jobs, mut next_due) = (Vec::new(), Vec::new(), None);
        for (lane, places) in &room {
            if lease::is_waiting(&self.database, *lane, now).await? {
                waiting.push((*lane, *places));
            }
        }
        if !waiting.is_empty() {
            jobs = self.database.transaction(async |tx| self.claim_of(tx, &waiting).await).await?;
        }
        for (lane, _) in room {
            let of_lane = super::next_due(&self.database, lane).await?;
            next_due = next_due.into_iter().chain(of_lane).min();
        }
        Ok((jobs, next_due))
    }

    async fn claim_of(
        &self,
        tx: &mut Transaction<'_>,
        room: &[(Lane, usize)],
    ) -> Result<Vec<Job>, StoreError> {
        let (now, mut jobs) = (self.clock.now(), Vec::new());
        for (lane, places) in room {
            jobs.extend(lease::claim(tx, *lane, now, self.rule.lease, *places).await?);
        }
        Ok(jobs)
    }

    /// Works on a job and writes down how that ended. When the database does not take that, the
    /// lease runs out and the job is claimed again.
    pub(super) async fn perform(self, job: Job, cut: watch::Receiver<bool>) {
        let end = match self.handlers.of(&job.kind) {
            Some((patience, _)) if is_over(&job, patience) => {
                End::Failed { error: "begun too often without an end".to_owned() }
            }
            Some((_, handler)) => {
                let work = async { handler(job.clone()).await };
                self.watch(&job, work, cut).await
            }
            None => {
                self.put_aside(&job).await;
                return;
            }
        };
        if let Err(error) = self.conclude(&job, end).await {
            log::warn!("{} {}: its end was not written down: {error}", job.kind, job.id);
        }
    }

    /// Runs the work until it ends, its time is over, its lease is lost, or the incarnation ends.
    async fn watch(
        &self,
        job: &Job,
        work: impl Future<Output = Result<(), Problem>>,
        mut cut: watch::Receiver<bool>,
    ) -> End {
        let work = AssertUnwindSafe(work).catch_unwind();
        let failed = |error: &str| End::Failed { error: error.to_owned() };
        tokio::select! {
            ended = tokio::time::timeout(self.rule.job, work) => match ended {
                Ok(Ok(Ok(()))) => End::Done,
                Ok(Ok(Err(problem))) => failed(&told(&problem)),
                Ok(Err(payload)) => failed(&panicked(&*payload)),
                Err(_) => failed("it took too long"),
            },
            () = self.keep_lease(job) => End::Lost,
            _ = cut.wait_for(|is_cut| *is_cut) => End::Cut,
        }
    }

    /// Renews the lease until it is lost: taken over, or not renewed in its time.
    async fn keep_lease(&self, job: &Job) {
        let lease = self.rule.lease;
        let mut until = tokio::time::Instant::now() + lease;
        loop {
            tokio::time::sleep(lease / 3).await;
            let asked = tokio::time::Instant::now();
            let renew = self.database.transaction(async |tx| lease::renew(tx, job, lease).await);
            match tokio::time::timeout_at(until, renew).await {
                Ok(Ok(true)) => until = asked + lease,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => log::warn!("the lease of job {} stays: {error}", job.id),
            }
        }
    }

    async fn conclude(&self, job: &Job, end: End) -> Result<(), StoreError> {
        let now = self.clock.now();
        match end {
            End::Done => {
                if lease::is_held(&self.database, job).await? {
                    self.database.transaction(async |tx| lease::end(tx, job, now).await).await?;
                }
                self.meters.ended(&job.kind, "done");
            }
            End::Failed { error } => self.fail(job, &error, now).await?,
            End::Lost => {
                log::warn!("{} {}: the lease was lost, the work dropped", job.kind, job.id);
                self.meters.ended(&job.kind, "lost");
            }
            End::Cut => {
                self.database.transaction(async |tx| lease::untried(tx, job).await).await?;
                self.meters.ended(&job.kind, "cut");
            }
        }
        Ok(())
    }

    async fn fail(&self, job: &Job, error: &str, now: Timestamp) -> Result<(), StoreError> {
        let patience = self.handlers.of(&job.kind).map_or_else(Patience::default, |(p, _)| p);
        let is_dead = patience.failures_max.is_some_and(|max| job.failures >= max);
        let chance = uuid::Uuid::new_v4().as_u64_pair().0;
        let due_at = now.plus(patience.backoff.wait(job.failures, chance));
        self.database
            .transaction(async |tx| match is_dead {
                true => lease::bury(tx, job, now, error).await,
                false => lease::failed(tx, job, due_at, error).await,
            })
            .await?;
        let (kind, id, failures) = (&job.kind, job.id, job.failures);
        if is_dead {
            log::error!("job {kind} {id} is dead after {failures} failures: {error}");
        } else {
            log::warn!("job {kind} {id} failed ({failures} in a row): {error}");
        }
        self.meters.ended(kind, if is_dead { "dead" } else { "failed" });
        Ok(())
    }

    /// Leaves a job to those who know its kind.
    async fn put_aside(&self, job: &Job) {
        log::error!("job {} {}: no handler for this kind", job.kind, job.id);
        let due_at = self.clock.now().plus(self.rule.unknown_kind);
        let given_back = self
            .database
            .transaction(async |tx| lease::give_back(tx, job, due_at, Some("no handler")).await)
            .await;
        if let Err(problem) = given_back {
            log::warn!("job {} {} was not given back: {}", job.kind, job.id, told(&problem));
        }
    }
}

/// Whether a job was begun more often than it may fail: its work ends the process, it seems.
fn is_over(job: &Job, patience: Patience) -> bool {
    patience.failures_max.is_some_and(|max| job.failures > max)
}

/// A problem for the log and the row: its code, and its cause where there is one.
fn told(problem: &Problem) -> String {
    match problem.cause_text() {
        Some(cause) => format!("{}: {cause}", problem.code()),
        None => problem.code().to_owned(),
    }
}

fn panicked(payload: &(dyn std::any::Any + Send)) -> String {
    format!("panicked: {}", busbar_actors::panics::message(payload))
}
