//! Figures as they are counted from facts.

use crate::types::Currency;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct UserCounts {
    pub(crate) registered: i64,
    pub(crate) verified: i64,
    pub(crate) suspended: i64,
}

/// Payments of one currency that have not ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct InProcess {
    pub(crate) currency: Currency,
    pub(crate) payment_count: i64,
    /// Those whose outcome the connector left open.
    pub(crate) unknown_count: i64,
    pub(crate) total_minor: i64,
}

/// Bills of one currency that were paid within a period, and how long that took from their issue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PaidBills {
    pub(crate) currency: Currency,
    pub(crate) bill_count: i64,
    pub(crate) taken_us: i64,
}

/// What is owed to one provider in one currency.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Aged {
    pub(crate) provider_id: String,
    pub(crate) currency: Currency,
    pub(crate) bill_count: i64,
    pub(crate) current_minor: i64,
    pub(crate) days_30_minor: i64,
    pub(crate) days_60_minor: i64,
    pub(crate) days_90_minor: i64,
    pub(crate) older_minor: i64,
    pub(crate) overdue_minor: i64,
    /// What was paid beyond bills.
    pub(crate) credit_minor: i64,
}
