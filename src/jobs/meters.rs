//! What is counted about jobs: how many wait, how many are dead, how they end.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use busbar_http::{Check, Metrics};
use futures_util::FutureExt;
use futures_util::future::ready;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts};

use super::Backlog;
use crate::types::Timestamp;

/// The meters of one service's jobs; clones share them.
#[derive(Clone)]
pub struct Meters {
    waiting: IntGaugeVec,
    dead: IntGaugeVec,
    oldest_age: GaugeVec,
    ended: IntCounterVec,
    /// All dead jobs; written by `observe`, read by the check.
    dead_total: Arc<AtomicI64>,
}

impl Meters {
    pub fn register(metrics: &Metrics) -> Result<Meters, prometheus::Error> {
        let opts = |name, help| Opts::new(name, help).const_label("service", metrics.service());
        let waiting = opts("busbar_jobs_waiting", "Jobs not yet finished");
        let dead = opts("busbar_jobs_dead", "Jobs that failed too often, waiting for someone");
        let oldest = opts(
            "busbar_jobs_oldest_age_seconds",
            "For how long the unfinished job that is due longest has been due",
        );
        let ended = opts("busbar_jobs_ended_total", "How work on jobs ended");
        let meters = Meters {
            waiting: IntGaugeVec::new(waiting, &["kind"])?,
            dead: IntGaugeVec::new(dead, &["kind"])?,
            oldest_age: GaugeVec::new(oldest, &["kind"])?,
            ended: IntCounterVec::new(ended, &["kind", "result"])?,
            dead_total: Arc::default(),
        };
        metrics.register(meters.waiting.clone())?;
        metrics.register(meters.dead.clone())?;
        metrics.register(meters.oldest_age.clone())?;
        metrics.register(meters.ended.clone())?;
        Ok(meters)
    }

    /// Whether someone should see to the jobs. It asks no database.
    pub fn check(&self) -> Check {
        let dead_total = self.dead_total.clone();
        let ask = move || {
            let answer = match dead_total.load(Ordering::Relaxed) {
                0 => Ok(()),
                dead => Err(format!("{dead} jobs are dead")),
            };
            ready(answer).boxed_local()
        };
        Check { name: "jobs", ask: Arc::new(ask) }
    }

    /// `kind` is one of the handlers' own, so the series are few.
    pub(super) fn ended(&self, kind: &str, result: &str) {
        self.ended.with_label_values(&[kind, result]).inc();
    }

    /// Sets the gauges of every kind that has a handler; what has no jobs stands at zero.
    pub(super) fn observe(&self, kinds: &[&'static str], backlog: &[Backlog], now: Timestamp) {
        let dead_total = backlog.iter().map(|backlog| backlog.dead).sum();
        self.dead_total.store(dead_total, Ordering::Relaxed);
        for kind in kinds {
            let found = backlog.iter().find(|backlog| backlog.kind == *kind);
            let due_at = found.and_then(|found| found.next_due_at);
            let age = due_at.map_or(0.0, |due_at| now.since(due_at).as_secs_f64());
            self.oldest_age.with_label_values(&[kind]).set(age);
            self.waiting.with_label_values(&[kind]).set(found.map_or(0, |found| found.waiting));
            self.dead.with_label_values(&[kind]).set(found.map_or(0, |found| found.dead));
        }
    }
}
