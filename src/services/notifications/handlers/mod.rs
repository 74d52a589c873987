//! The endpoints, by noun.

pub(super) mod announcement;
pub(super) mod message;
pub(super) mod preference;
pub(super) mod preview;
pub(super) mod suppression;

use busbar_http::{Caller, Problem, RequestId};
use serde_json::Value;

use crate::audit;
use crate::storage::Transaction;
use crate::types::{Timestamp, UserId};

fn own(caller: &Caller) -> UserId {
    UserId::from(caller.subject)
}

/// `user/0190…`
fn actor(caller: &Caller) -> String {
    format!("user/{}", caller.subject)
}

/// Who of the staff did what to what.
async fn put_on_record(
    tx: &mut Transaction<'_>,
    (caller, request): (&Caller, &RequestId),
    action: &'static str,
    subject: String,
    details: Value,
    at: Timestamp,
) -> Result<(), Problem> {
    let (actor, request_id) = (actor(caller), Some(request.id().to_owned()));
    let entry = audit::Entry { actor, action, subject, request_id, at, details };
    audit::record(tx, &entry).await?;
    Ok(())
}
