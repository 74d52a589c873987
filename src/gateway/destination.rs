//! One service behind the gateway, or what an added route leads to: its instances, the places in
//! front of them, its counters.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use busbar_actors::mailbox::{Bounded, Permit};
use busbar_http::Problem;
use busbar_http::lane::{Base, Instance, Limits};

use super::Behind;
use super::forward::Loss;
use super::meters::{Meters, UpstreamMeters};
use super::upstream::breaker::Rule;
use super::upstream::budget::Budget;
use super::upstream::judge::Facts;
use super::upstream::member::{Member, Title};
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
        // The deadline of each request ends it.
        head_timeout: None,
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
    budget: Arc<Mutex<Budget>>,
    /// Requests under way and in line, over all instances: actors' mailboxes have no bound of
    /// their own that holds.
    places: Bounded,
    figures: Figures,
}

/// What the settings say of it besides where it is.
#[derive(Clone, Debug, PartialEq)]
struct Figures {
    limits: Limits,
    rule: Rule,
    retries_max: u32,
    budget_ratio: f64,
    retries_per_second_min: u32,
    places_max: usize,
}

impl Figures {
    fn new(settings: &config::Gateway, limits: Limits, instances: usize) -> Figures {
        let places_each = settings.max_sockets.saturating_add(settings.max_pending);
        Figures {
            limits,
            rule: Rule {
                failures_max: settings.breaker_failures,
                open_min: Duration::from_millis(settings.breaker_open_ms),
            },
            retries_max: settings.retry_max,
            budget_ratio: settings.retry_budget_ratio,
            retries_per_second_min: settings.retry_min_per_second,
            // There may be none for a while.
            places_max: places_each.saturating_mul(instances.max(1)),
        }
    }
}

impl Destination {
    /// As the settings have it now. What `known` is of the same (connections, what its breakers and
    /// its budget have seen) goes on; under other bounds connections are made anew.
    pub(super) fn renewed(
        known: Option<&Arc<Destination>>,
        behind: Behind,
        settings: &config::Gateway,
        meters: &Meters,
        board: &Arc<Board>,
    ) -> Arc<Destination> {
        let Behind { name, bases, limits, news, service } = behind;
        let figures = Figures::new(settings, limits, bases.len());
        let same = known.filter(|known| known.figures == figures && known.is_at(&bases));
        if let Some(same) = same {
            return same.clone();
        }
        let epoch = news.as_ref().map(|news| news.pool_counter()).unwrap_or_default();
        let mut instances = Vec::new();
        let mut members = Vec::new();
        for (number, base) in bases {
            let place = known.and_then(|known| Some((known, known.place(&base)?)));
            let kept = place.map(|(known, place)| known.instances[place].clone());
            let kept = kept.filter(|_| known.is_some_and(|it| it.figures.limits == figures.limits));
            let instance = kept.unwrap_or_else(|| {
                Instance::with_epoch(base, figures.limits.clone(), epoch.clone())
            });
            let meters = meters.breaker(&name, number);
            let (title, news) = (Title { upstream: name.clone(), number }, news.clone());
            let member = Member::new(title, instance.clone(), news, figures.rule, meters);
            members.push(match place.and_then(|(known, place)| known.ring.member(place)) {
                Some(earlier) => member.after(earlier, figures.rule),
                None => member,
            });
            instances.push(instance);
        }
        let (ratio, few) = (figures.budget_ratio, figures.retries_per_second_min);
        let budget = match known {
            Some(known) => {
                known.budget().set(ratio, few);
                known.budget.clone()
            }
            None => Arc::new(Mutex::new(Budget::new(ratio, few, Instant::now()))),
        };
        let places = known.filter(|known| known.figures.places_max == figures.places_max);
        Arc::new(Destination {
            ring: Ring::new(members.into_iter().map(Arc::new).collect(), service, board.clone()),
            is_ours: service.is_some(),
            meters: meters.of(&name),
            name,
            instances,
            news,
            retries_max: figures.retries_max,
            budget,
            places: places
                .map_or_else(|| Bounded::new(figures.places_max), |known| known.places.clone()),
            figures,
        })
    }

    /// Whether it is what this was before.
    pub(super) fn is_of(&self, behind: &Behind) -> bool {
        self.is_ours == behind.service.is_some() && self.name == behind.name
    }

    fn is_at(&self, bases: &[(usize, Base)]) -> bool {
        let own = self.ring.numbers().zip(self.instances.iter().map(|instance| instance.base()));
        own.eq(bases.iter().map(|(number, base)| (*number, base)))
    }

    fn place(&self, base: &Base) -> Option<usize> {
        self.instances.iter().position(|instance| instance.base() == base)
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
    pub(super) fn facts(&self, is_excused: bool) -> Facts {
        let is_starting = self.news.as_ref().is_some_and(|news| news.is_starting());
        Facts { is_hosted: self.news.is_some(), is_starting, is_excused }
    }
}
