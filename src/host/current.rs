//! The settings of a running process: those in effect, and those that each service was built from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::{
    self, Config, Difference, Faults, Pending, Row, Settings, changes, holds_at_once, pending_of,
    pending_of_process,
};
use crate::storage::Target;
use crate::types::ServiceName;

use super::Host;

/// Told of settings that have just changed: what was in effect, and the host as it is now.
pub type Heed = Box<dyn Fn(&Config, &Host) + Send + Sync>;

/// Shared by all copies of a host.
pub(super) struct Current {
    start: Arc<Config>,
    now: Mutex<Now>,
    /// In the order of their coming. Held while settings are read: one after the other does so.
    heeds: Mutex<Vec<Heed>>,
}

/// Written when settings are read, and when an incarnation comes up.
struct Now {
    in_effect: Arc<Config>,
    /// As the places say it: what only a new process takes up is here alone.
    wanted: Settings,
    built: BTreeMap<ServiceName, Arc<Config>>,
}

/// The settings as an operator sees them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownSettings {
    pub settings: Vec<Row>,
    /// What somebody has not taken up yet.
    pub pending_restart: Vec<Pending>,
}

impl Current {
    pub(super) fn new(start: Arc<Config>) -> Current {
        let wanted = start.settings.clone();
        let now = Now { in_effect: start.clone(), wanted, built: BTreeMap::new() };
        Current { start, now: Mutex::new(now), heeds: Mutex::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heeds(&self) -> MutexGuard<'_, Vec<Heed>> {
        self.heeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self, now: &Now) -> Vec<Pending> {
        let of = |(service, built): (&ServiceName, &Arc<Config>)| {
            pending_of(*service, &built.settings, &now.wanted)
        };
        let mut pending: Vec<Pending> = now.built.iter().flat_map(of).collect();
        pending.extend(pending_of_process(&self.start.settings, &now.wanted));
        pending
    }
}

impl Host {
    /// This host with the settings that are in effect now. Whoever is built goes by what it was
    /// built from to its end.
    pub fn now(&self) -> Host {
        Host { config: self.current.now().in_effect.clone(), ..self.clone() }
    }

    /// Has `heed` told of each change of the settings from now on.
    pub fn heed(&self, heed: Heed) {
        self.current.heeds().push(heed);
    }

    /// A service serves that was built from this host.
    pub(super) fn serves(&self, service: ServiceName) {
        self.current.now().built.insert(service, self.config.clone());
    }

    /// Every setting as the file and the environment have it, and who does not go by it yet.
    pub fn settings(&self) -> ShownSettings {
        let now = self.current.now();
        let settings = config::shown(&now.wanted);
        ShownSettings { settings, pending_restart: self.current.pending(&now) }
    }

    /// Reads the settings again, checks all of them, and puts them in effect as one. It reads a
    /// file: not for a thread that has other things to do.
    ///
    /// # Errors
    /// All that is wrong, as `check-config` has it; then everything is as it was.
    pub fn reload(&self) -> Result<Difference, Faults> {
        // Taken first: who comes second finds what the first has done.
        let heeds = self.current.heeds();
        let (read, warnings) =
            self.current.start.load_again(check_database).inspect_err(|faults| {
                log::error!("{}", faults.list("everything stays as it is"));
            })?;
        let in_effect = Arc::new(read.within(&self.current.start));
        let (before, difference) = {
            let mut now = self.current.now();
            let before = std::mem::replace(&mut now.in_effect, in_effect);
            let changed = changes(&now.wanted, &read.settings);
            now.wanted = read.settings;
            let at_once = changed.iter().map(|change| &change.key).filter(|key| holds_at_once(key));
            let applied = at_once.cloned().collect();
            let pending_restart = self.current.pending(&now);
            (before, Difference { changed, applied, pending_restart })
        };
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        // First of all: what is changed may be what is logged.
        tell(&difference);
        if !difference.changed.is_empty() {
            let host = self.now();
            heeds.iter().for_each(|heed| heed(&before, &host));
        }
        Ok(difference)
    }
}

/// What a database URL may say is known to the storage alone.
pub fn check_database(url: &str) -> Result<(), String> {
    Target::parse(url, None).map(drop).map_err(|fault| fault.to_string())
}

fn tell(difference: &Difference) {
    if difference.changed.is_empty() {
        log::info!("the settings were read again: nothing has changed");
    }
    for change in &difference.changed {
        let (from, to) = (told(change.from.as_deref()), told(change.to.as_deref()));
        let origin = change.origin.as_deref().unwrap_or("not given any more");
        log::info!("setting {}: {from} is now {to} ({origin})", change.key);
    }
    for Pending { key, service } in &difference.pending_restart {
        match service {
            Some(service) => log::warn!("setting {key} waits for a restart of {service}"),
            None => log::warn!("setting {key} waits for a restart of the process"),
        }
    }
}

/// For the log, where nobody's address belongs either.
fn told(value: Option<&str>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(value) if value.contains('@') => "***".to_owned(),
        Some(value) => format!("{value:?}"),
    }
}
