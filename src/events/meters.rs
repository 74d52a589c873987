//! What is counted about events: how much is owed to whom, since when, and how it is taken.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use busbar_http::{Check, Metrics};
use futures_util::FutureExt;
use futures_util::future::ready;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec, Opts};

use crate::types::{Clock, ServiceName, Timestamp};

use super::debts::Backlog;
use super::inbox::Outcome;
use super::judge::Verdict;
use super::kinds;

/// From this age of an undelivered event on the service is degraded.
const AGE_MAX: Duration = Duration::from_secs(60);

/// The meters of one service's outbox; clones share them.
#[derive(Clone)]
pub struct Meters {
    pending: IntGaugeVec,
    parked: IntGaugeVec,
    oldest_age: GaugeVec,
    settled: IntCounterVec,
    /// What an operator should see to; written by `observe`, read by the check.
    trouble: Arc<Mutex<Option<String>>>,
}

impl Meters {
    pub fn register(metrics: &Metrics) -> Result<Meters, prometheus::Error> {
        let opts = |name, help| Opts::new(name, help).const_label("service", metrics.service());
        let pending = opts("busbar_outbox_pending", "Events not yet delivered");
        let parked = opts("busbar_outbox_parked", "Events refused too often, waiting for someone");
        let age = opts("busbar_outbox_oldest_age_seconds", "Age of the oldest undelivered event");
        let settled = opts("busbar_outbox_settled_total", "What became of events that were sent");
        let meters = Meters {
            pending: IntGaugeVec::new(pending, &["listener"])?,
            parked: IntGaugeVec::new(parked, &["listener"])?,
            oldest_age: GaugeVec::new(age, &["listener"])?,
            settled: IntCounterVec::new(settled, &["listener", "result"])?,
            trouble: Arc::default(),
        };
        metrics.register(meters.pending.clone())?;
        metrics.register(meters.parked.clone())?;
        metrics.register(meters.oldest_age.clone())?;
        metrics.register(meters.settled.clone())?;
        Ok(meters)
    }

    /// Whether someone should see to the outbox. It asks no database.
    pub fn check(&self) -> Check {
        let trouble = self.trouble.clone();
        let ask = move || {
            let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
            ready(trouble.map_or(Ok(()), Err)).boxed_local()
        };
        Check { name: "outbox", ask: Arc::new(ask) }
    }

    pub(crate) fn settled(&self, listener: ServiceName, verdict: &Verdict) {
        let result = match verdict {
            Verdict::Delivered => "delivered",
            Verdict::Untried => "untried",
            Verdict::Postponed { .. } => "postponed",
            Verdict::Parked { .. } => "parked",
        };
        self.settled.with_label_values(&[listener.as_str(), result]).inc();
    }

    /// Sets the gauges of every listener; who is owed nothing stands at zero.
    pub(crate) fn observe(&self, listeners: &[ServiceName], backlog: &[Backlog]) {
        let now = Clock::system().now();
        let mut trouble = None;
        for listener in listeners {
            let name = [listener.as_str()];
            let owed = backlog.iter().find(|owed| owed.listener == name[0]);
            let age = owed.map_or(Duration::ZERO, |owed| now.since(said_at(owed)));
            match owed {
                Some(owed) if owed.parked > 0 => {
                    trouble = Some(format!("{} events are parked for {listener}", owed.parked));
                }
                Some(_) if age > AGE_MAX && trouble.is_none() => {
                    trouble = Some(format!("events wait for {listener}"));
                }
                _ => {}
            }
            self.pending.with_label_values(&name).set(owed.map_or(0, |owed| owed.pending));
            self.parked.with_label_values(&name).set(owed.map_or(0, |owed| owed.parked));
            self.oldest_age.with_label_values(&name).set(age.as_secs_f64());
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// When the oldest event was made: its id begins with that, whatever the service's clock said.
fn said_at(owed: &Backlog) -> Timestamp {
    let seconds = owed.oldest.uuid().get_timestamp().map_or(0, |at| at.to_unix().0);
    Timestamp::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// What one service has heard of others; clones share it.
#[derive(Clone)]
pub struct Heard(IntCounterVec);

impl Heard {
    pub fn register(metrics: &Metrics) -> Result<Heard, prometheus::Error> {
        let about =
            Opts::new("busbar_events_consumed_total", "Events heard, by what became of them");
        let about = about.const_label("service", metrics.service());
        let heard = Heard(IntCounterVec::new(about, &["type", "result"])?);
        metrics.register(heard.0.clone())?;
        Ok(heard)
    }

    /// Only kinds of the table have a series of their own.
    pub(super) fn count(&self, name: &str, result: Outcome) {
        let known = kinds::ALL.iter().find(|kind| kind.name == name);
        let name = known.map_or("other", |kind| kind.name);
        self.0.with_label_values(&[name, result.as_str()]).inc();
    }
}
