//! Requests that may be repeated: the first claims its `Idempotency-Key` in the transaction of
//! its effect, a repetition gets the same answer or goes on with the same resource.
//!
//! Only what a handler hands to [`finish`] is kept. Refusals before that roll the claim back, so
//! they are decided anew. On PostgreSQL a second claim waits at the unique key until the first
//! transaction has ended, and then sees what it wrote (READ COMMITTED).

mod failure;

use std::time::Duration;

use busbar_http::{IdempotencyKey, Problem, Reply, problems};
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::storage::{Database, Statement, StoreError, Transaction, params, record, sql};
use crate::types::{Clock, Timestamp};

const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Keys forgotten in one transaction.
const PRUNE_REQUESTS: u32 = 200;
/// Transactions of one run: so that writers never wait long for it.
const PRUNES_MAX: usize = 10;
const IN_FLIGHT_RETRY_AFTER_S: u64 = 1;

problems! {
    KEY_REUSED => 422 "idempotency_key_reused"
        "this Idempotency-Key was used for a request that asked something else";
    IN_FLIGHT => 409 "idempotency_in_flight"
        "a request with this Idempotency-Key is still being worked on";
}

sql! {
    CLAIM = "INSERT INTO requests
                 (principal, method, route, key, fingerprint, resource, claimed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (principal, method, route, key) DO NOTHING";
    EARLIER = "SELECT fingerprint, resource, status, body FROM requests
               WHERE principal = $1 AND method = $2 AND route = $3 AND key = $4";
    FINISH = "UPDATE requests SET status = $5, body = $6
              WHERE principal = $1 AND method = $2 AND route = $3 AND key = $4
                AND status IS NULL";
    OLD = "SELECT key AS value FROM requests WHERE claimed_at < $1 LIMIT 1";
    WITHDRAW = "DELETE FROM requests
                WHERE principal = $1 AND method = $2 AND route = $3 AND key = $4
                  AND status IS NULL";
    PRUNE = "DELETE FROM requests WHERE (principal, method, route, key) IN (
                 SELECT principal, method, route, key FROM requests
                 WHERE claimed_at < $1 ORDER BY claimed_at LIMIT $2)";
}

/// All statements on requests, for the test that prepares them on both engines.
pub fn statements() -> Vec<Statement> {
    STATEMENTS.to_vec()
}

/// Who asks, and the key with what it asks: together they say which request this is.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `user/0190…`: two principals with the same key do not meet.
    pub principal: String,
    pub key: IdempotencyKey,
}

/// What a claim came to.
#[derive(Debug)]
pub enum Claim {
    /// The first of its kind: go on, with the resource that was named.
    New,
    /// It has been answered: answer the same.
    Replay(Reply),
    /// It was begun with this resource and has no answer yet: it is running, or was cut off.
    /// Go on with it, or answer [`in_flight`].
    Running { resource: String },
}

struct Earlier {
    fingerprint: String,
    resource: String,
    status: Option<u16>,
    body: Option<String>,
}
record! { Earlier { fingerprint, resource, status, body } }

/// Claims the key for `resource`, or tells what became of the earlier claim.
pub async fn claim(
    tx: &mut Transaction<'_>,
    request: &Request,
    resource: &str,
    now: Timestamp,
) -> Result<Claim, Problem> {
    let Request { principal, key } = request;
    let method = key.method.as_str();
    let values = params![principal, method, key.route, key.key, key.fingerprint, resource, now];
    if tx.execute(CLAIM, values).await? == 1 {
        return Ok(Claim::New);
    }
    let earlier: Option<Earlier> =
        tx.optional(EARLIER, params![principal, method, key.route, key.key]).await?;
    // Forgotten between the two statements: a repetition finds the key free.
    let earlier = earlier.ok_or_else(in_flight)?;
    if earlier.fingerprint != key.fingerprint {
        return Err(KEY_REUSED.problem());
    }
    match (earlier.status, earlier.body) {
        (Some(status), Some(body)) => {
            let body = serde_json::from_str(&body).map_err(Problem::internal)?;
            Ok(Claim::Replay(Reply { status, body, is_replayed: true }))
        }
        _ => Ok(Claim::Running { resource: earlier.resource }),
    }
}

/// The answer that is kept, if there is one. A look: it claims nothing, so that work before a
/// claim need not be done for a repetition.
pub async fn answered(database: &Database, request: &Request) -> Result<Option<Reply>, Problem> {
    let Request { principal, key } = request;
    let method = key.method.as_str();
    let earlier: Option<Earlier> =
        database.optional(EARLIER, params![principal, method, key.route, key.key]).await?;
    let Some(Earlier { fingerprint, status: Some(status), body: Some(body), .. }) = earlier else {
        return Ok(None);
    };
    if fingerprint != key.fingerprint {
        return Err(KEY_REUSED.problem());
    }
    let body = serde_json::from_str(&body).map_err(Problem::internal)?;
    Ok(Some(Reply { status, body, is_replayed: true }))
}

/// Keeps the answer, and makes it. The first answer stays: a later one is not kept.
pub async fn finish(
    tx: &mut Transaction<'_>,
    request: &Request,
    status: u16,
    body: &impl Serialize,
) -> Result<Reply, Problem> {
    let reply = Reply::first(status, body)?;
    let Request { principal, key } = request;
    let (method, text) = (key.method.as_str(), reply.body.to_string());
    let values = params![principal, method, key.route, key.key, status, text];
    tx.execute(FINISH, values).await?;
    Ok(reply)
}

/// Takes a claim back together with the resource that it was for: the key is free again. An answer
/// that is kept stays.
pub async fn withdraw(tx: &mut Transaction<'_>, request: &Request) -> Result<(), StoreError> {
    let Request { principal, key } = request;
    tx.execute(WITHDRAW, params![principal, key.method.as_str(), key.route, key.key]).await?;
    Ok(())
}

/// The answer while another request with the key is at work.
pub fn in_flight() -> Problem {
    IN_FLIGHT.problem().retry_after(IN_FLIGHT_RETRY_AFTER_S)
}

/// Forgets keys that are older than `retention`, every minute, until `ended` turns true.
pub async fn forget_old(
    database: Database,
    clock: Clock,
    retention: Duration,
    mut ended: watch::Receiver<bool>,
) {
    let is_over = async |ended: &mut watch::Receiver<bool>| drop(ended.wait_for(|is| *is).await);
    while timeout(PRUNE_EVERY, is_over(&mut ended)).await.is_err() {
        if let Err(error) = forget_before(&database, clock.now().minus(retention)).await {
            log::warn!("old requests are kept for now: {error}");
        }
    }
}

async fn forget_before(database: &Database, before: Timestamp) -> Result<(), StoreError> {
    for _ in 0..PRUNES_MAX {
        // A read first: it disturbs no writer.
        if database.optional::<(String,)>(OLD, params![before]).await?.is_none() {
            break;
        }
        database.transaction(async |tx| prune(tx, before, PRUNE_REQUESTS).await).await?;
    }
    Ok(())
}

/// Forgets keys from before `before`, at most `limit`. How many it were.
pub async fn prune(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(PRUNE, params![before, limit]).await
}
