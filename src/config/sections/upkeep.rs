//! What keeps the house running and lets people look into it.
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::{HOUR_MS, section};
use crate::config::reader::{Parsed, flag, number, optional, path, secret, text, word};
use crate::config::secret::Secret;
use crate::types::words;

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
        /// How long a thread of a hosted service may stand still until the service is replaced.
        blocked_after_ms: u64 = number(500..=HOUR_MS),
        /// Threads that are blocked for good until the process begins anew.
        lost_threads_max: usize = number(0..=10_000),
    }
}

section! {
    /// The door for who looks after the process.
    Admin {
        /// Where it is.
        address: AdminAddress = address,
        /// What must be shown there.
        token: Option<Secret> = optional(secret),
        /// The file that holds that.
        token_file: Option<PathBuf> = optional(path),
    }
}

/// Where a process can be looked after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdminAddress {
    /// At the usual port of this machine's loopback, in the process that hosts the gateway.
    Usual,
    /// Nowhere.
    Off,
    At(SocketAddr),
}

impl AdminAddress {
    /// Where it is by itself.
    pub const USUAL: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3009);
}

section! {
    /// Metrics.
    Metrics {
        /// Whether the gateway's are shown under the names of the Node.js system too.
        legacy_names: bool = flag,
    }
}

words! {
    /// What lines of the log are written as.
    pub enum LogFormat: "log_format_invalid" {
        /// For people.
        Text = "text",
        /// One object a line.
        Json = "json",
    }
}

section! {
    /// The log.
    Log {
        /// Levels by target, as `env_logger` reads them.
        filter: String = filter,
        /// What a line looks like.
        format: LogFormat = word,
    }
}

section! {
    /// Keys from outside.
    Keys {
        /// The key that signs calls between services; `None`: one in the data directory.
        service_key_file: Option<PathBuf> = optional(path),
        /// The key that user tokens come from; `None`: the one that the instances agree on.
        users_key_file: Option<PathBuf> = optional(path),
        /// The key that signs links to documents; `None`: the one that the instances agree on.
        documents_key_file: Option<PathBuf> = optional(path),
        /// The key under which the secrets of webhooks are kept; `None`: the one that the instances
        /// agree on.
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
        /// Names, of webhooks and of instances, that have the addresses in this file; only with
        /// `injection`.
        hosts_file: Option<PathBuf> = optional(path),
    }
}

fn address(text: &str) -> Parsed<AdminAddress> {
    match text {
        "" => Ok(AdminAddress::Usual),
        "off" => Ok(AdminAddress::Off),
        text => text
            .parse()
            .map(AdminAddress::At)
            .map_err(|_| "an address with its port, such as 127.0.0.1:3009, or off".to_owned()),
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
    fn the_admin_port_is_an_address_or_off() {
        assert_eq!(address(""), Ok(AdminAddress::Usual));
        assert_eq!(address("off"), Ok(AdminAddress::Off));
        assert!(matches!(address("[::1]:4009"), Ok(AdminAddress::At(at)) if at.port() == 4009));
        assert!(
            ["3009", "localhost:3009", "127.0.0.1", "on"].iter().all(|bad| address(bad).is_err())
        );
    }

    #[test]
    fn a_log_filter_names_levels() {
        assert!(filter("info").is_ok() && filter("warn,busbar=debug, sqlx=off").is_ok());
        assert!(filter("inof").is_err() && filter("busbar=loud").is_err() && filter("").is_err());
    }
}
