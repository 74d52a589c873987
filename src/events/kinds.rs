//! Who says what, and who listens: the one table of events.
//!
//! A listener keeps in its inbox also what it does not act on yet. The gateway has no inbox: it asks
//! which sessions have ended, and what has changed of what everybody may read ([`OPEN`]).

use crate::types::ServiceName::{
    self, Analytics, Billing, Documents, Notifications, Payments, Users, Utilities, Webhooks,
};

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// `bill.issued`; on the wire `busbar.bill.issued.v1`.
    pub name: &'static str,
    /// Raised when the data changes its meaning; then both versions are said for a time.
    pub version: u32,
    pub producer: ServiceName,
    pub listeners: &'static [ServiceName],
}

/// Declares nothing new: a line of the table in the reading order of a sentence.
const fn kind(
    producer: ServiceName,
    name: &'static str,
    listeners: &'static [ServiceName],
) -> Kind {
    Kind { name, version: 1, producer, listeners }
}

const EVERY_OTHER: &[ServiceName] =
    &[Payments, Billing, Notifications, Documents, Utilities, Analytics, Webhooks];
const OUTSIDE: &[ServiceName] = &[Notifications, Webhooks, Analytics];

pub const USER_REGISTERED: Kind = kind(Users, "user.registered", &[Notifications, Analytics]);
pub const USER_VERIFICATION_REQUESTED: Kind =
    kind(Users, "user.verification_requested", &[Notifications]);
pub const USER_VERIFIED: Kind = kind(Users, "user.verified", &[Notifications, Analytics]);
pub const USER_PASSWORD_RESET_REQUESTED: Kind =
    kind(Users, "user.password_reset_requested", &[Notifications]);
pub const USER_PASSWORD_CHANGED: Kind = kind(Users, "user.password_changed", &[Notifications]);
pub const USER_SUSPENDED: Kind = kind(Users, "user.suspended", &[Notifications, Analytics]);
pub const USER_ERASURE_REQUESTED: Kind = kind(Users, "user.erasure_requested", EVERY_OTHER);
pub const USER_ERASED: Kind = kind(Users, "user.erased", EVERY_OTHER);
pub const SESSION_STARTED: Kind = kind(Users, "session.started", &[Notifications]);
pub const SESSION_REVOKED: Kind = kind(Users, "session.revoked", &[Notifications]);
pub const SESSION_COMPROMISED: Kind = kind(Users, "session.compromised", &[Notifications]);

pub const BILL_DRAFTED: Kind =
    kind(Billing, "bill.drafted", &[Payments, Documents, Notifications, Analytics, Webhooks]);
pub const BILL_ISSUED: Kind =
    kind(Billing, "bill.issued", &[Payments, Documents, Notifications, Analytics, Webhooks]);
pub const BILL_RESERVED: Kind = kind(Billing, "bill.reserved", &[Analytics]);
pub const BILL_RESERVATION_RELEASED: Kind =
    kind(Billing, "bill.reservation_released", &[Analytics]);
pub const BILL_BECAME_OVERDUE: Kind =
    kind(Billing, "bill.became_overdue", &[Payments, Notifications, Webhooks, Analytics]);
pub const BILL_PARTIALLY_PAID: Kind =
    kind(Billing, "bill.partially_paid", &[Notifications, Webhooks, Analytics, Utilities]);
pub const BILL_PAID: Kind =
    kind(Billing, "bill.paid", &[Notifications, Webhooks, Analytics, Utilities]);
pub const BILL_REOPENED: Kind =
    kind(Billing, "bill.reopened", &[Notifications, Webhooks, Analytics, Utilities]);
pub const BILL_VOIDED: Kind =
    kind(Billing, "bill.voided", &[Payments, Documents, Webhooks, Analytics]);

pub const PAYMENT_CREATED: Kind = kind(Payments, "payment.created", &[Analytics, Notifications]);
pub const PAYMENT_ACTION_REQUIRED: Kind =
    kind(Payments, "payment.action_required", &[Analytics, Notifications]);
pub const PAYMENT_OUTCOME_UNKNOWN: Kind =
    kind(Payments, "payment.outcome_unknown", &[Analytics, Notifications]);
pub const PAYMENT_SUCCEEDED: Kind =
    kind(Payments, "payment.succeeded", &[Billing, Documents, Notifications, Webhooks, Analytics]);
pub const PAYMENT_FAILED: Kind =
    kind(Payments, "payment.failed", &[Billing, Documents, Notifications, Webhooks, Analytics]);
