//! How a service is inside: what its supervisor knows of it and what its figures say, as one small
//! JSON. From memory alone; asked for by the collector of a gateway, which may be in another process.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use busbar_actors::{PastExit, ServiceRecord};
use busbar_http::Metrics;
use serde::{Deserialize, Serialize};

use crate::types::Timestamp;

/// Where a service tells it, to other services alone.
pub const PATH: &str = "/internal/status";
/// The last ends that are told.
const ENDS_MAX: usize = 5;

/// See the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inside {
    version: String,
    /// The supervisor's word, such as `running`, and since when it holds.
    state: String,
    since: Timestamp,
    /// The incarnation that serves, or else the newest; its threads that answer HTTP.
    generation: u64,
    workers: usize,
    restarts: u64,
    /// That count against it now.
    failures: usize,
    /// Newest first.
    ends: Vec<End>,
    requests: u64,
    errors: u64,
    under_way: u64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    /// What waits, where there is such a thing: see [`FIGURES`].
    figures: BTreeMap<String, f64>,
}

/// The end of an incarnation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    at: Timestamp,
    generation: u64,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    location: Option<String>,
}

/// How several series of a metric are one figure.
#[derive(Clone, Copy)]
enum Joined {
    Sum,
    Most,
}

/// What is told, the metric that it comes from, the labels that its series must have.
type Figure = (&'static str, &'static str, Option<(&'static str, &'static str)>, Joined);

const FIGURES: [Figure; 10] = [
    ("outboxPending", "busbar_outbox_pending", None, Joined::Sum),
    ("outboxParked", "busbar_outbox_parked", None, Joined::Sum),
    ("outboxOldestSeconds", "busbar_outbox_oldest_age_seconds", None, Joined::Most),
    ("jobsWaiting", "busbar_jobs_waiting", None, Joined::Sum),
    ("jobsDead", "busbar_jobs_dead", None, Joined::Sum),
    ("webhooksPending", "busbar_webhook_pending", None, Joined::Sum),
    ("webhooksOldestSeconds", "busbar_webhook_oldest_pending_age_seconds", None, Joined::Most),
    ("connectionsUsed", "busbar_db_pool_connections", Some(("state", "used")), Joined::Sum),
    ("connectionsMax", "busbar_db_pool_connections", Some(("state", "max")), Joined::Sum),
    ("connectionsWaited", "busbar_db_pool_connections", Some(("state", "waiting")), Joined::Sum),
];

impl Inside {
    pub fn of(record: &ServiceRecord, metrics: &Metrics) -> Inside {
        let latency = metrics.latency();
        let ms = |share| (latency.percentile_ms(share) * 100.0).round() / 100.0;
        Inside {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: record.state.as_str().to_owned(),
            since: timestamp(record.since),
            generation: record.generation,
            workers: metrics.pulse().workers(record.generation),
            restarts: record.restarts,
            failures: record.restarts_in_window,
            ends: record.exits.iter().rev().take(ENDS_MAX).map(End::of).collect(),
            requests: metrics.requests_total(),
            errors: metrics.server_errors_total(),
            under_way: metrics.under_way(),
            p50_ms: ms(0.5),
            p95_ms: ms(0.95),
            p99_ms: ms(0.99),
            figures: figures(metrics),
        }
    }

    /// Without what may tell of the inside: messages and places in the code.
    pub(super) fn for_everybody(&mut self) {
        for end in &mut self.ends {
            (end.message, end.location) = (None, None);
        }
    }
}

impl End {
    fn of(past: &PastExit) -> End {
        let exit = &past.exit;
        End {
            at: timestamp(past.at),
            generation: past.generation,
            reason: exit.reason.as_str().to_owned(),
            message: Some(exit.message.clone()),
            location: exit.location.clone(),
        }
    }
}

fn figures(metrics: &Metrics) -> BTreeMap<String, f64> {
    let families = metrics.families();
    let told = |(key, metric, label, joined): &Figure| {
        let family = families.iter().find(|family| family.name() == *metric)?;
        let is_meant = |series: &&prometheus::proto::Metric| {
            label.is_none_or(|(name, value)| {
                series.get_label().iter().any(|pair| pair.name() == name && pair.value() == value)
            })
        };
        let values = family.get_metric().iter().filter(is_meant);
        let values = values.map(|series| series.get_gauge().get_value());
        let figure = match joined {
            Joined::Sum => values.sum(),
            Joined::Most => values.fold(0.0, f64::max),
        };
        Some(((*key).to_owned(), figure))
    };
    FIGURES.iter().filter_map(told).collect()
}

fn timestamp(at: std::time::SystemTime) -> Timestamp {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(0).plus(since)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use busbar_actors::{Exit, State};
    use prometheus::{IntGaugeVec, Opts};

    use super::*;

    #[test]
    fn figures_are_joined_over_their_series_and_absent_where_there_are_none() {
        let metrics = Metrics::new("webhooks").unwrap();
        let gauges = |name: &str, label: &str, values: &[(&str, i64)]| {
            let gauges = IntGaugeVec::new(Opts::new(name, "-"), &[label]).unwrap();
            for (label, value) in values {
                gauges.with_label_values(&[*label]).set(*value);
            }
            metrics.register(gauges).unwrap();
        };
        gauges("busbar_outbox_pending", "listener", &[("users", 2), ("billing", 3)]);
        gauges("busbar_outbox_oldest_age_seconds", "listener", &[("users", 7), ("billing", 4)]);
        gauges("busbar_db_pool_connections", "state", &[("used", 2), ("max", 20)]);
        let told = figures(&metrics);
        let expected = [
            ("connectionsMax", 20.0),
            ("connectionsUsed", 2.0),
            ("connectionsWaited", 0.0),
            ("outboxOldestSeconds", 7.0),
            ("outboxPending", 5.0),
        ];
        assert_eq!(told, expected.map(|(key, value)| (key.to_owned(), value)).into());
    }

    #[test]
    fn what_everybody_sees_has_no_words_of_the_inside() {
        let exits = (1..=7).map(|generation| PastExit {
            generation,
            exit: Exit { location: Some("src/x.rs:1:2".into()), ..Exit::error("secret words") },
            at: UNIX_EPOCH,
        });
        let record = ServiceRecord {
            name: "billing",
            address: ([127, 0, 0, 1], 1).into(),
            state: State::Failed,
            since: UNIX_EPOCH,
            generation: 7,
            up_at: None,
            restarts: 6,
            restarts_in_window: 6,
            exits: exits.collect(),
            ends: Default::default(),
            children: Vec::new(),
        };
        let mut inside = Inside::of(&record, &Metrics::new("billing").unwrap());
        let told = serde_json::to_value(&inside).unwrap();
        assert_eq!((&told["state"], &told["restarts"]), (&"failed".into(), &6.into()));
        assert_eq!(told["ends"].as_array().unwrap().len(), ENDS_MAX);
        assert_eq!(told["ends"][0]["generation"], 7);
        assert_eq!(told["ends"][0]["message"], "secret words");
        inside.for_everybody();
        let told = serde_json::to_string(&inside).unwrap();
        assert!(!told.contains("secret") && !told.contains("src/x.rs") && told.contains("error"));
    }
}
