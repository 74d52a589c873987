//! The ways that mail goes: to a mail server, or to files until there is one. Does I/O.

mod careful;
mod letter;
mod mailbox;
mod smtp;

use std::time::SystemTime;

use lettre::Address;
use lettre::message::Mailbox;

use crate::config;
use crate::services::OpenError;
use crate::types::Email;

use super::Settings;
use super::model::{Category, NotificationId};
use super::template::Letter;

use self::mailbox::Folder;
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
    /// Nothing goes until somebody sees to it: the settings, or the server's.
    Refused { code: &'static str },
}

impl Failure {
    fn temporary(code: impl Into<String>) -> Failure {
        Failure::Temporary { code: code.into() }
    }
}

/// Sends mail.
pub(super) struct Post {
    from: Mailbox,
    way: Way,
}

enum Way {
    Server(Box<Smtp>),
    Folder(Folder),
}

impl Post {
    pub(super) fn open(settings: &Settings) -> Result<Post, OpenError> {
        let config::Notifications { smtp_host, from, .. } = &settings.section;
        let from: Mailbox =
            from.parse().map_err(|error| format!("notifications.from is no sender: {error}"))?;
        let way = match smtp_host {
            Some(host) => {
                let hello = from.email.domain().to_owned();
                Way::Server(Box::new(Smtp::new(host, hello, &settings.section)?))
            }
            None => Way::Folder(Folder::new(&settings.mailbox)),
        };
        Ok(Post { from, way })
    }

    pub(super) async fn send(&self, mail: &Mail<'_>) -> Result<(), Failure> {
        let unusable =
            || Failure::Permanent { code: "address_unusable".to_owned(), is_bounce: false };
        let to: Address = mail.to.as_str().parse().map_err(|_| unusable())?;
        let message = letter::message(&self.from, to, mail).map_err(|error| {
            log::error!("notification {}: no mail can be made of it: {error}", mail.id);
            Failure::Permanent { code: "mail_malformed".to_owned(), is_bounce: false }
        })?;
        match &self.way {
            Way::Server(smtp) => smtp.send(message.envelope(), &message.formatted()).await,
            Way::Folder(folder) => folder.put(mail.id, message.formatted()).await,
        }
    }
}
