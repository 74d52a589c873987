//! One mail over one connection to the mail server (RFC 5321), step by step: what a refusal means
//! depends on where it comes. Does I/O.

use std::error::Error as _;
use std::fs;
use std::io;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use tokio::time::{Instant, timeout_at};

use crate::config::{self, SmtpSecurity};
use crate::services::OpenError;

use super::Failure;
use super::careful::Careful;

/// For saying goodbye after the mail was taken.
const QUIT_WAIT_MAX: Duration = Duration::from_secs(1);
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];
/// Refusals of an address for good; not those that say why in a code of policy (RFC 3463, x.7.x).
const BOUNCES: [u16; 3] = [550, 551, 553];
const LOGIN_WANTED: u16 = 530;
const UNREACHABLE: &str = "smtp_unreachable";
const TIMEOUT: &str = "smtp_timeout";

pub(super) struct Smtp {
    host: String,
    port: u16,
    security: SmtpSecurity,
    tls: TlsParameters,
    credentials: Option<Credentials>,
    hello: ClientId,
    timeout: Duration,
}

impl Smtp {
    pub(super) fn new(
        host: &str,
        hello: String,
        section: &config::Notifications,
    ) -> Result<Smtp, OpenError> {
        let mut tls = TlsParameters::builder(host.to_owned());
        if let Some(path) = &section.smtp_ca_file {
            let unusable = |error: &dyn std::fmt::Display| {
                format!("notifications.smtp_ca_file {}: {error}", path.display())
            };
            let pem = fs::read(path).map_err(|error| unusable(&error))?;
            let trusted = Certificate::from_pem(&pem).map_err(|error| unusable(&error))?;
            tls = tls.add_root_certificate(trusted);
        }
        let password = section.smtp_password.as_ref().map(|password| password.expose());
        let credentials = section
            .smtp_username
            .clone()
            .map(|name| Credentials::new(name, password.unwrap_or_default().to_owned()));
        Ok(Smtp {
            host: host.to_owned(),
            port: section.smtp_port,
            security: section.smtp_security,
            tls: tls.build()?,
            credentials,
            hello: ClientId::Domain(hello),
            timeout: Duration::from_millis(section.smtp_timeout_ms),
        })
    }

    /// `Ok` once the server has taken the mail.
    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Result<(), Failure> {
        let until = Instant::now() + self.timeout;
        let reached = timeout_at(until, self.reach()).await;
        let mut connection = reached.unwrap_or_else(|_| Err(Failure::refused(TIMEOUT)))?;
        let sent = timeout_at(until, converse(&mut connection, envelope, mail)).await;
        sent.unwrap_or_else(|_| Err(Failure::temporary(TIMEOUT)))?;
        // It has the mail: however this ends.
        drop(tokio::time::timeout(QUIT_WAIT_MAX, connection.abort()).await);
        Ok(())
    }

    /// A connection over which mail can be spoken of.
    async fn reach(&self) -> Result<AsyncSmtpConnection, Failure> {
        let mut connection = self.connect().await?;
        self.log_in(&mut connection).await?;
        Ok(connection)
    }

    /// A connection that is protected as the settings say, or none.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Failure> {
        let server = (self.host.as_str(), self.port);
        if self.security == SmtpSecurity::StartTls {
            return self.connect_and_encrypt(server).await;
        }
        let tls = (self.security == SmtpSecurity::Tls).then(|| self.tls.clone());
        let (timeout, hello) = (Some(self.timeout), &self.hello);
        let connecting = AsyncSmtpConnection::connect_tokio1(server, timeout, hello, tls, None);
        connecting.await.map_err(|error| of_connection(&error))
    }

    async fn connect_and_encrypt(
        &self,
        server: (&str, u16),
    ) -> Result<AsyncSmtpConnection, Failure> {
        let stream = Careful::connect(server).await;
        let stream = stream.map_err(|_| Failure::refused(UNREACHABLE))?;
        let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello);
        let mut connection = connecting.await.map_err(|error| of_connection(&error))?;
        if !connection.can_starttls() {
            log::error!("the mail server does not offer STARTTLS: no mail is sent");
            return Err(Failure::refused("smtp_starttls_missing"));
        }
        let upgraded = connection.starttls(self.tls.clone(), &self.hello).await;
        upgraded.map_err(|error| of_connection(&error))?;
        Ok(connection)
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Failure> {
        let Some(credentials) = &self.credentials else { return Ok(()) };
        match connection.auth(&MECHANISMS, credentials).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() || error.is_client() => Err(login_refused()),
            Err(error) => Err(of_connection(&error)),
        }
    }
}

async fn converse(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    mail: &[u8],
) -> Result<(), Failure> {
    let mut parameters = Vec::new();
    if !is_ascii(envelope) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let code = "smtp_utf8_unsupported".to_owned();
            return Err(Failure::Permanent { code, is_bounce: false });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    let from = Mail::new(envelope.from().cloned(), parameters);
    connection.command(from).await.map_err(|error| answered(&error))?;
    for address in envelope.to() {
        let to = Rcpt::new(address.clone(), Vec::new());
        connection.command(to).await.map_err(|error| of_address(&error))?;
    }
    connection.command(Data).await.map_err(|error| answered(&error))?;
    connection.message(mail).await.map_err(|error| match error.status() {
        Some(_) => answered(&error),
        // The server may have it, and deliver it. The next one has the same Message-ID.
        None => Failure::temporary("smtp_outcome_unknown"),
    })?;
    Ok(())
}

fn is_ascii(envelope: &Envelope) -> bool {
    let mut addresses = envelope.from().into_iter().chain(envelope.to());
    addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii())
}

fn login_refused() -> Failure {
    log::error!("the mail server refuses our login: no mail is sent");
    Failure::refused("smtp_login_refused")
}

/// Before the mail is spoken of, nothing that goes wrong is its fault.
fn of_connection(error: &Error) -> Failure {
    if error.is_tls() || is_about_certificates(error) {
        log::error!("no protected way to the mail server: {}", innermost(error));
        return Failure::refused("smtp_tls_failed");
    }
    match error.status() {
        Some(code) => Failure::refused(format!("smtp_{code}")),
        None => Failure::refused(UNREACHABLE),
    }
}

/// The server's word on the mail; without one the connection is gone.
fn answered(error: &Error) -> Failure {
    let Some(code) = number(error) else { return Failure::temporary(UNREACHABLE) };
    if code == LOGIN_WANTED {
        return login_refused();
    }
    let told = format!("smtp_{code}");
    if error.is_permanent() {
        return Failure::Permanent { code: told, is_bounce: false };
    }
    Failure::temporary(told)
}

fn of_address(error: &Error) -> Failure {
    match answered(error) {
        Failure::Permanent { code, .. } => {
            let is_known = number(error).is_some_and(|code| BOUNCES.contains(&code));
            Failure::Permanent { code, is_bounce: is_known && !is_policy(error) }
        }
        other => other,
    }
}

fn number(error: &Error) -> Option<u16> {
    error.status()?.to_string().parse().ok()
}

/// Whether the text begins with a code of policy: relaying denied, a sender not wanted.
fn is_policy(error: &Error) -> bool {
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    said.starts_with("5.7.")
}

/// The TLS library tells its faults as invalid data.
fn is_about_certificates(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The first cause, of a fault of TLS: it names hosts and certificates, nobody's address.
fn innermost(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
