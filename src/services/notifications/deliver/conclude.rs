//! The end of one look at a message, written down together with the end of its job.

use busbar_http::Problem;
use uuid::Uuid;

use crate::jobs::{self, Job};
use crate::storage::Transaction;
use crate::types::Timestamp;

use super::super::Notifications;
use super::super::model::message::Message;
use super::super::retry;
use super::super::store::{message, suppression};
use super::{End, lanes};

pub(super) async fn conclude(
    notifications: &Notifications,
    job: &Job,
    message: &Message,
    end: End,
) -> Result<(), Problem> {
    let now = notifications.clock.now();
    let end = given_up(message, lanes::queued_at(job, message), end, now);
    let again_at = again_at(notifications, message, &end);
    let written = notifications.database.transaction(async |tx| {
        write(tx, message, &end, now).await?;
        match again_at {
            Some(due_at) => jobs::give_back(tx, job, due_at, code(&end)).await,
            None => jobs::finish(tx, job, now).await,
        }
    });
    written.await?;
    if let Some(code) = code(&end) {
        log::info!("notification {} by {}: {} ({code})", message.id, message.channel, result(&end));
    }
    notifications.meters.ended(message.channel, result(&end));
    Ok(())
}

/// The last of all tries has failed for good; and what nobody is to blame for has its time.
fn given_up(message: &Message, queued_at: Timestamp, end: End, now: Timestamp) -> End {
    match end {
        End::Waits { .. } if retry::is_too_late(queued_at, now) => End::failed("waited_too_long"),
        End::Again { code } if retry::after_failure(message.attempts + 1, 0).is_none() => {
            End::Failed { code, tries: 1 }
        }
        other => other,
    }
}

/// When the job is due again; `None`: it is done.
fn again_at(notifications: &Notifications, message: &Message, end: &End) -> Option<Timestamp> {
    let now = notifications.clock.now();
    let chance = Uuid::new_v4().as_u64_pair().0;
    match end {
        End::Again { .. } => {
            retry::after_failure(message.attempts + 1, chance).map(|wait| now.plus(wait))
        }
        End::Waits { .. } => Some(notifications.post.again_at(chance)),
        End::Sent(_) | End::Suppressed { .. } | End::Failed { .. } | End::Bounced { .. } => None,
    }
}

async fn write(
    tx: &mut Transaction<'_>,
    message: &Message,
    end: &End,
    now: Timestamp,
) -> Result<(), Problem> {
    let id = message.id;
    match end {
        End::Sent(left) => message::sent(tx, id, left, now).await?,
        End::Suppressed { code } => message::suppressed(tx, id, code, now).await?,
        End::Failed { code, tries } => message::failed(tx, id, code, *tries, now).await?,
        End::Bounced { code, address } => {
            suppression::insert(tx, address, code, now).await?;
            message::failed(tx, id, code, 1, now).await?
        }
        End::Again { code } => message::put_off(tx, id, code, 1).await?,
        End::Waits { code } => message::put_off(tx, id, code, 0).await?,
    };
    Ok(())
}

fn code(end: &End) -> Option<&str> {
    match end {
        End::Sent(_) => None,
        End::Suppressed { code } => Some(code),
        End::Failed { code, .. } | End::Bounced { code, .. } => Some(code),
        End::Again { code } | End::Waits { code } => Some(code),
    }
}

/// For the meters: a closed set.
fn result(end: &End) -> &'static str {
    match end {
        End::Sent(_) => "sent",
        End::Suppressed { .. } => "suppressed",
        End::Failed { .. } | End::Bounced { .. } => "failed",
        End::Again { .. } => "retried",
        End::Waits { .. } => "refused",
    }
}
