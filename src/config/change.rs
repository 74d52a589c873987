//! What is different between two states of the settings, and who still goes by the older one.
use std::collections::BTreeSet;

use serde::Serialize;
use utoipa::ToSchema;

use crate::types::ServiceName;

use super::effect::{is_at_once, is_of, is_of_process};
use super::reader::Reader;
use super::settings::Setting;
use super::{Config, Settings};

/// One setting that has another value than before. Without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Change {
    #[schema(example = "gateway.rate_limit")]
    pub key: String,
    /// Null: it was not set.
    #[schema(example = "off")]
    pub from: Option<String>,
    /// Null: it is not set any more.
    #[schema(example = "100/60s")]
    pub to: Option<String>,
    /// Where the new value is from; null when it is nowhere.
    #[schema(example = "busbar.toml:12")]
    pub origin: Option<String>,
}

/// A setting that somebody has not taken up yet.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Pending {
    #[schema(example = "database.connection_limit")]
    pub key: String,
    /// Who has to be restarted; null: the process.
    #[schema(value_type = Option<String>, example = "payments")]
    pub service: Option<ServiceName>,
}

/// What came of reading the settings again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Difference {
    pub changed: Vec<Change>,
    /// Keys of these that hold now, as far as they are looked at each time.
    pub applied: Vec<String>,
    /// What waits for a restart, also from earlier.
    pub pending_restart: Vec<Pending>,
}

/// The settings that have another value in `to`, by key.
pub fn changes(from: &Settings, to: &Settings) -> Vec<Change> {
    let change = |key: &str| {
        let (earlier, later) = (from.shown(key), to.shown(key));
        Change {
            key: key.to_owned(),
            from: earlier.and_then(|(value, _)| value),
            to: later.as_ref().and_then(|(value, _)| value.clone()),
            origin: later.map(|(_, origin)| origin.to_owned()),
        }
    };
    differing(from, to).into_iter().map(change).collect()
}

/// Whether a changed setting is looked at each time.
pub fn holds_at_once(key: &str) -> bool {
    is_at_once(key)
}

/// What a service goes by that was built from `built`, and is another in `wanted`.
pub fn pending_of(service: ServiceName, built: &Settings, wanted: &Settings) -> Vec<Pending> {
    pending(built, wanted, Some(service), |key| is_of(key, service))
}

/// The same of the whole process, which was started with `start`.
pub fn pending_of_process(start: &Settings, wanted: &Settings) -> Vec<Pending> {
    pending(start, wanted, None, is_of_process)
}

fn pending(
    from: &Settings,
    to: &Settings,
    service: Option<ServiceName>,
    minds: impl Fn(&str) -> bool,
) -> Vec<Pending> {
    let minded = differing(from, to).into_iter().filter(|key| minds(key));
    minded.map(|key| Pending { key: key.to_owned(), service }).collect()
}

fn differing<'a>(one: &'a Settings, other: &'a Settings) -> Vec<&'a str> {
    let keys: BTreeSet<&str> = one.keys().chain(other.keys()).collect();
    let text = |of: &'a Settings, key: &str| of.get(key).map(|Setting { text, .. }| text.as_str());
    keys.into_iter().filter(|key| text(one, key) != text(other, key)).collect()
}

impl Config {
    /// These settings as they can hold in a process that was started with `start`: what only a new
    /// process can change is as it was.
    pub fn within(&self, start: &Config) -> Config {
        let mut settings = self.settings.clone();
        for change in pending_of_process(&start.settings, &self.settings) {
            match start.settings.get(&change.key) {
                Some(Setting { text, origin }) => settings.set(&change.key, text, origin),
                None => settings.unset(&change.key),
            }
        }
        // Each of them was found valid where it comes from.
        let mut reader = Reader::new(&settings, &start.settings);
        let mut config = Config::read(&mut reader, settings.clone());
        config.overrides = self.overrides.clone();
        config
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::{self, Overrides};

    fn with(given: &[(&str, &str)]) -> Config {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(&Overrides::default(), given, |_| Ok(())).unwrap().0
    }

    const PASSWORD: (&str, &str) = ("BUSBAR_SMTP_PASSWORD", "hunter2");

    #[test]
    fn what_is_different_is_told_without_secrets() {
        let (before, after) = (with(&[]), with(&[("GATEWAY_RATE_LIMIT", "5/60s"), PASSWORD]));
        let found = changes(&before.settings, &after.settings);
        let change = |key: &str, from: Option<&str>, to: Option<&str>, origin: &str| Change {
            key: key.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            origin: Some(origin.to_owned()),
        };
        let expected = [
            change("gateway.rate_limit", Some("off"), Some("5/60s"), "GATEWAY_RATE_LIMIT"),
            change("notifications.smtp_password", None, Some("***"), PASSWORD.0),
        ];
        assert_eq!(found, expected);
        assert!(changes(&after.settings, &after.settings).is_empty());
    }

    /// The gateway and the services agree on how long connections are kept: until all of them begin
    /// anew, what they began with holds, whatever else has changed.
    #[test]
    fn what_only_a_new_process_changes_stays_as_it_was() {
        let start = with(&[]);
        let wanted = with(&[
            ("GATEWAY_KEEP_ALIVE_MS", "60000"),
            ("USER_SERVICE_PORT", "4001"),
            ("USER_SERVICE_WORKERS", "3"),
            ("GATEWAY_CACHE_TTL_MS", "7"),
        ]);
        let now = wanted.within(&start);
        assert_eq!(now.gateway, config::Gateway { cache_ttl_ms: 7, ..start.gateway.clone() });
        assert_eq!(now.server, start.server);
        let users = now.services.get(ServiceName::Users);
        assert_eq!((users.port, users.workers), (3001, 3));

        let of_process = pending_of_process(&start.settings, &wanted.settings);
        let keys: Vec<&str> = of_process.iter().map(|pending| &*pending.key).collect();
        let fixed = ["gateway.keep_alive_ms", "server.keep_alive_ms", "services.users.port"];
        assert_eq!(keys, fixed);
        let of_users = pending_of(ServiceName::Users, &start.settings, &wanted.settings);
        let pending =
            Pending { key: "services.users.workers".into(), service: Some(ServiceName::Users) };
        assert_eq!(of_users, [pending]);
        assert!(pending_of(ServiceName::Billing, &start.settings, &wanted.settings).is_empty());
    }
}
