//! What the gateway counts. The children of each label are looked up once, at the start.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use actix_web::http::StatusCode;
use busbar_http::{Metrics, Problem};
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    core::Collector,
};

use super::cache::{Forwarded, Way};
use super::forward::Loss;
use super::problem;
use super::retry::Next;
use super::upstream::breaker::State;

const BUCKETS_SECONDS: [f64; 12] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// The gateway's own metrics.
pub(super) struct Meters {
    outcomes: IntCounterVec,
    durations: HistogramVec,
    retries: IntCounterVec,
    /// Answers that were cut after their head.
    pub(super) cuts: IntCounterVec,
    pub(super) slow: IntCounter,
    /// Answers that the gateway made because it or a service could not.
    refusals: IntCounterVec,
    exhausted: IntCounterVec,
    breakers: IntGaugeVec,
    breaker_changes: IntCounterVec,
    totals: std::sync::Arc<Totals>,
}

/// The same over all services, for the figures of the Node.js system.
#[derive(Default)]
pub(super) struct Totals {
    pub(super) proxied: AtomicU64,
    pub(super) upstream_errors: AtomicU64,
}

/// The metrics of one service behind.
pub(super) struct UpstreamMeters {
    ok: IntCounter,
    http_4xx: IntCounter,
    http_5xx: IntCounter,
    connect: IntCounter,
    timeout: IntCounter,
    reset: IntCounter,
    overflow: IntCounter,
    rejected: IntCounter,
    duration: Histogram,
    retried_elsewhere: IntCounter,
    retried_again: IntCounter,
    retried_answer: IntCounter,
    exhausted: IntCounter,
    totals: std::sync::Arc<Totals>,
}

/// The metrics of one instance's breaker.
pub(super) struct BreakerMeters {
    pub(super) state: IntGauge,
    passing: IntCounter,
    probing: IntCounter,
    rejecting: IntCounter,
}

impl Meters {
    pub(super) fn register(metrics: &Metrics) -> Result<Meters, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            added(metrics, IntCounterVec::new(Opts::new(name, help), labels)?)
        };
        let durations = HistogramOpts::new(
            "busbar_gateway_upstream_duration_seconds",
            "Time from sending a request on to the head of its answer",
        )
        .buckets(BUCKETS_SECONDS.to_vec());
        let breakers = Opts::new(
            "busbar_gateway_breaker_state",
            "The breaker of an instance: 0 passing, 1 probing, 2 rejecting",
        );
        Ok(Meters {
            outcomes: counters(
                "busbar_gateway_upstream_requests_total",
                "Requests sent on, by what became of them",
                &["upstream", "outcome"],
            )?,
            durations: added(metrics, HistogramVec::new(durations, &["upstream"])?)?,
            retries: counters(
                "busbar_gateway_retries_total",
                "Requests sent once more: to another instance, or again after a lost answer",
                &["upstream", "reason"],
            )?,
            cuts: counters(
                "busbar_gateway_bodies_cut_total",
                "Answers that broke off after their head",
                &["reason"],
            )?,
            slow: added(
                metrics,
                IntCounter::new(
                    "busbar_gateway_slow_requests_total",
                    "Requests that took longer than the threshold",
                )?,
            )?,
            refusals: counters(
                "busbar_gateway_refusals_total",
                "Answers of 5xx and 429 that the gateway made itself, by their code",
                &["reason"],
            )?,
            exhausted: counters(
                "busbar_gateway_retry_budget_exhausted_total",
                "Requests that were not sent once more because too many had been",
                &["upstream"],
            )?,
            breakers: added(metrics, IntGaugeVec::new(breakers, &["upstream", "instance"])?)?,
            breaker_changes: counters(
                "busbar_gateway_breaker_transitions_total",
                "Changes of the state of an instance's breaker, by the new state",
                &["upstream", "instance", "to"],
            )?,
            totals: std::sync::Arc::default(),
        })
    }

    pub(super) fn breaker(&self, upstream: &str, instance: usize) -> BreakerMeters {
        let instance = instance.to_string();
        let to = |state| self.breaker_changes.with_label_values(&[upstream, &instance, state]);
        BreakerMeters {
            state: self.breakers.with_label_values(&[upstream, &instance]),
            passing: to("passing"),
            probing: to("probing"),
            rejecting: to("rejecting"),
        }
    }

    /// An instance that the settings do not name any more; it may have been forgotten before.
    pub(super) fn forget(&self, upstream: &str, instance: usize) {
        let _ = self.breakers.remove_label_values(&[upstream, &instance.to_string()]);
    }

    pub(super) fn of(&self, upstream: &str) -> UpstreamMeters {
        let outcome = |outcome| self.outcomes.with_label_values(&[upstream, outcome]);
        UpstreamMeters {
            ok: outcome("ok"),
            http_4xx: outcome("http_4xx"),
            http_5xx: outcome("http_5xx"),
            connect: outcome("connect"),
            timeout: outcome("timeout"),
            reset: outcome("reset"),
            overflow: outcome("overflow"),
            rejected: outcome("breaker_rejecting"),
            duration: self.durations.with_label_values(&[upstream]),
            retried_elsewhere: self.retries.with_label_values(&[upstream, "unreachable"]),
            retried_again: self.retries.with_label_values(&[upstream, "lost"]),
            retried_answer: self.retries.with_label_values(&[upstream, "answer"]),
            exhausted: self.exhausted.with_label_values(&[upstream]),
            totals: self.totals.clone(),
        }
    }

    /// Counts what the gateway refuses, and tells the reason in a header.
    pub(super) fn refused(&self, problem: Problem) -> Problem {
        if problem::is_a_refusal(&problem) {
            self.refusals.with_label_values(&[problem.code()]).inc();
        }
        problem::reasoned(problem)
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }
}

