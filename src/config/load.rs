//! Collects the settings from their four places.
use std::path::{Path, PathBuf};

use crate::types::{ServiceName, Text, nearest};

use super::check::nearest_key;
use super::document::{self, Entry};
use super::environment::{self, DATABASE_URL, Variable};
use super::fault::{Fault, Faults, Warning, shown};
use super::given::{self, Given};
use super::sections::{AddedRoute, Supervisions, added_route_field};
use super::settings::{DEFAULT, Layer, Settings};

/// `config/default.toml`: every setting there is.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// What the command line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// `--config FILE`
    pub file: Option<PathBuf>,
    /// `--services gateway,payments`
    pub services: Option<String>,
    /// `--data DIR`
    pub data_dir: Option<PathBuf>,
}

/// Settings from all places, still as text.
pub(super) struct Collected {
    pub(super) settings: Settings,
    pub(super) defaults: Settings,
    pub(super) faults: Faults,
    pub(super) warnings: Vec<Warning>,
}

pub(super) fn collect(
    overrides: &Overrides,
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Collected, Faults> {
    let default_layer = default_layer()?;
    let defaults = merged(vec![default_layer.clone()])?;
    let mut faults = Faults::default();
    let mut warnings = Vec::new();
    let mut layers = vec![default_layer];
    if let Some(file) = &overrides.file {
        layers.push(file_layer(file, &defaults, &mut faults));
    }
    let own: Vec<String> = Supervisions::own_keys().collect();
    let known = environment::variables(defaults.keys().chain(own.iter().map(String::as_str)));
    let given = given::all(variables, &known, &mut faults);
    layers.push(environment_layer(&given, &known, &defaults, &mut warnings));
    layers.push(command_line_layer(overrides));
    let mut settings = merged(layers)?;
    let bare = given.iter().find(|given| given.name == DATABASE_URL && !given.value.is_empty());
    if let Some(Given { value, origin, .. }) = bare {
        only_database(&mut settings, value, origin, &mut faults);
    }
    Ok(Collected { settings, defaults, faults, warnings })
}

/// What came through a pipe is gone: read again, it would say that everything is as by default.
pub(super) fn can_be_read_again(overrides: &Overrides) -> Result<(), Faults> {
    let Some(file) = &overrides.file else { return Ok(()) };
    match std::fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(single(
            &format!("--config {}", file.display()),
            "a file, so that it can be read again".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Merging texts cannot go wrong; should it all the same, it is said and not swallowed.
fn merged(layers: Vec<Layer>) -> Result<Settings, Faults> {
    Settings::merged(layers).map_err(|error| single(DEFAULT, error.to_string()))
}

fn default_layer() -> Result<Layer, Faults> {
    let entries = document::entries(DEFAULTS);
    let entries = entries.map_err(|faults| single(DEFAULT, format!("{faults:?}")))?;
    let mut layer = Layer::default();
    for Entry { key, text, .. } in entries {
        layer.set(&key, text.unwrap_or_default(), DEFAULT);
    }
    Ok(layer)
}

fn single(origin: &str, what: String) -> Faults {
    let mut faults = Faults::default();
    faults.push(Fault::of_origin(origin, what));
    faults
}

fn file_layer(path: &Path, known: &Settings, faults: &mut Faults) -> Layer {
    let name = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            faults.push(Fault::of_origin(format!("--config {name}"), error.to_string()));
            return Layer::default();
        }
    };
    let entries = document::entries(&text).unwrap_or_else(|syntax| {
        let fault = |fault: document::SyntaxFault| {
            Fault::of_origin(
                format!("{name}:{}", fault.line),
                format!("no TOML: {}", fault.message),
            )
        };
        faults.extend(syntax.into_iter().map(fault));
        Vec::new()
    });
    let mut layer = Layer::default();
    for entry in entries {
        let origin = format!("{name}:{}", entry.line);
        match (known.get(&entry.key), &entry.text) {
            (Some(_), Some(text)) => layer.set(&entry.key, text.as_str(), origin),
            (Some(_), None) => {
                faults.push(Fault::of_origin(origin, "a plain value or a list").key(entry.key));
            }
            (None, Some(text)) if is_added_route(&entry.key) || is_own(&entry.key) => {
                layer.set(&entry.key, text.as_str(), origin);
            }
            (None, _) => faults.push(unknown(origin, &entry, known)),
        }
    }
    layer
}

/// What one service has instead of what is usual.
fn is_own(key: &str) -> bool {
    Supervisions::own_keys().any(|own| own == key)
}

fn is_added_route(key: &str) -> bool {
    added_route_field(key).is_some_and(|field| AddedRoute::FIELDS.contains(&field))
}

fn unknown(origin: String, entry: &Entry, known: &Settings) -> Fault {
    let section = format!("{}.", entry.key);
    let is_section = known.keys().any(|key| key.starts_with(&section));
    let what = if is_section { "a section, not a setting" } else { "unknown setting" };
    let near = match added_route_field(&entry.key) {
        Some(field) => nearest(field, AddedRoute::FIELDS),
        None => nearest_key(&entry.key, known.keys().collect::<Vec<_>>().into_iter()),
    };
    // A misspelled password is a password.
    let is_secret =
        near.is_some_and(environment::is_secret) || environment::may_be_secret(&entry.key);
    let value = shown(entry.text.as_deref().unwrap_or("[…]"), is_secret);
    let near = near.filter(|_| !is_section);
    Fault::of_origin(origin, what).key(entry.key.as_str()).value(value).nearest(near)
}

fn environment_layer(
    given: &[Given],
    known: &[Variable],
    defaults: &Settings,
    warnings: &mut Vec<Warning>,
) -> Layer {
    let mut layer = Layer::default();
    for Given { name, value, origin } in given {
        if let Some(variable) = known.iter().find(|variable| variable.name == *name) {
            // `VARIABLE=` is what compose files make of a variable that is not set.
            let may_be_empty = defaults.get(&variable.key).is_some_and(|s| s.text.is_empty());
            if !value.trim().is_empty() || may_be_empty {
                layer.set(&variable.key, value.trim(), origin);
            }
        } else if environment::is_ours(name) {
            let near = nearest(name, known.iter().map(|variable| variable.name.as_str()));
            let meant = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            warnings.push(Warning(format!("{name}: unknown variable, ignored{meant}")));
        }
    }
    layer
}

fn command_line_layer(overrides: &Overrides) -> Layer {
    let mut layer = Layer::default();
    if let Some(services) = &overrides.services {
        layer.set("process.services", services, "--services");
    }
    if let Some(data_dir) = &overrides.data_dir {
        layer.set("process.data_dir", data_dir.to_string_lossy(), "--data");
    }
    layer
}

/// A bare `DATABASE_URL` is meant for the only service here that has a database.
fn only_database(settings: &mut Settings, url: &str, origin: &str, faults: &mut Faults) {
    let hosted = settings.get("process.services").map_or("", |setting| &setting.text);
    let named = hosted.split(',').filter_map(|name| ServiceName::parse(name.trim()).ok());
    let mut hosted: Vec<ServiceName> = named.filter(|name| name.is_domain()).collect();
    hosted.sort_unstable();
    hosted.dedup();
    let key = |service: &ServiceName| format!("services.{service}.database_url");
    let has_none =
        |service: &ServiceName| settings.get(&key(service)).is_some_and(|s| s.text.is_empty());
    match (hosted.as_slice(), hosted.iter().any(has_none)) {
        (_, false) => {}
        ([only], true) => settings.set(&key(only), url, origin),
        (several, true) => {
            let variables: Vec<_> =
                several.iter().map(|s| environment::variable_of(&key(s))).collect();
            let allowed = format!(
                "only where a single service with a database is hosted; here say {}",
                variables.join(", ")
            );
            faults.push(Fault::of_origin(origin, allowed).value(shown(url, true)));
        }
    }
}
