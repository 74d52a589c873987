//! What an event comes to: one fact about a bill, a payment or a user.

use crate::storage::stored_as_text;
use crate::types::{Amount, BillId, Currency, Date, EventId, PaymentId, Timestamp, UserId, words};

words! {
    /// What is counted and summed.
    pub(crate) enum Counted: "kind_invalid" {
        Billed = "billed",
        Voided = "voided",
        PartiallyPaid = "partially_paid",
        Paid = "paid",
        Reopened = "reopened",
        Overdue = "overdue",
        Created = "created",
        OutcomeUnknown = "outcome_unknown",
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}

words! {
    /// How a payment ended.
    pub(crate) enum Ending: "outcome_invalid" {
        Succeeded = "succeeded",
        Failed = "failed",
        Cancelled = "cancelled",
    }
}
stored_as_text!(Counted, Ending);

/// When something happened, and which event told it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) event_id: EventId,
    pub(crate) at: Timestamp,
    /// The place among the events of its subject.
    pub(crate) sequence: i64,
}

/// What is known after an event that was not known before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    Bill(BillFact),
    Payment(PaymentFact),
    User { user_id: UserId, news: UserNews },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BillFact {
    pub(crate) bill_id: BillId,
    pub(crate) currency: Currency,
    /// Empty where it is not known.
    pub(crate) provider_id: String,
    pub(crate) news: BillNews,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BillNews {
    Issued {
        total: Amount,
        due_on: Option<Date>,
    },
    /// `owed` is what was owed until then.
    Voided {
        owed: Amount,
    },
    PartiallyPaid,
    Paid,
    Reopened,
    Overdue,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PaymentFact {
    pub(crate) payment_id: PaymentId,
    pub(crate) currency: Currency,
    pub(crate) amount: Amount,
    pub(crate) provider_id: String,
    pub(crate) method: String,
    pub(crate) news: PaymentNews,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PaymentNews {
    Created,
    OutcomeUnknown,
    /// With the part of each bill.
    Succeeded {
        parts: Vec<(BillId, Amount)>,
    },
    Failed {
        reason: String,
    },
    Cancelled {
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum UserNews {
    Registered,
    Verified,
    Suspended,
}

/// What sums are kept apart by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Labels<'a> {
    pub(crate) kind: Counted,
    pub(crate) currency: Currency,
    pub(crate) provider_id: &'a str,
    pub(crate) method: &'a str,
    pub(crate) reason: &'a str,
}

impl BillFact {
    pub(crate) fn labels(&self) -> Labels<'_> {
        let kind = match self.news {
            BillNews::Issued { .. } => Counted::Billed,
            BillNews::Voided { .. } => Counted::Voided,
            BillNews::PartiallyPaid => Counted::PartiallyPaid,
            BillNews::Paid => Counted::Paid,
            BillNews::Reopened => Counted::Reopened,
            BillNews::Overdue => Counted::Overdue,
        };
        let (currency, provider_id) = (self.currency, self.provider_id.as_str());
        Labels { kind, currency, provider_id, method: "", reason: "" }
    }
}

impl PaymentFact {
    pub(crate) fn labels(&self) -> Labels<'_> {
        let (kind, reason) = match &self.news {
            PaymentNews::Created => (Counted::Created, ""),
            PaymentNews::OutcomeUnknown => (Counted::OutcomeUnknown, ""),
            PaymentNews::Succeeded { .. } => (Counted::Succeeded, ""),
            PaymentNews::Failed { reason } => (Counted::Failed, reason.as_str()),
            PaymentNews::Cancelled { reason } => (Counted::Cancelled, reason.as_str()),
        };
        let (currency, provider_id) = (self.currency, self.provider_id.as_str());
        Labels { kind, currency, provider_id, method: &self.method, reason }
    }
}
