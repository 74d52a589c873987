//! What is known of the services' health, and who finds it out.
//!
//! The [`HealthCollector`] asks every instance now and then and is the only one that writes the
//! [`Board`]; the gateway reads it for each `/health`, so that many callers cost the services
//! nothing. `verdict` says when a state has changed, `report` puts what is known into words.

mod collector;
mod report;
mod target;
mod verdict;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use busbar_http::Status;

use crate::types::{ServiceName, Timestamp};

pub use self::collector::{HealthCollector, Hosted, Watch, limits, watched};
pub use self::report::Report;
pub use self::target::Watched;

/// Intervals without news until what is known counts for nothing.
const INTERVALS_MAX: u32 = 3;

/// What is known of one instance.
#[derive(Clone, Debug)]
pub struct InstanceHealth {
    pub service: ServiceName,
    pub status: Status,
    /// When the status began.
    pub since: Instant,
    /// When it was looked at last: on the steady clock, and for people.
    pub checked: Option<(Instant, Timestamp)>,
    /// How long the last answer took.
    pub latency: Option<Duration>,
    pub reason: Option<String>,
}

/// What is known of all instances.
pub struct Board {
    known_for: Duration,
    /// Written by the collector, whole; read by whoever asks.
    news: RwLock<Arc<[InstanceHealth]>>,
}

impl Board {
    /// `interval` is that in which instances are asked.
    pub fn new(interval: Duration, wait: Duration) -> Board {
        let known_for = interval * INTERVALS_MAX + wait;
        Board { known_for, news: RwLock::new(Arc::default()) }
    }

    /// What is known now, in the order of the services.
    pub fn report(&self) -> Report {
        let news = self.news.read().unwrap_or_else(PoisonError::into_inner).clone();
        Report::of(&news, Instant::now(), self.known_for)
    }

    /// Whether an instance, by its place among those of its service, is known to be down.
    pub fn is_down(&self, service: ServiceName, index: usize, now: Instant) -> bool {
        let news = self.news.read().unwrap_or_else(PoisonError::into_inner);
        let instance = news.iter().filter(|instance| instance.service == service).nth(index);
        instance.is_some_and(|instance| {
            let age = instance.checked.map(|(at, _)| now.saturating_duration_since(at));
            instance.status == Status::Down && age.is_some_and(|age| age <= self.known_for)
        })
    }

    fn publish(&self, news: Vec<InstanceHealth>) {
        *self.news.write().unwrap_or_else(PoisonError::into_inner) = news.into();
    }
}
