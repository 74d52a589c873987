//! The settings as text with their origins: layers put over each other, and the table that
//! `check-config` prints.
use std::collections::BTreeMap;
use std::fmt;

use config::builder::DefaultState;
use config::{ConfigBuilder, ConfigError, Map, Source, Value, ValueKind};

use super::environment;
use super::fault::{Fault, shown};

/// Where a setting is that nobody changed.
pub(super) const DEFAULT: &str = "default";

/// Values that come from one place, each with its origin.
#[derive(Clone, Default)]
pub(super) struct Layer(BTreeMap<String, (String, String)>);

impl Layer {
    pub(super) fn set(&mut self, key: &str, text: impl Into<String>, origin: impl Into<String>) {
        self.0.insert(key.to_owned(), (text.into(), origin.into()));
    }
}

/// The values may be secrets.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = |(text, origin): &(String, String)| Value::new(Some(origin), text.clone());
        Ok(self.0.iter().map(|(key, entry)| (key.clone(), value(entry))).collect())
    }
}

/// A setting in effect.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) text: String,
    pub(super) origin: String,
}

/// All settings in effect by key.
#[derive(Clone)]
pub struct Settings(BTreeMap<String, Setting>);

impl Settings {
    /// Puts the layers over each other; later ones win.
    pub(super) fn merged(layers: Vec<Layer>) -> Result<Self, ConfigError> {
        let builder = ConfigBuilder::<DefaultState>::default();
        let merged =
            layers.into_iter().fold(builder, |below, layer| below.add_source(layer)).build()?;
        let mut settings = BTreeMap::new();
        collect("", merged.cache, &mut settings);
        Ok(Settings(settings))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }

    /// A setting as it may be shown, and its origin; without a value when it is not set.
    pub(super) fn shown(&self, key: &str) -> Option<(Option<String>, &str)> {
        let setting = self.get(key)?;
        let value = shown(&setting.text, environment::is_secret(key));
        Some((Some(value).filter(|value| !value.is_empty()), &setting.origin))
    }

    /// Any setting of a table in a list.
    pub(super) fn first_of(&self, table: &str) -> Option<&Setting> {
        let begins = format!("{table}.");
        let mut after = self.0.range(begins.clone()..);
        after.next().filter(|(key, _)| key.starts_with(&begins)).map(|(_, setting)| setting)
    }

    pub(super) fn set(&mut self, key: &str, text: &str, origin: &str) {
        let setting = Setting { text: text.to_owned(), origin: origin.to_owned() };
        self.0.insert(key.to_owned(), setting);
    }

    /// Key, value and origin of each; a secret is not shown.
    fn rows(&self) -> impl Iterator<Item = (&str, String, &str)> {
        self.0.iter().map(|(key, setting)| {
            let value = shown(&setting.text, environment::is_secret(key));
            (key.as_str(), value, setting.origin.as_str())
        })
    }

    pub(super) fn unset(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// A fault of the setting `key`, with its origin and its value.
    pub fn fault(&self, key: &str, allowed: impl Into<String>) -> Fault {
        let Some(setting) = self.get(key) else {
            return Fault::of_origin(DEFAULT, allowed).key(key);
        };
        let value = shown(&setting.text, environment::is_secret(key));
        Fault::of_origin(&setting.origin, allowed).key(key).value(value)
    }
}

/// The table of what is in effect and where it came from, without secrets.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: String| if value.is_empty() { "(not set)".to_owned() } else { value };
        let rows: Vec<_> =
            self.rows().map(|(key, text, origin)| (key, value(text), origin)).collect();
        let key_width = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
        let value_width = rows.iter().map(|row| row.1.len().min(40)).max().unwrap_or(0);
        rows.iter().try_for_each(|(key, value, origin)| {
            writeln!(f, "{key:key_width$}  {value:value_width$}  {origin}")
        })
    }
}

/// Secrets stay out of debug output too.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn collect(prefix: &str, value: Value, settings: &mut BTreeMap<String, Setting>) {
    let origin = value.origin().unwrap_or(DEFAULT).to_owned();
    match value.kind {
        ValueKind::Table(table) => table.into_iter().for_each(|(name, inner)| {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            collect(&key, inner, settings);
        }),
        ValueKind::Array(items) => items.into_iter().enumerate().for_each(|(index, inner)| {
            collect(&format!("{prefix}[{index}]"), inner, settings);
        }),
        plain => {
            settings.insert(prefix.to_owned(), Setting { text: plain.to_string(), origin });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn layer(key: &str, text: &str, origin: &str) -> Layer {
        let mut layer = Layer::default();
        layer.set(key, text, origin);
        layer
    }

    #[test]
    fn later_layers_win_and_keep_their_origin() {
        let layers = vec![
            layer("a.b", "1", DEFAULT),
            layer("a.c", "2", DEFAULT),
            layer("a.b", "3", "busbar.toml:7"),
        ];
        let settings = Settings::merged(layers).unwrap();
        let b = settings.get("a.b").unwrap();
        assert_eq!((b.text.as_str(), b.origin.as_str()), ("3", "busbar.toml:7"));
        assert_eq!(settings.get("a.c").unwrap().origin, DEFAULT);
    }

    #[test]
    fn the_table_shows_no_secret() {
        let settings = Settings::merged(vec![
            layer("users.admin_password", "hunter2", "BUSBAR_ADMIN_PASSWORD"),
            layer("services.users.urls", "", DEFAULT),
        ]);
        let table = settings.unwrap().to_string();
        assert!(
            table.contains("users.admin_password  ***        BUSBAR_ADMIN_PASSWORD"),
            "{table}"
        );
        assert!(table.contains("(not set)") && !table.contains("hunter2"));
    }
}
