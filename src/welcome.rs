//! What is printed when everything runs: the table of services, and lines to try at once.

use std::fmt::Write as _;
use std::io::Write as _;

use busbar_actors::Registry;

use crate::admin::ADMIN;
use crate::config::Config;
use crate::host::Host;
use crate::storage::Target;
use crate::types::ServiceName;

/// The administrator that a first run has made.
#[derive(Clone)]
pub struct Administrator {
    pub email: String,
    /// Made up, and shown this once; `None` when the settings gave one.
    pub password: Option<String>,
}

/// The text for somebody who has just started the process.
pub fn text(host: &Host, registry: &Registry, administrator: Option<&Administrator>) -> String {
    let config = &host.config;
    let mut text = table(host, registry);
    if let Some(admin) = registry.get(ADMIN) {
        let _ = writeln!(
            text,
            "\nlooked after at http://{}/admin/services, or with `busbar services`",
            admin.address
        );
    }
    text.push_str(&stand_ins(config));
    if config.hosts(ServiceName::Gateway) && config.hosts(ServiceName::Users) {
        text.push_str(&lines(config, administrator));
    }
    text
}

/// Prints a password that was made up, the moment that the administrator exists: it is in no other
/// place.
pub fn tell_password(administrator: &Administrator) {
    let Administrator { email, password: Some(password) } = administrator else { return };
    let mut out = std::io::stdout().lock();
    let told = writeln!(
        out,
        "The administrator is {email} with the one-time password\n\n    {password}\n\n\
         It is not shown again. Change it: POST /api/auth/password/change.\n"
    );
    if let Err(error) = told.and_then(|()| out.flush()) {
        log::error!("the administrator's password could not be shown: {error}");
    }
}

fn table(host: &Host, registry: &Registry) -> String {
    let mut text = format!("{:<14} {:<22} {:<10} database\n", "service", "address", "state");
    for name in &host.config.process.services {
        let Some(record) = registry.get(name.as_str()) else { continue };
        let database = match host.target(*name) {
            _ if *name == ServiceName::Gateway => "-".to_owned(),
            Ok(target @ Target::Sqlite(_)) => format!("sqlite {target}"),
            Ok(target) => format!("postgresql {target}"),
            Err(_) => "?".to_owned(),
        };
        let (address, state) = (record.address.to_string(), record.state.as_str());
        let _ = writeln!(text, "{:<14} {address:<22} {state:<10} {database}", name.as_str());
    }
    text
}

/// What stands in for something real until it is set.
fn stand_ins(config: &Config) -> String {
    let mut text = String::new();
    if config.hosts(ServiceName::Payments) {
        let _ = writeln!(
            text,
            "\npayments go to the `{}` connector, a simulator: no money moves",
            config.payments.connector
        );
    }
    if config.hosts(ServiceName::Notifications) && config.notifications.smtp_host.is_none() {
        let mailbox = config.process.data_dir.join("mailbox");
        let _ =
            writeln!(text, "mail goes to files in {}: no mail server is set", mailbox.display());
    }
    if config.faults.injection {
        text.push_str("fault injection is on: for tests only\n");
    }
    text
}

/// Where the gateway of this process is reached from this machine.
pub fn gateway_url(config: &Config) -> String {
    let port = config.services.get(ServiceName::Gateway).port;
    let host = match config.server.bind {
        bind if bind.is_unspecified() => "127.0.0.1".to_owned(),
        std::net::IpAddr::V6(bind) => format!("[{bind}]"),
        bind => bind.to_string(),
    };
    format!("http://{host}:{port}")
}

/// Three lines to paste.
fn lines(config: &Config, administrator: Option<&Administrator>) -> String {
    let base = gateway_url(config);
    let json = "-H 'content-type: application/json'";
    let account = r#"{"email":"alice@example.org","password":"a bill a day keeps the dark away","name":"Alice"}"#;
    let login = match administrator {
        Some(Administrator { email, password: Some(password) }) => {
            format!(r#"{{"email":"{email}","password":"{password}"}}"#)
        }
        _ => r#"{"email":"alice@example.org","password":"a bill a day keeps the dark away"}"#
            .to_owned(),
    };
    format!(
        "\nTry:\n\n  curl -s {base}/health\n  \
         curl -s {base}/api/users {json} -d '{account}'\n  \
         curl -s {base}/api/auth/login {json} -d '{login}'\n\n\
         The API is described at {base}/docs.\n"
    )
}
