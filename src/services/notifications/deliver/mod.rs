//! The durable job that brings a message to its end: finds out what it says and whether it is
//! wanted, writes it, and sends it. Does I/O.
//!
//! It may be killed at any point. A notice is written in the transaction that ends the job. A mail
//! is sent before that: after a crash in between it goes again, with the same Message-ID, and into
//! the same file.

mod conclude;
mod gather;
mod lanes;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use busbar_http::Problem;
use sha2::{Digest, Sha256};

use crate::jobs::Job;
use crate::types::{Email, Timestamp};

use super::Notifications;
use super::channel::{Failure, Mail};
use super::model::message::Message;
use super::model::preference::Stored;
use super::model::{Category, Channel, NotificationId, Status};
use super::store::message::Left;
use super::store::{self, preference, suppression};
use super::template::{Fault, Letter};

use self::gather::Known;

pub(super) use self::gather::contact;
pub(super) use self::lanes::{MAIL, NOTICE, job, open};

/// What becomes of a message after one look at it.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Sent(Left),
    Suppressed {
        code: &'static str,
    },
    /// `tries`: 1 if it was tried to send it.
    Failed {
        code: String,
        tries: u32,
    },
    /// Its address takes no mail, this one or any.
    Bounced {
        code: String,
        address: String,
    },
    /// Not its fault alone: it is tried again, but not for ever.
    Again {
        code: String,
    },
    /// Not its fault at all: it waits.
    Waits {
        code: String,
    },
}

/// Why a look is over early.
enum Stop {
    End(End),
    /// Something that is needed is not there: the job fails, and comes again.
    Problem(Problem),
}

impl<E: Into<Problem>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Problem(error.into())
    }
}

impl End {
    fn failed(code: &str) -> End {
        End::Failed { code: code.to_owned(), tries: 0 }
    }
}

/// What is done for a job.
pub(super) async fn deliver(notifications: &Notifications, job: &Job) -> Result<(), Problem> {
    let id: NotificationId = job.key.parse().map_err(Problem::internal)?;
    let message = store::message::by_id(&notifications.database, id).await?;
    let Some(message) = message.filter(|message| message.status == Status::Queued) else {
        return Ok(()); // Forgotten, or at its end before.
    };
    if lanes::is_misplaced(job, &message) {
        return lanes::replace(notifications, job, &message).await;
    }
    let end = match look(notifications, &message).await {
        Ok(end) | Err(Stop::End(end)) => end,
        Err(Stop::Problem(problem)) => return Err(problem),
    };
    conclude::conclude(notifications, job, &message, end).await
}

async fn look(notifications: &Notifications, message: &Message) -> Result<End, Stop> {
    if !is_wanted(notifications, message).await? {
        return Ok(End::Suppressed { code: "muted" });
    }
    // What is about an account ends when it is not needed any more, whether mail goes or not.
    if message.channel == Channel::Email
        && message.category != Category::Security
        && let Some(code) = notifications.post.held()
    {
        return Ok(End::Waits { code });
    }
    let known = gather::gather(notifications, message).await?;
    match message.channel {
        Channel::Inbox => notice(notifications, message, &known),
        Channel::Email => mail(notifications, message, &known).await,
    }
}

async fn is_wanted(notifications: &Notifications, message: &Message) -> Result<bool, Problem> {
    let stored = preference::of_user(&notifications.database, message.user_id).await?;
    let preferences = stored.as_ref().map(Stored::preferences).transpose()?.unwrap_or_default();
    Ok(preferences.wants(message.category, message.channel))
}

fn notice(notifications: &Notifications, message: &Message, known: &Known) -> Result<End, Stop> {
    let writer = &notifications.writer;
    let written = writer.notice(message.template, &known.reader, &known.variables);
    let notice = written.map_err(|fault| Stop::End(unwritten(message, fault)))?;
    let (subject, text) = (Some(notice.subject), Some(notice.text));
    Ok(End::Sent(Left { locale: notice.locale, subject, text }))
}

async fn mail(
    notifications: &Notifications,
    message: &Message,
    known: &Known,
) -> Result<End, Stop> {
    let address = digest(&known.email);
    if suppression::is_there(&notifications.database, &address).await? {
        return Ok(End::Suppressed { code: "address_suppressed" });
    }
    let writer = &notifications.writer;
    let written = writer.letter(message.template, &known.reader, &known.variables);
    let letter = written.map_err(|fault| Stop::End(unwritten(message, fault)))?;
    notifications.failpoints.reach("notifications.before_send").await;
    let sent = send(notifications, message, known, &letter).await;
    notifications.failpoints.reach("notifications.after_send").await;
    Ok(match sent {
        Ok(()) => End::Sent(Left { locale: letter.locale, subject: None, text: None }),
        Err(Failure::Temporary { code }) => End::Again { code },
        Err(Failure::Permanent { code, is_bounce: true }) => End::Bounced { code, address },
        Err(Failure::Permanent { code, is_bounce: false }) => End::Failed { code, tries: 1 },
        Err(Failure::Refused { code }) => End::Waits { code },
    })
}

async fn send(
    notifications: &Notifications,
    message: &Message,
    known: &Known,
    letter: &Letter,
) -> Result<(), Failure> {
    let mail = Mail {
        id: message.id,
        category: message.category,
        date: system_time(message.created_at),
        to: &known.email,
        name: known.name.as_ref().map(|name| name.as_str()),
        letter,
    };
    notifications.post.send(&mail).await
}

/// A template that asks for more than is there is a fault of ours, and told with its place.
fn unwritten(message: &Message, fault: Fault) -> End {
    let (id, template) = (message.id, message.template);
    match fault {
        Fault::Missing(names) => {
            log::error!("notification {id}: {template} has no {}", names.join(", "));
            End::failed("template_variable_missing")
        }
        Fault::Invalid(what) => {
            log::error!("notification {id}: {what}");
            End::failed("template_variable_invalid")
        }
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.micros()).unwrap_or_default())
}

/// What an address is filed under: equal ones are equal, and nobody reads it off.
pub(super) fn digest(email: &Email) -> String {
    let mut hash = Sha256::new();
    hash.update(b"busbar/notifications/address\0");
    hash.update(email.lookup_key().as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
