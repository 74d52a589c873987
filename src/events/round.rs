//! One round of the relay with one listener: claim, carry, settle by the answer.

use std::time::Duration;

use tokio::sync::watch;

use crate::storage::{Database, StoreError, Transaction};
use crate::types::{Backoff, Clock, ServiceName};

use super::carry::{Carry, Undelivered};
use super::debts::{self, Claim, Debt};
use super::inbox::{Item, Outcome};
use super::judge::{Verdict, blames_content, judge};
use super::meters::Meters;

/// The bounds of a relay.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Looks for work at least this often, for what other processes commit.
    pub poll: Duration,
    pub batch_events: u32,
    /// How long a relay that has died keeps its events from others. Renewed at a third of it.
    pub lease: Duration,
    /// For the whole exchange of one batch; longer than a listener takes for one.
    pub request: Duration,
    /// After a request that failed as a whole.
    pub rest: Backoff,
    /// For an event that the listener failed on.
    pub postpone: Backoff,
    /// So many refusals park an event.
    pub refusals_max: u32,
    /// What rounds under way have when the incarnation ends.
    pub drain: Duration,
    /// How often is counted and cleaned up.
    pub upkeep: Duration,
    /// How long delivered events are kept.
    pub retention: Duration,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule {
            poll: Duration::from_secs(1),
            batch_events: super::BATCH_EVENTS_MAX as u32,
            lease: Duration::from_secs(5),
            request: Duration::from_secs(10),
            rest: Backoff { floor_ms: 100, ceiling_ms: 5_000 },
            postpone: Backoff { floor_ms: 200, ceiling_ms: 60_000 },
            refusals_max: 10,
            drain: Duration::from_secs(3),
            upkeep: Duration::from_secs(5),
            retention: Duration::from_secs(30 * 24 * 3_600),
        }
    }
}

/// What a relay works with.
#[derive(Clone)]
pub struct Road {
    /// Whose events these are.
    pub source: ServiceName,
    pub database: Database,
    /// The service's own clock, for what is too old; leases go by the system's.
    pub clock: Clock,
    pub carry: Carry,
    pub meters: Meters,
    pub rule: Rule,
}

/// How a round ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Round {
    /// Nothing was due.
    Nothing,
    /// The listener gave its results.
    Answered,
    /// The whole request failed, or the database did.
    Failed { why: String },
}

/// Any number: waits of those who failed together shall differ.
pub(crate) fn chance() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

pub(crate) async fn run(
    road: Road,
    listener: ServiceName,
    batch: u32,
    cut: watch::Receiver<bool>,
) -> Round {
    road.attempt(listener, batch, cut)
        .await
        .unwrap_or_else(|error| Round::Failed { why: error.to_string() })
}

impl Road {
    async fn attempt(
        &self,
        listener: ServiceName,
        batch: u32,
        mut cut: watch::Receiver<bool>,
    ) -> Result<Round, StoreError> {
        let now = Clock::system().now();
        if !debts::is_waiting(&self.database, listener, now).await? {
            return Ok(Round::Nothing);
        }
        let claim = debts::claim(&self.database, listener, now, self.rule.lease, batch).await?;
        if claim.debts.is_empty() {
            return Ok(Round::Nothing);
        }
        let ended = |why: &str| Err(Undelivered::Unreachable(why.to_owned()));
        let answer = tokio::select! {
            answer = (self.carry)(listener, body_of(&claim.debts)) => answer,
            () = self.keep_lease(&claim) => ended("the lease was lost"),
            // Also when the relay is gone.
            _ = cut.wait_for(|is_cut| *is_cut) => ended("the relay ends"),
        };
        self.conclude(&claim, answer).await
    }

    /// Renews the lease until it is lost: taken over, or not renewed in its time.
    async fn keep_lease(&self, claim: &Claim) {
        let lease = self.rule.lease;
        let mut until = tokio::time::Instant::now() + lease;
        loop {
            tokio::time::sleep(lease / 3).await;
            let (asked, now) = (tokio::time::Instant::now(), Clock::system().now());
            let renew =
                self.database.transaction(async |tx| claim.renew(tx, now.plus(lease)).await);
            match tokio::time::timeout_at(until, renew).await {
                Ok(Ok(true)) => until = asked + lease,
                Ok(Ok(false)) | Err(_) => return,
                Ok(Err(error)) => log::warn!("a lease of {} stays: {error}", claim.listener),
            }
        }
    }

    async fn conclude(
        &self,
        claim: &Claim,
        answer: Result<Vec<Item>, Undelivered>,
    ) -> Result<Round, StoreError> {
        let why = match answer {
            Ok(items) => {
                if self.settle(claim, &items).await? {
                    return Ok(Round::Answered);
                }
                return Ok(Round::Failed { why: "it came to none of the events".to_owned() });
            }
            Err(Undelivered::Unreachable(why)) => why,
            Err(Undelivered::Status { status, code }) => {
                if let [debt] = claim.debts.as_slice()
                    && blames_content(status)
                {
                    let refused = Item { id: debt.id, result: Outcome::Refused, code: Some(code) };
                    self.settle(claim, &[refused]).await?;
                    return Ok(Round::Answered);
                }
                format!("{status} {code}")
            }
        };
        self.database.transaction(async |tx| claim.release(tx).await).await?;
        Ok(Round::Failed { why })
    }

    /// Writes down what became of each event; in one transaction, which changes nothing of what
    /// another claim has taken over. Whether the listener came to any.
    async fn settle(&self, claim: &Claim, items: &[Item]) -> Result<bool, StoreError> {
        let verdicts: Vec<(&Debt, Verdict)> = claim
            .debts
            .iter()
            .map(|debt| {
                let item = items.iter().find(|item| item.id == debt.id);
                (debt, judge(item, debt.refusals, self.rule.refusals_max))
            })
            .collect();
        self.database
            .transaction(async |tx| {
                for (debt, verdict) in &verdicts {
                    self.settle_one(tx, claim, debt, verdict).await?;
                }
                claim.delivered(tx, Clock::system().now()).await
            })
            .await?;
        for (debt, verdict) in &verdicts {
            self.meters.settled(claim.listener, verdict);
            if let Verdict::Parked { error } = verdict {
                let listener = claim.listener.as_str();
                log::error!("event {} is parked for {listener}: {error}", debt.id);
            }
        }
        Ok(verdicts.iter().any(|(_, verdict)| *verdict != Verdict::Untried))
    }

    async fn settle_one(
        &self,
        tx: &mut Transaction<'_>,
        claim: &Claim,
        debt: &Debt,
        verdict: &Verdict,
    ) -> Result<(), StoreError> {
        let now = Clock::system().now();
        match verdict {
            Verdict::Delivered => Ok(()),
            Verdict::Untried => claim.postpone(tx, debt, now, None).await,
            Verdict::Parked { error } => claim.park(tx, debt.id, error).await,
            Verdict::Postponed { error, is_refusal } => {
                let failures = debt.failures.saturating_add(1);
                let refusals = debt.refusals.saturating_add(u32::from(*is_refusal));
                let later = Debt { failures, refusals, ..(*debt).clone() };
                let due_at = now.plus(self.rule.postpone.wait(failures, chance()));
                claim.postpone(tx, &later, due_at, Some(error)).await
            }
        }
    }
}

/// The envelopes as they were written, as one array.
fn body_of(debts: &[Debt]) -> String {
    let events: Vec<&str> = debts.iter().map(|debt| debt.event.as_str()).collect();
    format!("[{}]", events.join(","))
}
