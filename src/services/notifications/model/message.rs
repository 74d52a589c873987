//! One message: from what, about what, to whom, by which way, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::{
    Amount, BillId, Currency, Cursor, EventId, Limit, Locale, PaymentId, Timestamp, UserId,
};

use super::{AnnouncementId, Category, Channel, NotificationId, Status, Template};

/// What a message is about: kept as JSON, and enough to find the rest when it is written.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub(crate) enum Facts {
    /// A bill. `days`: how long it has been overdue.
    Bill { bill_id: BillId, days: Option<i64> },
    /// A payment. `reason`: why it came to nothing.
    Payment {
        payment_id: PaymentId,
        bill_id: BillId,
        amount_minor: Amount,
        currency: Currency,
        reason: Option<String>,
    },
    /// A proof that the users service waits for.
    Proof,
    /// What has become of an account; nobody is asked for a code.
    Notice,
    /// Something that staff say.
    Announcement { announcement_id: AnnouncementId },
}

/// What messages are made from: one for each channel.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// What they come from; the same source is told once.
    pub(crate) source: String,
    pub(crate) user_id: UserId,
    pub(crate) template: Template,
    pub(crate) category: Category,
    pub(crate) facts: Facts,
    /// The id of the request that everything began with.
    pub(crate) correlation: String,
    pub(crate) occurred_at: Timestamp,
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: NotificationId,
    pub(crate) user_id: UserId,
    pub(crate) template: Template,
    pub(crate) category: Category,
    pub(crate) channel: Channel,
    /// JSON, see [`Facts`].
    pub(crate) facts: String,
    pub(crate) correlation: String,
    pub(crate) occurred_at: Timestamp,
    pub(crate) status: Status,
    pub(crate) attempts: u32,
    pub(crate) error_code: Option<String>,
    pub(crate) locale: Option<Locale>,
    pub(crate) subject: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) failed_at: Option<Timestamp>,
    pub(crate) suppressed_at: Option<Timestamp>,
    pub(crate) read_at: Option<Timestamp>,
    pub(crate) version: i64,
}

/// A message as it is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct NotificationView {
    pub(crate) id: NotificationId,
    user_id: UserId,
    template: Template,
    category: Category,
    channel: Channel,
    status: Status,
    /// What a notice says; a mail is not kept.
    subject: Option<String>,
    text: Option<String>,
    locale: Option<Locale>,
    /// How often it was tried to send it.
    attempts: u32,
    /// Why it failed, was suppressed, or is not sent yet.
    error_code: Option<String>,
    pub(crate) created_at: Timestamp,
    sent_at: Option<Timestamp>,
    failed_at: Option<Timestamp>,
    suppressed_at: Option<Timestamp>,
    read_at: Option<Timestamp>,
    version: i64,
}

impl From<Message> for NotificationView {
    fn from(message: Message) -> NotificationView {
        NotificationView {
            id: message.id,
            user_id: message.user_id,
            template: message.template,
            category: message.category,
            channel: message.channel,
            status: message.status,
            subject: message.subject,
            text: message.text,
            locale: message.locale,
            attempts: message.attempts,
            error_code: message.error_code,
            created_at: message.created_at,
            sent_at: message.sent_at,
            failed_at: message.failed_at,
            suppressed_at: message.suppressed_at,
            read_at: message.read_at,
            version: message.version,
        }
    }
}

/// The query of `GET /notifications`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationQuery {
    pub(crate) user_id: Option<UserId>,
    /// The inbox if not said.
    pub(crate) channel: Option<Channel>,
    pub(crate) status: Option<Status>,
    #[serde(default)]
    pub(crate) unread: bool,
    #[serde(default)]
    pub(crate) limit: Limit,
    pub(crate) cursor: Option<Cursor>,
}

/// The answer to `GET /notifications/unread-count`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnreadCount {
    pub(crate) unread: i64,
}

/// The answer to `POST /notifications/read-all`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkedRead {
    /// How many were unread until now.
    pub(crate) read: u64,
}

/// The messages that wait on a channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Queue {
    pub(crate) channel: Channel,
    pub(crate) queued: i64,
    pub(crate) oldest_at: Timestamp,
}

/// The source of what an event tells.
pub(crate) fn of_event(id: EventId) -> String {
    format!("event/{id}")
}

/// The source of what staff say to one person.
pub(crate) fn of_announcement(id: AnnouncementId, user: UserId) -> String {
    format!("announcement/{id}/{user}")
}
