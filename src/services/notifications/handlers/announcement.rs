//! What staff say to some people.

use actix_web::web::Data;
use busbar_http::{Caller, Found, IdempotencyKey, MaybeKeyed, Path, Problem, Reply, RequestId};
use serde_json::json;

use crate::jobs::{self, NewJob};
use crate::requests::{self, Claim, Request};
use crate::storage::Transaction;
use crate::types::UserId;

use super::super::Notifications;
use super::super::announce;
use super::super::model::AnnouncementId;
use super::super::model::announcement::{Announcement, NewAnnouncement};
use super::super::problem::ANNOUNCEMENT_NOT_FOUND;
use super::super::store::announcement;
use super::{actor, put_on_record};

/// `POST /notifications`: 202, as a job queues the messages.
pub(crate) async fn create(
    notifications: Data<Notifications>,
    caller: Caller,
    request: RequestId,
    MaybeKeyed(order, key): MaybeKeyed<NewAnnouncement>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let users = order.recipients()?;
    let made = made(&notifications, order, users.len());
    let keyed = key.map(|key: IdempotencyKey| Request { principal: actor(&caller), key });
    let answer = notifications.database.transaction(async |tx| {
        if let Some(keyed) = &keyed {
            match requests::claim(tx, keyed, &made.id.to_string(), made.created_at).await? {
                Claim::New => {}
                Claim::Replay(reply) => return Ok(reply),
                Claim::Running { .. } => return Err(requests::in_flight()),
            }
        }
        write(tx, (&caller, &request), &made, &users).await?;
        match &keyed {
            Some(keyed) => requests::finish(tx, keyed, 202, &made).await,
            None => Reply::first(202, &made),
        }
    });
    answer.await
}

fn made(notifications: &Notifications, order: NewAnnouncement, users: usize) -> Announcement {
    let NewAnnouncement { category, subject, text, .. } = order;
    Announcement {
        id: AnnouncementId::new(),
        category,
        subject,
        text,
        recipients_count: i64::try_from(users).unwrap_or(i64::MAX),
        reached: 0,
        created_at: notifications.clock.now(),
    }
}

async fn write(
    tx: &mut Transaction<'_>,
    who: (&Caller, &RequestId),
    made: &Announcement,
    users: &[UserId],
) -> Result<(), Problem> {
    let (id, now) = (made.id, made.created_at);
    let recipients = serde_json::to_string(users).map_err(Problem::internal)?;
    announcement::insert(tx, made, &recipients, who.1.id(), &actor(who.0)).await?;
    let job = NewJob::new(announce::KIND, id, &(), now).map_err(Problem::internal)?;
    jobs::enqueue(tx, &job, now).await?;
    let details = json!({"category": made.category, "recipients": made.recipients_count});
    put_on_record(tx, who, "announcement.made", format!("announcement/{id}"), details, now).await
}

/// `GET /notifications/announcements/{id}`.
pub(crate) async fn show(
    notifications: Data<Notifications>,
    caller: Caller,
    Path(id): Path<AnnouncementId>,
) -> Result<Found<Announcement>, Problem> {
    caller.require_staff()?;
    let found = announcement::by_id(&notifications.database, id).await?;
    Ok(Found(found.ok_or(ANNOUNCEMENT_NOT_FOUND)?))
}
