//! The settings in effect as rows that may be shown to anybody who runs the process.
use serde::Serialize;
use utoipa::ToSchema;

use super::Settings;
use super::effect::{Effect, effect};

/// One setting in effect, without secrets.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Row {
    #[schema(example = "gateway.cache_ttl_ms")]
    pub key: String,
    /// As an environment variable would say it; null when it is not set, `***` for a secret.
    #[schema(example = "10000")]
    pub value: Option<String>,
    /// `default`, file and line, a variable, or an option of the command line.
    #[schema(example = "busbar.toml:7")]
    pub origin: String,
    /// Who has to begin anew for a change of it.
    pub effect: Effect,
}

/// Every setting with where it came from, by key.
pub fn shown(settings: &Settings) -> Vec<Row> {
    let row = |key: &str| {
        let (value, origin) = settings.shown(key)?;
        Some(Row { key: key.to_owned(), value, origin: origin.to_owned(), effect: effect(key) })
    };
    settings.keys().filter_map(row).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    #[test]
    fn rows_have_origins_and_no_secrets() {
        let given = [("GATEWAY_CACHE_TTL_MS", "7"), ("BUSBAR_ADMIN_PASSWORD", "hunter2 hunter2 h")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let loaded = Config::load(&Overrides::default(), given.into_iter(), |_| Ok(()));
        let rows = shown(&loaded.unwrap().0.settings);
        let row = |key: &str| {
            let row = rows.iter().find(|row| row.key == key).unwrap();
            (row.value.as_deref(), row.origin.as_str(), row.effect)
        };
        let variable = "GATEWAY_CACHE_TTL_MS";
        assert_eq!(row("gateway.cache_ttl_ms"), (Some("7"), variable, Effect::AtOnce));
        assert_eq!(row("gateway.cors_origins"), (None, "default", Effect::AtOnce));
        let hidden = (Some("***"), "BUSBAR_ADMIN_PASSWORD", Effect::Service);
        assert_eq!(row("users.admin_password"), hidden);
        assert!(rows.is_sorted_by(|one, next| one.key < next.key));
        let json = serde_json::to_value(&rows[0]).unwrap();
        assert!(json["effect"].is_string() && json["origin"].is_string(), "{json}");
    }
}
