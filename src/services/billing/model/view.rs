//! A bill as it is shown.
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{
    Amount, BillId, Currency, Date, Period, ProviderId, ServiceAccountId, Timestamp, UserId, Zone,
};

use super::bill::{Action, Bill, BillStatus, Viewer};
use super::line::Line;
use super::words::{Basis, Exactness};

/// A bill as it is shown; lists leave the lines out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BillView {
    pub(crate) id: BillId,
    /// Given when it is issued.
    number: Option<String>,
    user_id: UserId,
    provider_id: ProviderId,
    service_account_id: Option<ServiceAccountId>,
    status: BillStatus,
    /// Whether it is owed after its last day of grace.
    overdue: bool,
    currency: Currency,
    period: Period,
    issued_on: Option<Date>,
    due_on: Option<Date>,
    timezone: Zone,
    basis: Basis,
    exactness: Exactness,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<Line>>,
    subtotal_minor: Amount,
    tax_minor: Amount,
    total_minor: Amount,
    credited_minor: Amount,
    credit_applied_minor: Amount,
    settled_minor: Amount,
    refunded_minor: Amount,
    /// Held for payments that have not ended.
    reserved_minor: Amount,
    /// What is owed: total - credits - payments + refunds.
    balance_minor: Amount,
    available_actions: Vec<Action>,
    version: i64,
    pub(crate) created_at: Timestamp,
    updated_at: Timestamp,
}

impl BillView {
    pub(crate) fn whole(bill: Bill, lines: Vec<Line>, viewer: Viewer) -> BillView {
        BillView { lines: Some(lines), ..BillView::short(bill, viewer) }
    }

    /// Without the lines.
    pub(crate) fn short(bill: Bill, viewer: Viewer) -> BillView {
        BillView {
            available_actions: bill.actions(viewer),
            id: bill.id,
            number: bill.number,
            user_id: bill.user_id,
            provider_id: bill.provider_id,
            service_account_id: bill.service_account_id,
            overdue: bill.status == BillStatus::Overdue,
            status: bill.status,
            currency: bill.currency,
            period: bill.period,
            issued_on: bill.issued_on,
            due_on: bill.due_on,
            timezone: bill.timezone,
            basis: bill.basis,
            exactness: bill.exactness,
            lines: None,
            subtotal_minor: bill.subtotal_minor,
            tax_minor: bill.tax_minor,
            total_minor: bill.total_minor,
            credited_minor: bill.credited_minor,
            credit_applied_minor: bill.credit_applied_minor,
            settled_minor: bill.settled_minor,
            refunded_minor: bill.refunded_minor,
            reserved_minor: bill.reserved_minor,
            balance_minor: bill.balance_minor,
            version: bill.version,
            created_at: bill.created_at,
            updated_at: bill.updated_at,
        }
    }
}
