//! Notices and the records of mails: listed, shown, marked as read, sent again.

use actix_web::web::Data;
use busbar_http::{Caller, Found, Listed, Path, Problem, Query, Reply, RequestId};
use serde_json::Value;

use crate::jobs;
use crate::types::{Cursor, UserId};

use super::super::Notifications;
use super::super::deliver;
use super::super::model::message::{
    MarkedRead, Message, NotificationQuery, NotificationView, UnreadCount,
};
use super::super::model::{Channel, NotificationId, Status};
use super::super::problem::{NOTIFICATION_NOT_FAILED, NOTIFICATION_NOT_FOUND};
use super::super::store;
use super::super::store::inbox::{self, Selection};
use super::{own, put_on_record};

/// `GET /notifications`: customers find their own alone, whomever they ask for.
pub(crate) async fn list(
    notifications: Data<Notifications>,
    caller: Caller,
    Query(query): Query<NotificationQuery>,
) -> Result<Listed<NotificationView>, Problem> {
    let NotificationQuery { user_id, channel, status, unread, limit, cursor } = query;
    let channel = channel.unwrap_or(Channel::Inbox);
    let owner = match user_id {
        _ if !caller.is_staff() => Some(own(&caller)),
        // Without a name staff see their own inbox, and everybody's mail.
        None => (channel == Channel::Inbox).then(|| own(&caller)),
        some => some,
    };
    if user_id.is_some_and(|user| !caller.may_see(user.uuid())) {
        return Ok(Listed { data: Vec::new(), next_cursor: None, has_more: false });
    }
    // What is not in the inbox yet is nobody's notice.
    let usual = (channel == Channel::Inbox).then_some(Status::Sent);
    let (status, rows) = (status.or(usual), limit.rows_and_one());
    let selection = Selection { owner, channel, status, is_unread: unread, after: cursor, rows };
    let messages = inbox::page(&notifications.database, &selection).await?;
    let views = messages.into_iter().map(NotificationView::from).collect();
    Ok(Listed::page(views, limit.rows(), |view: &NotificationView| {
        Cursor::new(view.created_at, view.id).to_string()
    }))
}

/// `GET /notifications/{id}`.
pub(crate) async fn show(
    notifications: Data<Notifications>,
    caller: Caller,
    Path(id): Path<NotificationId>,
) -> Result<Reply, Problem> {
    let message = store::message::by_id(&notifications.database, id).await?;
    let message = message.filter(|message| caller.may_see(message.user_id.uuid()));
    Reply::first(200, &view(message)?)
}

fn view(message: Option<Message>) -> Result<NotificationView, Problem> {
    message.map(NotificationView::from).ok_or_else(|| NOTIFICATION_NOT_FOUND.problem())
}

/// `GET /notifications/unread-count`.
pub(crate) async fn unread_count(
    notifications: Data<Notifications>,
    caller: Caller,
) -> Result<Found<UnreadCount>, Problem> {
    let unread = inbox::unread(&notifications.database, own(&caller)).await?;
    Ok(Found(UnreadCount { unread }))
}

/// `POST /notifications/{id}/read`: only its owner reads a notice; the first time counts.
pub(crate) async fn read(
    notifications: Data<Notifications>,
    caller: Caller,
    Path(id): Path<NotificationId>,
) -> Result<Reply, Problem> {
    let (user, now) = (own(&caller), notifications.clock.now());
    let marked = notifications.database.transaction(async |tx| {
        inbox::read(tx, id, user, now).await?;
        let message = store::message::seen(tx, id).await?;
        view(message.filter(|message| is_in_inbox(message, user)))
    });
    Reply::first(200, &marked.await?)
}

fn is_in_inbox(message: &Message, user: UserId) -> bool {
    let is_there = message.channel == Channel::Inbox && message.status == Status::Sent;
    is_there && message.user_id == user
}

/// `POST /notifications/read-all`.
pub(crate) async fn read_all(
    notifications: Data<Notifications>,
    caller: Caller,
) -> Result<Found<MarkedRead>, Problem> {
    let (user, now) = (own(&caller), notifications.clock.now());
    let marked =
        notifications.database.transaction(async |tx| inbox::read_all(tx, user, now).await);
    Ok(Found(MarkedRead { read: marked.await? }))
}

/// `POST /notifications/{id}/retry`: what has failed, or was kept back because of its
/// address, gets another row of tries.
pub(crate) async fn retry(
    notifications: Data<Notifications>,
    caller: Caller,
    request: RequestId,
    Path(id): Path<NotificationId>,
) -> Result<Reply, Problem> {
    caller.require_staff()?;
    let now = notifications.clock.now();
    let queued = notifications.database.transaction(async |tx| {
        let is_queued = store::message::requeue(tx, id).await?;
        let message = store::message::seen(tx, id).await?;
        let message = message.ok_or(NOTIFICATION_NOT_FOUND)?;
        if !is_queued {
            return Err(NOTIFICATION_NOT_FAILED.problem());
        }
        let kind = (message.category, message.template);
        let job = deliver::job(id, message.channel, kind, now)?;
        jobs::enqueue(tx, &job, now).await?;
        let (who, subject) = ((&caller, &request), format!("notification/{id}"));
        put_on_record(tx, who, "notification.retried", subject, Value::Null, now).await?;
        Ok(NotificationView::from(message))
    });
    Reply::first(202, &queued.await?)
}
