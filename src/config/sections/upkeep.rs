//! What keeps the house running and lets people look into it.
use std::path::PathBuf;

use super::{HOUR_MS, section};
use crate::config::reader::{Parsed, flag, number, optional, path, text};

section! {
    /// Restarts of services.
    Supervision {
        /// Restarts within a period that a service is allowed.
        restarts_max: u32 = number(0..=1_000),
        /// The period that restarts are counted in.
        period_ms: u64 = number(1..=24 * HOUR_MS),
        /// The wait before a first restart; it doubles with each further one.
        backoff_min_ms: u64 = number(0..=HOUR_MS),
        /// The longest wait before a restart.
        backoff_max_ms: u64 = number(0..=HOUR_MS),
        /// How long a service may take until it accepts requests.
        start_timeout_ms: u64 = number(1..=HOUR_MS),
    }
}

section! {
    /// What the gateway knows of the others' health.
    Health {
        /// How often each service is asked.
        interval_ms: u64 = number(10..=HOUR_MS),
        /// How long it may take to answer.
        timeout_ms: u64 = number(1..=HOUR_MS),
        /// Failures in a row until it counts as down.
        down_after: u32 = number(1..=100),
        /// Successes in a row until it counts as up again.
        up_after: u32 = number(1..=100),
        /// How long a state lasts at least before the next change.
        hold_down_ms: u64 = number(0..=HOUR_MS),
    }
}

section! {
    /// Metrics.
    Metrics {
        /// Whether the gateway's are shown under the names of the Node.js system too.
        legacy_names: bool = flag,
    }
}

section! {
    /// The log.
    Log {
        /// Levels by target, as `env_logger` reads them.
        filter: String = filter,
    }
}

section! {
    /// Keys from outside.
    Keys {
        /// The key that signs calls between services; `None`: one in the data directory.
        service_key_file: Option<PathBuf> = optional(path),
        /// The key that user tokens come from; `None`: one in the data directory.
        users_key_file: Option<PathBuf> = optional(path),
        /// The key that signs links to documents; `None`: one in the data directory.
        documents_key_file: Option<PathBuf> = optional(path),
        /// The key under which the secrets of webhooks are kept; `None`: one in the data directory.
        webhooks_key_file: Option<PathBuf> = optional(path),
    }
}

section! {
    /// For tests only.
    FaultInjection {
        /// Whether the doors for faults and for the clock exist.
        injection: bool = flag,
        /// The named point at which the process stops and waits to be killed.
        point: Option<String> = optional(text),
        /// Names whose webhooks go to the addresses in this file; only with `injection`.
        hosts_file: Option<PathBuf> = optional(path),
    }
}

fn filter(text: &str) -> Parsed<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let level = |directive: &str| {
        let level = directive.rsplit('=').next().unwrap_or(directive).trim();
        LEVELS.contains(&level.to_lowercase().as_str())
    };
    if text.split(',').all(level) {
        return Ok(text.to_owned());
    }
    Err(format!("a level ({}), or target=level, separated by commas", LEVELS.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_filter_names_levels() {
        assert!(filter("info").is_ok() && filter("warn,busbar=debug, sqlx=off").is_ok());
        assert!(filter("inof").is_err() && filter("busbar=loud").is_err() && filter("").is_err());
    }
}
