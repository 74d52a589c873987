//! The words of the service: messages, what they are about, who wants which.

pub(super) mod announcement;
pub(super) mod message;
pub(super) mod preference;
pub(super) mod preview;

use crate::stored_as_text;
use crate::types::{id, words};

id! {
    /// A message to one person on one channel.
    NotificationId,
    /// Something that staff say to some people.
    AnnouncementId,
}

words! {
    /// The way a message goes.
    pub(crate) enum Channel: "channel_unknown" {
        Email = "email",
        /// Read in the program itself.
        Inbox = "inbox",
    }
}

words! {
    /// What a message is of, for those who choose what they are told.
    pub(crate) enum Category: "category_unknown" {
        /// Proofs of an address, passwords, copied logins. Always told.
        Security = "security",
        /// Payments that went well. Always told.
        Receipt = "receipt",
        /// Bills: issued, overdue, paid.
        Billing = "billing",
        /// Payments that came to nothing.
        Payment = "payment",
        /// What staff say.
        Announcement = "announcement",
    }
}

words! {
    /// What is said.
    pub(crate) enum Template: "template_unknown" {
        BillIssued = "bill_issued",
        BillOverdue = "bill_overdue",
        BillPaid = "bill_paid",
        PaymentSucceeded = "payment_succeeded",
        PaymentFailed = "payment_failed",
        EmailVerification = "email_verification",
        PasswordReset = "password_reset",
        PasswordChanged = "password_changed",
        /// Somebody may have had a copy of a login.
        SessionEnded = "session_ended",
        Announcement = "announcement",
    }
}

words! {
    /// Where a message stands.
    pub(crate) enum Status: "status_invalid" {
        Queued = "queued",
        /// The mail server has it, or it is in the inbox.
        Sent = "sent",
        Failed = "failed",
        /// Not wanted, not needed any more, or its address takes no mail.
        Suppressed = "suppressed",
    }
}

stored_as_text!(NotificationId, AnnouncementId, Channel, Category, Template, Status);

impl Category {
    /// Nobody can mute it.
    pub(crate) fn is_mandatory(self) -> bool {
        matches!(self, Category::Security | Category::Receipt)
    }
}
