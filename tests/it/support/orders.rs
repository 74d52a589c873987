//! Bodies that many tests send.

use serde_json::{Value, json};

/// A draft of one line.
pub(crate) fn draft(user_id: &str, minor: i64) -> Value {
    json!({
        "user_id": user_id, "provider_id": "river-power", "currency": "USD",
        "due_on": "2099-12-31", "period": {"start": "2026-11-01", "end": "2026-12-01"},
        "lines": [{"kind": "fixed", "description": "Electricity", "amount_minor": minor}]
    })
}

/// An order that pays a bill by a simulated method.
pub(crate) fn order(bill_id: &str, minor: i64, token: &str) -> Value {
    json!({
        "bill_id": bill_id, "amount_minor": minor, "currency": "USD",
        "method": {"type": "sim", "token": token}
    })
}
