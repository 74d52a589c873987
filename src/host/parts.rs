//! What the actors of an incarnation work with, as the settings have it.

use std::time::Duration;

use busbar_http::Metrics;

use crate::events;
use crate::jobs;
use crate::services::{OpenError, Peers};
use crate::storage::Database;
use crate::types::{Backoff, ServiceName};

use super::Host;

/// Between tries to reach a listener that is away.
const REST_MS_MAX: u64 = 5_000;
/// How often what is owed is counted, in polls; where these are rare, at the relay's own pace.
const POLLS_PER_COUNT: u32 = 5;

impl Host {
    /// For the relay.
    pub(super) fn road(
        &self,
        name: ServiceName,
        database: &Database,
        metrics: &Metrics,
        peers: &Peers,
    ) -> Result<events::round::Road, OpenError> {
        let settings = &self.config.events;
        let backoff =
            Backoff { floor_ms: settings.backoff_min_ms, ceiling_ms: settings.backoff_max_ms };
        let poll = Duration::from_millis(settings.poll_ms);
        let rule = events::round::Rule {
            poll,
            upkeep: (poll * POLLS_PER_COUNT).min(events::round::Rule::default().upkeep),
            batch_events: settings.batch,
            lease: Duration::from_millis(settings.lease_ms),
            request: Duration::from_millis(settings.delivery_timeout_ms),
            // A listener that is back shall not wait for as long as an event that it fails on.
            rest: Backoff { ceiling_ms: backoff.ceiling_ms.min(REST_MS_MAX), ..backoff },
            postpone: backoff,
            refusals_max: settings.attempts_max,
            ..events::round::Rule::default()
        };
        let peers = peers.all().map(|(name, peer)| (name, peer.clone())).collect();
        Ok(events::round::Road {
            source: name,
            database: database.clone(),
            clock: self.clock.clone(),
            carry: events::carry::by_peers(peers, rule.request),
            meters: events::meters::Meters::register(metrics)?,
            rule,
        })
    }

    /// For the worker.
    pub(super) fn desk(
        &self,
        handlers: jobs::Handlers,
        database: &Database,
        metrics: &Metrics,
    ) -> Result<jobs::Desk, OpenError> {
        let settings = &self.config.jobs;
        let rule = jobs::Rule {
            parallel_max: settings.parallel,
            lease: Duration::from_millis(settings.lease_ms),
            poll: Duration::from_millis(settings.poll_ms),
            ..jobs::Rule::default()
        };
        Ok(jobs::Desk {
            database: database.clone(),
            clock: self.clock.clone(),
            handlers,
            meters: jobs::Meters::register(metrics)?,
            rule,
        })
    }
}
