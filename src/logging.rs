//! The process's log, on standard error, whose levels can be changed while everybody logs.

mod lines;
mod outlet;

use std::sync::OnceLock;

use arc_swap::ArcSwap;
use env_logger::{Builder, Logger, Target};
use log::{Log, Metadata, Record, SetLoggerError};

use self::outlet::Outlet;
use crate::config::{self, LogFormat};

/// A level for a target and what is below it; `None`: for all others.
type Directive = (Option<String>, String);

/// Filled once, by `install`.
static SWITCH: OnceLock<Switch> = OnceLock::new();

struct Switch {
    current: ArcSwap<Current>,
    outlet: Outlet,
}

struct Current {
    settings: config::Log,
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
        self.outlet.flush();
    }
}

impl Current {
    fn new(settings: config::Log, outlet: Outlet) -> Current {
        let mut builder = Builder::new();
        builder.target(Target::Pipe(Box::new(outlet)));
        builder.parse_filters(&settings.filter);
        match settings.format {
            LogFormat::Text => builder.format(lines::text),
            LogFormat::Json => builder.format(lines::json),
        };
        Current { settings, logger: builder.build() }
    }
}

/// Begins to log.
///
/// # Errors
/// When something logs already.
pub fn install(settings: &config::Log) -> Result<(), SetLoggerError> {
    let switch = SWITCH.get_or_init(|| {
        let outlet = Outlet::to(std::io::stderr());
        let current = Current::new(settings.clone(), outlet.clone());
        Switch { current: ArcSwap::from_pointee(current), outlet }
    });
    log::set_logger(switch)?;
    log::set_max_level(switch.current.load().logger.filter());
    Ok(())
}

/// Logs by these from now on.
pub fn set(settings: &config::Log) {
    let Some(switch) = SWITCH.get() else { return };
    let current = Current::new(settings.clone(), switch.outlet.clone());
    log::set_max_level(current.logger.filter());
    switch.current.store(current.into());
}

/// The levels in effect: `info,actix_server=warn`.
pub fn filter() -> String {
    SWITCH.get().map(|switch| switch.current.load().settings.filter.clone()).unwrap_or_default()
}

/// Changes one level: of a target, or of all that have none of their own. The levels then in effect.
pub fn set_level(target: Option<&str>, level: &str) -> String {
    let filter = changed(&filter(), target, level);
    if let Some(switch) = SWITCH.get() {
        let format = switch.current.load().settings.format;
        set(&config::Log { filter: filter.clone(), format });
    }
    filter
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
