//! Files that settings name and a service here will read: they are looked at before anything starts.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::types::ServiceName::{Documents, Notifications, Users, Webhooks};

use super::Config;
use super::fault::Faults;

/// A shared file of settings may name what is only where the service is.
pub(super) fn faults(config: &Config, faults: &mut Faults) {
    let Config { keys, notifications, webhooks, .. } = config;
    let files = [
        ("keys.service_key_file", &keys.service_key_file, true),
        ("keys.users_key_file", &keys.users_key_file, config.hosts(Users)),
        ("keys.documents_key_file", &keys.documents_key_file, config.hosts(Documents)),
        ("keys.webhooks_key_file", &keys.webhooks_key_file, config.hosts(Webhooks)),
        ("notifications.smtp_ca_file", &notifications.smtp_ca_file, config.hosts(Notifications)),
        ("webhooks.ca_file", &webhooks.ca_file, config.hosts(Webhooks)),
    ];
    for (key, file, _) in files.iter().filter(|(_, _, is_needed)| *is_needed) {
        if let Some(Err(why)) = file.as_deref().map(check) {
            faults.push(config.settings.fault(key, why));
        }
    }
}

/// A folder can be opened too, but not read.
fn check(file: &Path) -> Result<(), String> {
    let read = File::open(file).and_then(|mut file| file.read(&mut [0]));
    read.map(|_| ()).map_err(|error| format!("a file that can be read ({error})"))
}
