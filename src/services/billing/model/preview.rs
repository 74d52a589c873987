//! A bill as it would be drafted.
use serde::Serialize;
use utoipa::ToSchema;

use crate::types::{Amount, Currency, Date, Period, ProviderId, ServiceAccountId, UserId, Zone};

use super::draft::Draft;
use super::line::Line;
use super::words::{Basis, Exactness};

/// What a draft would say. Nothing is kept of it: its lines would have other ids.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct BillPreview {
    user_id: UserId,
    provider_id: ProviderId,
    service_account_id: Option<ServiceAccountId>,
    currency: Currency,
    period: Period,
    due_on: Option<Date>,
    timezone: Zone,
    basis: Basis,
    exactness: Exactness,
    lines: Vec<Line>,
    subtotal_minor: Amount,
    tax_minor: Amount,
    total_minor: Amount,
}

impl From<Draft> for BillPreview {
    fn from(draft: Draft) -> BillPreview {
        BillPreview {
            user_id: draft.user_id,
            provider_id: draft.provider_id,
            service_account_id: draft.service_account_id,
            currency: draft.currency,
            period: draft.period,
            due_on: draft.due_on,
            timezone: draft.timezone,
            basis: draft.basis,
            exactness: draft.exactness,
            lines: draft.lines,
            subtotal_minor: draft.totals.subtotal,
            tax_minor: draft.totals.tax,
            total_minor: draft.totals.total,
        }
    }
}
