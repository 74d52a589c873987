//! The door for who looks after the process: where it is, and what must be shown there.
use std::net::SocketAddr;

use crate::types::ServiceName;

use super::environment::variable_of;
use super::fault::Faults;
use super::secret::Secret;
use super::settings::Settings;
use super::{Admin, AdminAddress, Config};

/// A token that is shorter can be guessed.
const TOKEN_LENGTH_MIN: usize = 16;

/// Takes the token from its file, if one is named.
pub(super) fn read_token(admin: &mut Admin, settings: &Settings, faults: &mut Faults) {
    let Some(path) = &admin.token_file else { return };
    if admin.token.is_some() {
        let allowed = format!("nothing, because {} is set", variable_of("admin.token"));
        return faults.push(settings.fault("admin.token_file", allowed));
    }
    match std::fs::read_to_string(path) {
        Ok(text) => admin.token = Some(Secret::new(text.trim())),
        Err(error) => faults.push(settings.fault("admin.token_file", error.to_string())),
    }
}

/// Whoever comes from elsewhere has to show something.
pub(super) fn faults(config: &Config, faults: &mut Faults) {
    let Admin { address, token, .. } = &config.admin;
    let is_short = |token: &Secret| token.expose().chars().count() < TOKEN_LENGTH_MIN;
    if token.as_ref().is_some_and(is_short) {
        let key =
            if config.admin.token_file.is_some() { "admin.token_file" } else { "admin.token" };
        let allowed = format!("{TOKEN_LENGTH_MIN} characters or more");
        faults.push(config.settings.fault(key, allowed));
    }
    let is_open = |at: &SocketAddr| !at.ip().is_loopback();
    let is_elsewhere = matches!(address, AdminAddress::At(at) if is_open(at));
    if is_elsewhere && token.is_none() && !faults.names("admin.token_file") {
        let allowed = format!(
            "an address of this machine's loopback, or {} with {TOKEN_LENGTH_MIN} characters or more",
            variable_of("admin.token")
        );
        faults.push(config.settings.fault("admin.address", allowed));
    }
}

impl Config {
    /// Where this process can be looked after. By itself only the one with the gateway can: of many
    /// processes on a machine there is one of that kind, and the port is taken once.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        match self.admin.address {
            AdminAddress::At(address) => Some(address),
            AdminAddress::Usual if self.hosts(ServiceName::Gateway) => Some(AdminAddress::USUAL),
            AdminAddress::Usual | AdminAddress::Off => None,
        }
    }
}
