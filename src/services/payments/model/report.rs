//! What holds for all payments at all times, as it is reported.

use serde::Serialize;
use utoipa::ToSchema;

/// The answer of `GET /admin/invariants`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvariantReport {
    /// Whether all of them hold.
    pub(crate) ok: bool,
    pub(crate) checks: Vec<InvariantCheck>,
}

/// One invariant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InvariantCheck {
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    /// What was looked at, the first thing that is wrong, or why it could not be told yet.
    pub(crate) detail: String,
}

impl InvariantReport {
    pub(crate) fn of(checks: Vec<InvariantCheck>) -> InvariantReport {
        InvariantReport { ok: checks.iter().all(|check| check.ok), checks }
    }
}
