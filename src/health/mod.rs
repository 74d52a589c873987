//! What is known of the services' health, and who finds it out.
//!
//! The [`HealthCollector`] asks every instance now and then and is the only one that writes the
//! [`Board`]; the gateway reads it for each `/health`, so that many callers cost the services
//! nothing. `verdict` says when a state has changed, `report` puts what is known into words,
//! `overview` into more of them for the status page. `history` remembers a day of it, also over a
//! restart; `inside` is what a service tells of itself, `watched` says who is watched.

mod collector;
mod history;
mod inside;
mod overview;
mod report;
mod target;
mod threads;
mod transitions;
mod verdict;
mod watched;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use busbar_http::Status;

use crate::types::{ServiceName, Timestamp};

pub use self::collector::{HealthCollector, Watch, limits};
pub use self::history::History;
pub use self::inside::{Inside, PATH as INSIDE_PATH};
use self::overview::Checked;
pub use self::overview::Overview;
pub use self::report::Report;
pub use self::threads::while_all_stop;
pub use self::transitions::Transitions;
pub use self::watched::{Hosted, Shown, Watched, watched};

/// Intervals without news until what is known counts for nothing.
const INTERVALS_MAX: u32 = 3;
/// Whoever has asked for the overview will ask again before that.
const AUDIENCE_FOR: Duration = Duration::from_secs(10);

/// What is known of one instance.
#[derive(Clone, Debug)]
pub struct InstanceHealth {
    pub service: ServiceName,
    /// Among the instances of its service.
    pub number: usize,
    pub status: Status,
    /// When the status began.
    pub since: Instant,
    /// When it was looked at last: on the steady clock, and for people.
    pub checked: Option<(Instant, Timestamp)>,
    /// How long the last answer took.
    pub latency: Option<Duration>,
    pub reason: Option<String>,
    /// Looks in a row that say it is down, before it counts as down.
    pub missed: u32,
    /// What it says of what it needs.
    checks: Arc<[Checked]>,
    /// How it is inside, and when that was told; while somebody wants to know.
    inside: Option<(Instant, Arc<Inside>)>,
}

/// What is known of all instances.
pub struct Board {
    known_for: Duration,
    /// Written by the collector, whole; read by whoever asks.
    news: RwLock<Arc<[InstanceHealth]>>,
    history: History,
    start: Instant,
    /// Milliseconds from `start` until which somebody looks at the overview; written by these.
    audience_until: AtomicU64,
    pub transitions: Transitions,
}

impl Board {
    /// `interval` is that in which instances are asked.
    pub fn new(interval: Duration, wait: Duration) -> Board {
        let known_for = interval * INTERVALS_MAX + wait;
        Board {
            known_for,
            news: RwLock::new(Arc::default()),
            transitions: Transitions::default(),
            history: History::forgetful(),
            start: Instant::now(),
            audience_until: AtomicU64::new(0),
        }
    }

    pub fn remembering(self, history: History) -> Board {
        Board { history, ..self }
    }

    /// What is known now, in the order of the services.
    pub fn report(&self) -> Report {
        let news = self.news();
        Report::of(&news, Instant::now(), self.known_for).with(|name| self.history.past(name))
    }

    /// The same and more for the status page. Who asks for it makes the collector ask for more.
    pub fn overview(&self) -> Overview {
        let until = (self.start.elapsed() + AUDIENCE_FOR).as_millis();
        self.audience_until.store(u64::try_from(until).unwrap_or(u64::MAX), Relaxed);
        Overview::of(&self.news(), &self.history, Instant::now(), self.known_for)
    }

    fn has_audience(&self) -> bool {
        self.start.elapsed() < Duration::from_millis(self.audience_until.load(Relaxed))
    }

    fn news(&self) -> Arc<[InstanceHealth]> {
        self.news.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether an instance, by its number among those of its service, is known to be down.
    pub fn is_down(&self, service: ServiceName, number: usize, now: Instant) -> bool {
        let news = self.news.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |known: &&InstanceHealth| (known.service, known.number) == (service, number);
        let instance = news.iter().find(is_it);
        instance.is_some_and(|instance| {
            let age = instance.checked.map(|(at, _)| now.saturating_duration_since(at));
            instance.status == Status::Down && age.is_some_and(|age| age <= self.known_for)
        })
    }

    fn publish(&self, news: Vec<InstanceHealth>) {
        self.history.observe(&report::statuses(&news, Instant::now(), self.known_for));
        let mut known = self.news.write().unwrap_or_else(PoisonError::into_inner);
        self.transitions.observe(&known, &news);
        *known = news.into();
    }
}
