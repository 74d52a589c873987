//! One service behind the gateway, or what an added route leads to: its instances, the places in
//! front of them, its counters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use busbar_actors::mailbox::{Bounded, Permit};
use busbar_http::Problem;
use busbar_http::lane::{Instance, Limits};

use super::Behind;
use super::forward::Loss;
use super::meters::{Meters, UpstreamMeters};
use super::upstream::breaker::Rule;
use super::upstream::budget::Budget;
use super::upstream::judge::Facts;
use super::upstream::member::Member;
use super::upstream::ring::Ring;
use crate::config;
use crate::health::Board;

/// Part of the whole deadline that a request may stand in line for a connection.
const LINE_PART: u32 = 2;
/// And never longer than this.
const LINE_MAX: Duration = Duration::from_secs(1);

/// The bounds of the connections to one instance, as the settings have them; `timeout_ms` is for
/// the whole of a request.
pub fn limits(settings: &config::Gateway, timeout_ms: u64) -> Limits {
    let request = Duration::from_millis(timeout_ms);
    let keep_alive = Duration::from_millis(settings.keep_alive_ms);
    Limits {
        busy_max: settings.max_sockets,
        idle_max: settings.max_free_sockets,
        waiting_max: settings.max_pending,
        wait: (request / LINE_PART).min(LINE_MAX),
        connect_timeout: Duration::from_millis(settings.connect_timeout_ms).min(request),
        idle_for: keep_alive,
        keep_alive_probe: keep_alive,
        head_timeout: request,
    }
}

/// Shared by all worker threads.
pub(super) struct Destination {
    /// For logs and labels.
    pub(super) name: Arc<str>,
    pub(super) instances: Vec<Arc<Instance>>,
    /// One of our own services.
    pub(super) is_ours: bool,
    /// What the supervisor tells, when the service is hosted in this process.
    pub(super) news: Option<Arc<busbar_actors::Upstream>>,
    pub(super) meters: UpstreamMeters,
    pub(super) ring: Ring,
    /// How often a single request is sent again at most.
    pub(super) retries_max: u32,
    /// Locked for a moment at a time.
    budget: Mutex<Budget>,
    /// Requests under way and in line, over all instances: actors' mailboxes have no bound of
    /// their own that holds.
    places: Bounded,
}

impl Destination {
    pub(super) fn new(
        behind: Behind,
        settings: &config::Gateway,
        meters: &Meters,
        board: &Arc<Board>,
    ) -> Destination {
        let Behind { name, instances, news, service } = behind;
        let places_each = settings.max_sockets.saturating_add(settings.max_pending);
        let places = Bounded::new(places_each.saturating_mul(instances.len()));
        let rule = Rule {
            failures_max: settings.breaker_failures,
            open_min: Duration::from_millis(settings.breaker_open_ms),
        };
        let member = |(index, instance): (usize, &Arc<Instance>)| {
            let (title, meters) = (format!("{name}/{index}"), meters.breaker(&name, index));
            Member::new(title, instance.clone(), news.clone(), rule, meters)
        };
        let members = instances.iter().enumerate().map(member).collect();
        let (ratio, few) = (settings.retry_budget_ratio, settings.retry_min_per_second);
        Destination {
            ring: Ring::new(members, service, board.clone()),
            is_ours: service.is_some(),
            meters: meters.of(&name),
            name,
            instances,
            news,
            retries_max: settings.retry_max,
            budget: Mutex::new(Budget::new(ratio, few, Instant::now())),
            places,
        }
    }

    /// A place for one request, held until its answer has been handed out.
    pub(super) fn enter(&self) -> Result<Permit, Problem> {
        self.places.enter().ok_or_else(|| {
            let loss = Loss::Overflow;
            self.meters.lost(&loss);
            loss.problem(&self.name)
        })
    }

    pub(super) fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known besides when one of its instances fails.
    pub(super) fn facts(&self, is_streamed: bool) -> Facts {
        let is_starting = self.news.as_ref().is_some_and(|news| news.is_starting());
        Facts { is_hosted: self.news.is_some(), is_starting, is_streamed }
    }
}
