//! Restarts of services: what holds for all, and what some have of their own.
use super::{HOUR_MS, section};
use crate::config::reader::{Reader, fraction, number};
use crate::types::ServiceName;

section! {
    /// Restarts of a service, and of each of its children.
    Supervision {
        /// Restarts within a period that a service is allowed.
        restarts_max: u32 = number(0..=1_000),
        /// The period that restarts are counted in.
        period_ms: u64 = number(1..=24 * HOUR_MS),
        /// The wait before a first restart; it doubles with each further one.
        backoff_min_ms: u64 = number(0..=HOUR_MS),
        /// The longest wait before a restart.
        backoff_max_ms: u64 = number(0..=HOUR_MS),
        /// Part of a wait that chance adds or takes.
        jitter: f64 = fraction,
        /// A life of this length makes the waits start over.
        healthy_after_ms: u64 = number(0..=24 * HOUR_MS),
        /// After this a service that has failed is tried again; 0: somebody has to start it.
        cool_down_ms: u64 = number(0..=24 * HOUR_MS),
        /// How long a service may take until it accepts requests.
        start_timeout_ms: u64 = number(1..=HOUR_MS),
    }
}

const SECTION: &str = "supervision";

/// The rules of each service.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervisions([Supervision; ServiceName::ALL.len()]);

impl Supervisions {
    /// What a service does not have of its own (`supervision.payments.restarts_max`) is the usual.
    pub(in crate::config) fn read(from: &mut Reader<'_>) -> Self {
        Supervision::read(from, SECTION);
        let own = |name| {
            from.instead_of(SECTION, |from| Supervision::read(from, &format!("{SECTION}.{name}")))
        };
        Supervisions(ServiceName::ALL.map(own))
    }

    pub fn of(&self, name: ServiceName) -> &Supervision {
        &self.0[name as usize]
    }

    /// The keys that no default file has.
    pub(in crate::config) fn own_keys() -> impl Iterator<Item = String> {
        let fields = |name| Supervision::FIELDS.iter().map(move |field| (name, *field));
        let of_all = ServiceName::ALL.into_iter().flat_map(fields);
        of_all.map(|(name, field)| format!("{SECTION}.{name}.{field}"))
    }
}

impl Supervision {
    const FIELDS: [&str; 8] = [
        "restarts_max",
        "period_ms",
        "backoff_min_ms",
        "backoff_max_ms",
        "jitter",
        "healthy_after_ms",
        "cool_down_ms",
        "start_timeout_ms",
    ];
}
