//! What each service is set to: its part of the settings, by value.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use busbar_actors::Failure;

use crate::config::Config;
use crate::host::Host;
use crate::keys::SecretKey;
use crate::services::{billing, payments, users};
use crate::welcome::{self, Administrator};

use super::Made;

pub(super) fn users(host: &Host, made: &Made) -> Result<users::Settings, Failure> {
    let config = &host.config;
    let secret = match &config.keys.users_key_file {
        Some(path) => SecretKey::read(path)?,
        None => SecretKey::read_or_make(&config.process.data_dir.join("keys/users.key"))?,
    };
    let proxies = config.gateway.trusted_proxies.iter();
    let made = made.clone();
    Ok(users::Settings {
        section: config.users.clone(),
        secret: *secret.bytes(),
        trusted_proxies: proxies.filter_map(|network| network.to_string().parse().ok()).collect(),
        announce: Arc::new(move |users::Administrator { email, password }| {
            let administrator = Administrator { email: email.to_string(), password };
            // At once: the process may be stopped, or the service come up, long after the start.
            welcome::tell_password(&administrator);
            *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(administrator);
        }),
    })
}

pub(super) fn payments(config: &Config) -> payments::Settings {
    let polls = config.payments.unknown_polls_seconds.iter();
    payments::Settings {
        wait: Duration::from_millis(config.payments.wait_ms),
        unknown_polls: polls.map(|seconds| Duration::from_secs(*seconds)).collect(),
        lease: Duration::from_millis(config.jobs.lease_ms),
    }
}

pub(super) fn billing(config: &Config) -> billing::Settings {
    let billing = &config.billing;
    billing::Settings { due_days: billing.due_days, number_pattern: billing.number_pattern.clone() }
}
