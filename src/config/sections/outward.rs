//! What goes out to people and other systems: mail, documents, calls of webhooks.
use std::path::PathBuf;

use lettre::message::Mailbox;

use super::{Network, section};
use crate::config::reader::{Parsed, list, number, optional, path, secret, text, word};
use crate::config::secret::Secret;
use crate::types::words;

const DOCUMENT_BYTES_MAX: u64 = 1 << 30;
/// As long as a deadline can be told to a service.
const TRANSFER_SECONDS_MAX: u64 = 600;
/// Each event counts up to this for each endpoint that hears it.
const PENDING_MAX: u32 = 100_000;
const LINK_SECONDS_MAX: u64 = 7 * 86_400;

words! {
    /// How the way to the mail server is protected.
    pub enum SmtpSecurity: "smtp_security_invalid" {
        /// Begun in clear and then encrypted (RFC 3207); refused where the server has it not.
        StartTls = "starttls",
        /// Encrypted from the first byte (RFC 8314).
        Tls = "tls",
        /// In clear; for a server on the same machine.
        None = "none",
    }
}

fn sender(text: &str) -> Parsed<Mailbox> {
    let allowed = "an address, or a name and an address: Bills <bills@example.org>";
    text.parse().map_err(|_| allowed.to_owned())
}

section! {
    /// The notifications service.
    Notifications {
        /// The mail server; `None`: mail goes to files in the data directory.
        smtp_host: Option<String> = optional(text),
        /// Its port.
        smtp_port: u16 = number(1..=65_535),
        /// How the way to it is protected.
        smtp_security: SmtpSecurity = word,
        /// The name to log in with; `None`: without a login.
        smtp_username: Option<String> = optional(text),
        /// The password to log in with.
        smtp_password: Option<Secret> = optional(secret),
        /// Certificates that are trusted besides the usual ones, PEM.
        smtp_ca_file: Option<PathBuf> = optional(path),
        /// How long the mail server may take for one message.
        smtp_timeout_ms: u64 = number(100..=600_000),
        /// Who the mail is from.
        from: Mailbox = sender,
    }
}

section! {
    /// The documents service.
    Documents {
        /// The largest document.
        upload_bytes_max: u64 = number(1..=DOCUMENT_BYTES_MAX),
        /// How long an upload or a download may take.
        transfer_seconds: u64 = number(1..=TRANSFER_SECONDS_MAX),
        /// How long a link is good that does not say.
        link_seconds: u64 = number(1..=LINK_SECONDS_MAX),
    }
}

section! {
    /// The webhooks service.
    Webhooks {
        /// How long one delivery may take.
        timeout_ms: u64 = number(100..=60_000),
        /// Deliveries to one endpoint at a time.
        endpoint_parallel: u32 = number(1..=100),
        /// Deliveries that may wait for one endpoint; further ones fail, and may be replayed.
        pending_max: u32 = number(1..=PENDING_MAX),
        /// An endpoint that has failed for this long is disabled.
        disable_after_hours: u64 = number(1..=8_760),
        /// How long the log of deliveries is kept.
        retention_days: u32 = number(1..=366),
        /// Networks that are not public, and may be called all the same.
        allow_networks: Vec<Network> = list(word::<Network>),
        /// Certificates that are trusted besides the usual ones, PEM.
        ca_file: Option<PathBuf> = optional(path),
    }
}