pub const PAYMENT_CANCELLED: Kind =
    kind(Payments, "payment.cancelled", &[Billing, Documents, Notifications, Webhooks, Analytics]);
pub const LEDGER_IMBALANCE_DETECTED: Kind = kind(Payments, "ledger.imbalance_detected", OUTSIDE);

pub const PROVIDER_CHANGED: Kind = kind(Utilities, "provider.changed", &[]);
pub const PROVIDER_STATUS_CHANGED: Kind =
    kind(Utilities, "provider.status_changed", &[Billing, Webhooks]);
pub const SERVICE_ACCOUNT_LINKED: Kind =
    kind(Utilities, "service_account.linked", &[Notifications, Webhooks, Analytics]);
pub const READING_RECORDED: Kind =
    kind(Utilities, "reading.recorded", &[Billing, Webhooks, Analytics]);
pub const READING_HELD: Kind = kind(Utilities, "reading.held", &[Billing, Webhooks, Analytics]);
pub const READING_CORRECTED: Kind =
    kind(Utilities, "reading.corrected", &[Billing, Webhooks, Analytics]);
pub const TARIFF_CREATED: Kind = kind(Utilities, "tariff.created", &[]);
pub const TARIFF_VERSION_PUBLISHED: Kind =
    kind(Utilities, "tariff.version_published", &[Billing, Webhooks]);

pub const DOCUMENT_STORED: Kind =
    kind(Documents, "document.stored", &[Billing, Notifications, Webhooks]);

pub const WEBHOOK_ENDPOINT_DISABLED: Kind =
    kind(Webhooks, "webhook.endpoint_disabled", &[Notifications]);

/// Every line.
pub const ALL: &[Kind] = &[
    USER_REGISTERED,
    USER_VERIFICATION_REQUESTED,
    USER_VERIFIED,
    USER_PASSWORD_RESET_REQUESTED,
    USER_PASSWORD_CHANGED,
    USER_SUSPENDED,
    USER_ERASURE_REQUESTED,
    USER_ERASED,
    SESSION_STARTED,
    SESSION_REVOKED,
    SESSION_COMPROMISED,
    BILL_DRAFTED,
    BILL_ISSUED,
    BILL_RESERVED,
    BILL_RESERVATION_RELEASED,
    BILL_BECAME_OVERDUE,
    BILL_PARTIALLY_PAID,
    BILL_PAID,
    BILL_REOPENED,
    BILL_VOIDED,
    PAYMENT_CREATED,
    PAYMENT_ACTION_REQUIRED,
    PAYMENT_OUTCOME_UNKNOWN,
    PAYMENT_SUCCEEDED,
    PAYMENT_FAILED,
    PAYMENT_CANCELLED,
    LEDGER_IMBALANCE_DETECTED,
    PROVIDER_CHANGED,
    PROVIDER_STATUS_CHANGED,
    SERVICE_ACCOUNT_LINKED,
    READING_RECORDED,
    READING_HELD,
    READING_CORRECTED,
    TARIFF_CREATED,
    TARIFF_VERSION_PUBLISHED,
    DOCUMENT_STORED,
    WEBHOOK_ENDPOINT_DISABLED,
];

/// What is said of things that everybody may read.
pub const OPEN: [Kind; 4] =
    [PROVIDER_CHANGED, PROVIDER_STATUS_CHANGED, TARIFF_CREATED, TARIFF_VERSION_PUBLISHED];

/// Everyone who listens to something this service says, each once.
pub fn listeners_of(producer: ServiceName) -> Vec<ServiceName> {
    let mut listeners = Vec::new();
    for kind in ALL.iter().filter(|kind| kind.producer == producer) {
        for listener in kind.listeners {
            if !listeners.contains(listener) {
                listeners.push(*listener);
            }
        }
    }
    listeners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_once_and_nobody_listens_to_itself() {
        for (index, kind) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| other.name != kind.name), "{}", kind.name);
            assert!(!kind.listeners.contains(&kind.producer), "{}", kind.name);
            assert!(kind.listeners.len() <= super::super::outbox::LISTENERS_MAX, "{}", kind.name);
        }
    }

    /// The gateway asks utilities alone.
    #[test]
    fn what_everybody_may_read_is_said_by_utilities() {
        assert!(OPEN.iter().all(|kind| ALL.contains(kind) && kind.producer == Utilities));
    }

    #[test]
    fn payments_are_heard_by_billing() {
        assert!(listeners_of(Payments).contains(&Billing));
        assert!(listeners_of(Billing).contains(&Payments));
        assert!(listeners_of(Analytics).is_empty());
    }
}