/// What the cache did for requests.
pub(super) struct CacheMeters {
    hits: IntCounter,
    stale: IntCounter,
    collapsed: IntCounter,
    validated: IntCounter,
    stood_in: IntCounter,
    misses: IntCounter,
    bypassed: IntCounter,
}

impl CacheMeters {
    pub(super) fn register(metrics: &Metrics) -> Result<CacheMeters, prometheus::Error> {
        let about = Opts::new(
            "busbar_gateway_cache_requests_total",
            "Requests by what the cache did: hit, stale, collapsed (another request brought the \
             answer), validated, stood_in (for one that failed), miss, bypass",
        );
        let counters = added(metrics, IntCounterVec::new(about, &["result"])?)?;
        let result = |result| counters.with_label_values(&[result]);
        Ok(CacheMeters {
            hits: result("hit"),
            stale: result("stale"),
            collapsed: result("collapsed"),
            validated: result("validated"),
            stood_in: result("stood_in"),
            misses: result("miss"),
            bypassed: result("bypass"),
        })
    }

    /// An entry was the answer.
    pub(super) fn answered(&self, way: Way) {
        match way {
            Way::Hit(_) => self.hits.inc(),
            Way::StaleHit(_) => self.stale.inc(),
            Way::Collapsed(_) => self.collapsed.inc(),
            Way::Validated(_) => self.validated.inc(),
            Way::StoodIn(_) => self.stood_in.inc(),
            Way::Sent(why, _) => self.missed(why),
        }
    }

    /// What came from the service was the answer.
    pub(super) fn missed(&self, why: Forwarded) {
        match why {
            Forwarded::Off | Forwarded::Bypass | Forwarded::Method => self.bypassed.inc(),
            _ => self.misses.inc(),
        }
    }

    /// Answers from the cache, as the Node.js system counted them.
    pub(super) fn hits_total(&self) -> u64 {
        let all = [&self.hits, &self.stale, &self.collapsed, &self.validated, &self.stood_in];
        all.iter().map(|counter| counter.get()).sum()
    }

    pub(super) fn misses_total(&self) -> u64 {
        self.misses.get()
    }
}

impl UpstreamMeters {
    pub(super) fn answered(&self, status: StatusCode, took: Duration) {
        self.totals.proxied.fetch_add(1, Relaxed);
        self.duration.observe(took.as_secs_f64());
        if status.is_server_error() {
            self.totals.upstream_errors.fetch_add(1, Relaxed);
            self.http_5xx.inc();
        } else if status.is_client_error() {
            self.http_4xx.inc();
        } else {
            self.ok.inc();
        }
    }

    pub(super) fn lost(&self, loss: &Loss) {
        let counter = match loss {
            Loss::Overflow => &self.overflow,
            Loss::Rejecting(_) => return self.rejected.inc(),
            Loss::Unreachable(_) => &self.connect,
            Loss::TimedOut => &self.timeout,
            Loss::Broken(_) | Loss::Cut | Loss::Panicked(_) => &self.reset,
            // The client's own body; no fault of the service.
            Loss::TooLarge | Loss::BodyIncomplete(_) | Loss::BodyStalled => return,
        };
        counter.inc();
        self.totals.proxied.fetch_add(1, Relaxed);
        self.totals.upstream_errors.fetch_add(1, Relaxed);
    }

    pub(super) fn retried(&self, next: Next) {
        match next {
            Next::Elsewhere => self.retried_elsewhere.inc(),
            Next::Again => self.retried_again.inc(),
            Next::Instead => self.retried_answer.inc(),
            Next::GiveUp => {}
        }
    }

    pub(super) fn exhausted(&self) {
        self.exhausted.inc();
    }
}

impl BreakerMeters {
    pub(super) fn changed(&self, state: State) {
        self.state.set(state.number());
        match state {
            State::Passing => self.passing.inc(),
            State::Probing { .. } => self.probing.inc(),
            State::Rejecting { .. } => self.rejecting.inc(),
        }
    }
}

fn added<C: Collector + Clone + 'static>(
    metrics: &Metrics,
    collector: C,
) -> Result<C, prometheus::Error> {
    metrics.register(collector.clone())?;
    Ok(collector)
}
