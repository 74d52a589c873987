//! What each endpoint of the API does. All of it is for staff.
pub(super) mod delivery;
pub(super) mod endpoint;
pub(super) mod state;

use busbar_http::{Caller, IfMatch, Problem, RequestId};
use serde_json::Value;

use crate::storage::Transaction;
use crate::types::Timestamp;

use super::model::endpoint::{Endpoint, EndpointId};
use super::problem::WEBHOOK_NOT_FOUND;
use super::{Webhooks, events, store};

/// Who asks, in the course of which request, and when.
struct Act {
    actor: String,
    request_id: String,
    at: Timestamp,
}

impl Act {
    /// Refuses whoever is not staff.
    fn new(caller: &Caller, request: RequestId, webhooks: &Webhooks) -> Result<Act, Problem> {
        caller.require_staff()?;
        let actor = format!("user/{}", caller.subject);
        Ok(Act { actor, request_id: request.id().to_owned(), at: webhooks.clock.now() })
    }

    async fn put_on_record(
        &self,
        tx: &mut Transaction<'_>,
        action: &'static str,
        id: EndpointId,
    ) -> Result<(), Problem> {
        let (request, nothing) = (Some(self.request_id.as_str()), Value::Null);
        events::put_on_record(tx, &self.actor, action, id, request, self.at, nothing).await
    }
}

/// The endpoint as the transaction sees it, in the version that the client knows, if it says which.
async fn seen(
    tx: &mut Transaction<'_>,
    id: EndpointId,
    expected: &IfMatch,
) -> Result<Endpoint, Problem> {
    let endpoint = store::endpoint::seen(tx, id).await?;
    let endpoint = endpoint.ok_or_else(|| WEBHOOK_NOT_FOUND.problem())?;
    expected.require(endpoint.version)?;
    Ok(endpoint)
}
