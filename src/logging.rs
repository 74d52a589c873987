//! The process's log, whose levels can be changed while it runs.

use std::sync::{Arc, PoisonError, RwLock};

use env_logger::{Builder, Logger};
use log::{Log, Metadata, Record, SetLoggerError};

/// A level for a target and what is below it; `None`: for all others.
type Directive = (Option<String>, String);

static LOGGER: Switched = Switched(RwLock::new(None));

/// Written when levels change, read for each line.
struct Switched(RwLock<Option<Arc<Current>>>);

struct Current {
    filter: String,
    logger: Logger,
}

/// Begins to log to standard error.
///
/// # Errors
/// When somebody else logs already.
pub fn install(filter: &str) -> Result<(), SetLoggerError> {
    set(filter);
    log::set_logger(&LOGGER)
}

/// Logs by these levels from now on: `info,actix_server=warn`.
pub fn set(filter: &str) {
    let logger = Builder::new().parse_filters(filter).format_timestamp_millis().build();
    log::set_max_level(logger.filter());
    let current = Arc::new(Current { filter: filter.to_owned(), logger });
    *LOGGER.0.write().unwrap_or_else(PoisonError::into_inner) = Some(current);
}

/// The levels in effect.
pub fn filter() -> String {
    LOGGER.current().map(|current| current.filter.clone()).unwrap_or_default()
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

impl Switched {
    fn current(&self) -> Option<Arc<Current>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log for Switched {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.current().is_some_and(|current| current.logger.enabled(metadata))
    }

    fn log(&self, record: &Record<'_>) {
        if let Some(current) = self.current() {
            current.logger.log(record);
        }
    }

    fn flush(&self) {
        if let Some(current) = self.current() {
            current.logger.flush();
        }
    }
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
