//! The ways that mail goes: to a mail server, or to files until there is one. Does I/O.

mod careful;
mod letter;
mod mailbox;
mod outage;
mod smtp;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use busbar_http::Check;
use futures_util::FutureExt;
use futures_util::future::ready;
use lettre::Address;
use lettre::message::Mailbox;
use uuid::Uuid;

use crate::config;
use crate::services::OpenError;
use crate::types::{Clock, Email, Timestamp};

use super::Settings;
use super::model::{Category, NotificationId};
use super::template::Letter;

use self::mailbox::Folder;
use self::outage::{Cause, Outage};
use self::smtp::Smtp;

/// A mail that is ready to go.
pub(super) struct Mail<'a> {
    /// Its `Message-ID` is made from it, so a mail that comes twice can be told to be the same.
    pub(super) id: NotificationId,
    pub(super) category: Category,
    /// When it was written: each time it is sent it is the same one.
    pub(super) date: SystemTime,
    pub(super) to: &'a Email,
    pub(super) name: Option<&'a str>,
    pub(super) letter: &'a Letter,
}

/// Why a mail did not go, by what is to be done about it. Codes are a closed set, and hold neither
/// an address nor what a server said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Failure {
    /// It may go the next time. Whether this one has gone may be unknown.
    Temporary { code: String },
    /// It will never go. `is_bounce`: because of its address.
    Permanent { code: String, is_bounce: bool },
    /// It was not even spoken of: the mail server is away, or refuses us as a whole.
    Refused { code: String },
}

impl Failure {
    fn temporary(code: impl Into<String>) -> Failure {
        Failure::Temporary { code: code.into() }
    }

    fn refused(code: impl Into<String>) -> Failure {
        Failure::Refused { code: code.into() }
    }
}

/// Sends mail.
pub(super) struct Post {
    from: Mailbox,
    way: Way,
    clock: Clock,
    /// Written by each mail that was tried.
    outage: Arc<Mutex<Outage>>,
}

enum Way {
    Server(Box<Smtp>),
    Folder(Folder),
}

impl Post {
    pub(super) fn open(settings: &Settings, clock: Clock) -> Result<Post, OpenError> {
        let config::Notifications { smtp_host, from, .. } = &settings.section;
        let way = match smtp_host {
            Some(host) => {
                let hello = from.email.domain().to_owned();
                Way::Server(Box::new(Smtp::new(host, hello, &settings.section)?))
            }
            None => Way::Folder(Folder::new(&settings.mailbox)),
        };
        Ok(Post { from: from.clone(), way, clock, outage: Arc::new(Mutex::new(Outage::None)) })
    }

    pub(super) async fn send(&self, mail: &Mail<'_>) -> Result<(), Failure> {
        let unusable =
            || Failure::Permanent { code: "address_unusable".to_owned(), is_bounce: false };
        let to: Address = mail.to.as_str().parse().map_err(|_| unusable())?;
        let message = letter::message(&self.from, to, mail).map_err(|error| {
            log::error!("notification {}: no mail can be made of it: {error}", mail.id);
            Failure::Permanent { code: "mail_malformed".to_owned(), is_bounce: false }
        })?;
        self.begin()?;
        let sent = match &self.way {
            Way::Server(smtp) => smtp.send(message.envelope(), &message.formatted()).await,
            Way::Folder(folder) => folder.put(mail.id, message.formatted()).await,
        };
        self.conclude(&sent);
        sent
    }

    /// Why a mail has to wait now; `None`: it may be tried.
    pub(super) fn held(&self) -> Option<String> {
        let (outage, now) = (self.outage(), self.clock.now());
        outage.cause().filter(|_| !outage.admits(now)).map(|cause| cause.code.clone())
    }

    /// When a mail that had to wait is tried again.
    pub(super) fn again_at(&self, chance: u64) -> Timestamp {
        self.outage().again_at(self.clock.now(), chance)
    }

    fn begin(&self) -> Result<(), Failure> {
        let (mut outage, now) = (self.outage(), self.clock.now());
        match outage.cause() {
            Some(cause) if !outage.admits(now) => Err(Failure::refused(&cause.code)),
            _ => {
                *outage = outage.clone().tried(now);
                Ok(())
            }
        }
    }

    fn conclude(&self, sent: &Result<(), Failure>) {
        let (mut outage, now) = (self.outage(), self.clock.now());
        match sent {
            Err(Failure::Refused { code }) => {
                if *outage == Outage::None {
                    log::warn!("no mail goes ({code}): all of it waits");
                }
                let chance = Uuid::new_v4().as_u64_pair().0;
                *outage = outage.clone().refused(code, now, chance);
            }
            _ => {
                if let Some(Cause { since, .. }) = outage.cause() {
                    log::info!("mail goes again, after {} s", now.since(*since).as_secs());
                }
                *outage = Outage::None;
            }
        }
    }

    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody should see to the mail server. It asks nobody.
    pub(super) fn check(&self) -> Check {
        let outage = self.outage.clone();
        let ask = move || {
            let outage = outage.lock().unwrap_or_else(PoisonError::into_inner);
            let told = outage.cause().map_or(Ok(()), |Cause { code, since }| {
                Err(format!("none goes since {since}: {code}"))
            });
            ready(told).boxed_local()
        };
        Check { name: "mail", ask: Arc::new(ask) }
    }
}
