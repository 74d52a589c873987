//! The process's log, on standard error, whose levels can be changed while everybody logs.

mod lines;

use std::sync::OnceLock;

use arc_swap::ArcSwap;
use env_logger::{Builder, Logger};
use log::{Log, Metadata, Record, SetLoggerError};

use crate::config::{self, LogFormat};

/// A level for a target and what is below it; `None`: for all others.
type Directive = (Option<String>, String);

/// Filled once, by `install`.
static SWITCH: OnceLock<Switch> = OnceLock::new();

struct Switch {
    format: LogFormat,
    current: ArcSwap<Current>,
}

struct Current {
    filter: String,
    logger: Logger,
}

impl Log for Switch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.current.load().logger.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        self.current.load().logger.log(record);
    }

    fn flush(&self) {
        self.current.load().logger.flush();
    }
}

impl Current {
    fn new(filter: &str, format: LogFormat) -> Current {
        let mut builder = Builder::new();
        builder.parse_filters(filter);
        match format {
            LogFormat::Text => builder.format(lines::text),
            LogFormat::Json => builder.format(lines::json),
        };
        Current { filter: filter.to_owned(), logger: builder.build() }
    }
}

/// Begins to log.
///
/// # Errors
/// When something logs already.
pub fn install(settings: &config::Log) -> Result<(), SetLoggerError> {
    let format = settings.format;
    let current = || ArcSwap::from_pointee(Current::new(&settings.filter, format));
    let switch = SWITCH.get_or_init(|| Switch { format, current: current() });
    log::set_logger(switch)?;
    log::set_max_level(switch.current.load().logger.filter());
    Ok(())
}

/// Logs by these levels from now on: `info,actix_server=warn`.
pub fn set(filter: &str) {
    let Some(switch) = SWITCH.get() else { return };
    let current = Current::new(filter, switch.format);
    log::set_max_level(current.logger.filter());
    switch.current.store(current.into());
}

/// The levels in effect.
pub fn filter() -> String {
    SWITCH.get().map(|switch| switch.current.load().filter.clone()).unwrap_or_default()
}

/// Changes one level: of a target, or of all that have none of their own. The levels then in effect.
pub fn set_level(target: Option<&str>, level: &str) -> String {
    let changed = changed(&filter(), target, level);
    set(&changed);
    changed
}

fn changed(filter: &str, target: Option<&str>, level: &str) -> String {
    let parts = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    let directive = |part: &str| match part.split_once('=') {
        Some((target, level)) => (Some(target.to_owned()), level.to_owned()),
        None => (None, part.to_owned()),
    };
    let mut directives: Vec<Directive> = parts.map(directive).collect();
    match directives.iter_mut().find(|(known, _)| known.as_deref() == target) {
        Some((_, known)) => level.clone_into(known),
        None => directives.push((target.map(str::to_owned), level.to_owned())),
    }
    let text = |(target, level): &Directive| match target {
        Some(target) => format!("{target}={level}"),
        None => level.clone(),
    };
    directives.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_level_is_changed_and_the_others_stay() {
        let filter = "info,actix_server=warn";
        assert_eq!(changed(filter, None, "debug"), "debug,actix_server=warn");
        assert_eq!(changed(filter, Some("actix_server"), "trace"), "info,actix_server=trace");
        assert_eq!(
            changed(filter, Some("busbar::gateway"), "debug"),
            "info,actix_server=warn,busbar::gateway=debug"
        );
        assert_eq!(changed("", None, "warn"), "warn");
    }
}
