//! Who did what to which thing: one row for each write, in the transaction of the write. Rows are
//! only added.

use serde_json::Value;

use crate::storage::{Database, Statement, StoreError, Transaction, params, record, sql};
use crate::types::{AuditId, Timestamp};

sql! {
    RECORD = "INSERT INTO audit (id, at, actor, action, subject, request_id, details)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    OF_SUBJECT = "SELECT id, at, actor, action, subject, request_id, details FROM audit
                  WHERE subject = $1 ORDER BY id DESC LIMIT $2";
}

/// All statements on the audit, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    STATEMENTS.to_vec()
}

/// What is put on record. Nothing personal in `details`: ids, amounts, states, reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// `user/0190…`, `service/billing`, `system`.
    pub actor: String,
    /// `bill.issued`: a past participle, as events have.
    pub action: &'static str,
    /// `bill/0190…`.
    pub subject: String,
    pub request_id: Option<String>,
    pub at: Timestamp,
    pub details: Value,
}

/// An entry as it was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    pub id: AuditId,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub request_id: Option<String>,
    pub details: String,
}
record! { Recorded { id, at, actor, action, subject, request_id, details } }

pub async fn record(tx: &mut Transaction<'_>, entry: &Entry) -> Result<AuditId, StoreError> {
    let id = AuditId::new();
    let Entry { actor, action, subject, request_id, at, details } = entry;
    let details = details.to_string();
    tx.execute(RECORD, params![id, at, actor, action, subject, request_id, details]).await?;
    Ok(id)
}

/// What happened to one thing, newest first.
pub async fn of_subject(
    database: &Database,
    subject: &str,
    limit: u32,
) -> Result<Vec<Recorded>, StoreError> {
    database.all(OF_SUBJECT, params![subject, limit]).await
}
