//! Where messages wait to be sent. A mail server may take long over each mail: mails have places of
//! their own, so that a notice waits for none of them; and what somebody waits for who cannot come
//! in without it has places beside those.

use busbar_http::Problem;
use serde::{Deserialize, Serialize};

use crate::jobs::{self, Handlers, Job, Lane, NewJob};
use crate::types::Timestamp;

use super::super::Notifications;
use super::super::model::message::Message;
use super::super::model::{Category, Channel, NotificationId, Template};

/// Notices; releases before had their mails here, too.
pub(in super::super) const NOTICE: &str = "deliver_notification";
pub(in super::super) const MAIL: &str = "send_mail";

const MAILS: Lane = Lane::own(1);
/// Conversations with the mail server at a time.
const MAILS_MAX: usize = 4;
/// Codes, and what has become of an account.
const URGENT: Lane = Lane::own(2);
/// Further conversations, of urgent mails.
const URGENT_MAX: usize = 2;

/// What a job holds beside the message's id.
#[derive(Deserialize, Serialize)]
struct Queued {
    queued_at: Timestamp,
}

pub(in super::super) fn open(handlers: Handlers) -> Handlers {
    handlers.lane(MAILS, MAILS_MAX).lane(URGENT, URGENT_MAX)
}

/// The job that sends a message.
pub(in super::super) fn job(
    id: NotificationId,
    channel: Channel,
    (category, template): (Category, Template),
    at: Timestamp,
) -> Result<NewJob, Problem> {
    let (kind, lane) = match channel {
        Channel::Inbox => (NOTICE, Lane::COMMON),
        Channel::Email if is_urgent(category, template) => (MAIL, URGENT),
        Channel::Email => (MAIL, MAILS),
    };
    let job = NewJob::new(kind, id, &Queued { queued_at: at }, at).map_err(Problem::internal)?;
    Ok(job.in_lane(lane))
}

/// Since when the message has been waiting, this time.
pub(super) fn queued_at(job: &Job, message: &Message) -> Timestamp {
    // Releases before told nothing.
    job.read::<Queued>().map_or(message.created_at, |queued| queued.queued_at)
}

/// What staff say is not, whatever they call it: it goes to many.
fn is_urgent(category: Category, template: Template) -> bool {
    category == Category::Security && template != Template::Announcement
}

/// Whether the job is a mail's from before mails had lanes.
pub(super) fn is_misplaced(job: &Job, message: &Message) -> bool {
    job.kind == NOTICE && message.channel == Channel::Email
}

/// Puts a mail into its lane.
pub(super) async fn replace(
    notifications: &Notifications,
    job: &Job,
    message: &Message,
) -> Result<(), Problem> {
    let now = notifications.clock.now();
    let kind = (message.category, message.template);
    let placed = self::job(message.id, message.channel, kind, now)?;
    let replaced = notifications.database.transaction(async |tx| {
        jobs::enqueue(tx, &placed, now).await?;
        jobs::finish(tx, job, now).await
    });
    replaced.await
}
