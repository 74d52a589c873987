//! What each service is set to: its part of the settings, by value.

use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use busbar_actors::Failure;

use crate::agreed::{Agreement, OwnKey};
use crate::config::Config;
use crate::host::Host;
use crate::keys::SecretKey;
use crate::services::{analytics, billing, documents, notifications, payments, users, webhooks};
use crate::types::ServiceName;
use crate::welcome::{self, Administrator};

use super::Made;

pub(super) fn users(host: &Host, made: &Made) -> Result<users::Settings, Failure> {
    let config = &host.config;
    let secret = own_key(host, config.keys.users_key_file.as_deref(), "users")?;
    let proxies = config.gateway.trusted_proxies.iter();
    let made = made.clone();
    Ok(users::Settings {
        section: config.users.clone(),
        secret,
        trusted_proxies: proxies.filter_map(|network| network.to_string().parse().ok()).collect(),
        announce: Arc::new(move |users::Administrator { email, password }| {
            let administrator = Administrator { email: email.to_string(), password };
            // At once: the process may be stopped, or the service come up, long after the start.
            welcome::tell_password(&administrator);
            *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(administrator);
        }),
    })
}

pub(super) fn payments(host: &Host) -> Result<payments::Settings, Failure> {
    let config = &host.config;
    let polls = config.payments.unknown_polls_seconds.iter();
    Ok(payments::Settings {
        wait: Duration::from_millis(config.payments.wait_ms),
        unknown_polls: polls.map(|seconds| Duration::from_secs(*seconds)).collect(),
        lease: Duration::from_millis(config.jobs.lease_ms),
    })
}

pub(super) fn billing(host: &Host) -> Result<billing::Settings, Failure> {
    let billing = &host.config.billing;
    Ok(billing::Settings {
        due_days: billing.due_days,
        number_pattern: billing.number_pattern.clone(),
        grace_days: billing.grace_days,
    })
}

pub(super) fn notifications(host: &Host) -> Result<notifications::Settings, Failure> {
    let config = &host.config;
    Ok(notifications::Settings {
        section: config.notifications.clone(),
        mailbox: config.process.data_dir.join("mailbox"),
        public_url: public_url(config),
    })
}

pub(super) fn documents(host: &Host) -> Result<documents::Settings, Failure> {
    let config = &host.config;
    Ok(documents::Settings {
        section: config.documents.clone(),
        folder: config.process.data_dir.join("documents"),
        secret: own_key(host, config.keys.documents_key_file.as_deref(), "documents")?,
    })
}

pub(super) fn analytics(host: &Host) -> Result<analytics::Settings, Failure> {
    let analytics = &host.config.analytics;
    Ok(analytics::Settings {
        report_wait: Duration::from_millis(analytics.report_timeout_ms),
        report_rows_max: analytics.report_rows_max,
    })
}

pub(super) fn webhooks(host: &Host) -> Result<webhooks::Settings, Failure> {
    let config = &host.config;
    Ok(webhooks::Settings {
        section: config.webhooks.clone(),
        secret: own_key(host, config.keys.webhooks_key_file.as_deref(), "webhooks")?,
        hosts_file: config.faults.hosts_file.clone().filter(|_| config.faults.injection),
    })
}

/// The key of one service: from the file that the settings name, or the one on which its instances
/// agree, which the first of them has in its data directory.
fn own_key(host: &Host, file: Option<&Path>, name: &'static str) -> Result<OwnKey, Failure> {
    if let Some(path) = file {
        return Ok(OwnKey::Given(*SecretKey::read(path)?.bytes()));
    }
    let path = host.config.process.data_dir.join(format!("keys/{name}.key"));
    let kept = if path.exists() { Some(*SecretKey::read(&path)?.bytes()) } else { None };
    let make = move || match SecretKey::read_or_make(&path) {
        Ok(key) => Ok(*key.bytes()),
        Err(fault) => Err(fault.to_string()),
    };
    let shared = *host.shared_key().bytes();
    Ok(OwnKey::Agreed(Agreement { name, shared, kept, make: Arc::new(make) }))
}

fn public_url(config: &Config) -> String {
    let port = config.services.get(ServiceName::Gateway).port;
    let set = config.process.public_url.as_ref();
    set.map_or_else(|| format!("http://127.0.0.1:{port}"), ToString::to_string)
}
