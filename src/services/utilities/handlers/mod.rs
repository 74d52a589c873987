//! What each endpoint does, by what it works on.
pub(crate) mod account;
mod ends;
mod intake;
pub(crate) mod meter;
pub(crate) mod pin;
mod posted;
pub(crate) mod provider;
pub(crate) mod reading;
pub(crate) mod review;
pub(crate) mod tariff;
pub(crate) mod usage;

use busbar_http::{Caller, IdempotencyKey, Problem, Reply, RequestId};
use serde::Serialize;

use crate::events::Origin;
use crate::requests::{self, Claim, Request};
use crate::storage::Transaction;
use crate::types::{ServiceName, Timestamp, UserId};

/// What the caller sets off, as others will be told.
fn origin(caller: &Caller, request: &RequestId, at: Timestamp) -> Origin {
    Origin {
        source: ServiceName::Utilities,
        at,
        correlation: request.id().to_owned(),
        causation: None,
        actor: format!("user/{}", caller.subject),
    }
}

/// Whose things a list may show: everybody's to staff, who may name one person.
fn owner(caller: &Caller, asked: Option<UserId>) -> Option<UserId> {
    if caller.is_staff() { asked } else { Some(UserId::from(caller.subject)) }
}

/// A request that may come again, if it has a key.
struct Repeatable(Option<Request>);

impl Repeatable {
    fn new(caller: &Caller, key: Option<IdempotencyKey>) -> Repeatable {
        let principal = format!("user/{}", caller.subject);
        Repeatable(key.map(|key| Request { principal, key }))
    }

    /// The answer that was given before, if it was.
    async fn earlier(
        &self,
        tx: &mut Transaction<'_>,
        resource: impl ToString,
        at: Timestamp,
    ) -> Result<Option<Reply>, Problem> {
        let Some(request) = &self.0 else { return Ok(None) };
        match requests::claim(tx, request, &resource.to_string(), at).await? {
            Claim::New => Ok(None),
            Claim::Replay(reply) => Ok(Some(reply)),
            Claim::Running { .. } => Err(requests::in_flight()),
        }
    }

    /// 201, kept for the next time.
    async fn created(
        &self,
        tx: &mut Transaction<'_>,
        body: &impl Serialize,
    ) -> Result<Reply, Problem> {
        match &self.0 {
            Some(request) => requests::finish(tx, request, 201, body).await,
            None => Reply::first(201, body),
        }
    }
}
