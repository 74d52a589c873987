//! What is still owed to a listener: claimed by state and lease, never by "newer than the last",
//! so an event that commits late is not missed.
//!
//! Only the first unsettled event of a subject can be claimed. One that the listener refuses
//! `refusals_max` times is parked, and what follows it in its subject waits, for this listener
//! alone, until it is retried or discarded: order holds, nothing is dropped in silence.
//! Times are the system's: a clock that was set shall not end leases.

use std::time::Duration;

use crate::storage::{Database, StoreError, Transaction, params, record, sql};
use crate::types::{EventId, Holder, ServiceName, Timestamp};

sql! {
    WAITING = "SELECT head.event_id AS value FROM deliveries AS head
               WHERE head.listener = $1 AND head.state = 'pending'
                 AND head.due_at <= $2 AND head.lease_until <= $2
                 AND head.sequence = (
                     SELECT MIN(owed.sequence) FROM deliveries AS owed
                     WHERE owed.listener = head.listener AND owed.subject = head.subject
                       AND owed.state IN ('pending', 'parked'))
               ORDER BY head.event_id LIMIT 1";
    // The guard on the outer row is checked again when another claim held the row first. A queue is
    // empty most of the time, and so it is in PostgreSQL's statistics: written as two joins, a burst of
    // a thousand events is searched a thousand times. What is due is looked up once, each by the index,
    // and then only between the first and the last of them.
    CLAIM = "WITH due AS MATERIALIZED (
                 SELECT head.event_id FROM deliveries AS head
                 WHERE head.listener = $1 AND head.state = 'pending'
                   AND head.due_at <= $4 AND head.lease_until <= $4
                   AND head.sequence = (
                       SELECT MIN(owed.sequence) FROM deliveries AS owed
                       WHERE owed.listener = head.listener AND owed.subject = head.subject
                         AND owed.state IN ('pending', 'parked'))
                 ORDER BY head.event_id LIMIT $5)
             UPDATE deliveries SET lease_owner = $2, lease_until = $3
             WHERE listener = $1 AND state = 'pending' AND lease_until <= $4
               AND event_id >= (SELECT MIN(event_id) FROM due)
               AND event_id <= (SELECT MAX(event_id) FROM due)
               AND event_id IN (SELECT event_id FROM due)";
    CLAIMED = "SELECT owed.event_id AS id, owed.failures, owed.refusals, said.event
               FROM deliveries AS owed JOIN outbox AS said ON said.id = owed.event_id
               WHERE owed.listener = $1 AND owed.state = 'pending' AND owed.lease_owner = $2
               ORDER BY owed.event_id";
    DELIVERED = "UPDATE deliveries
                 SET state = 'delivered', settled_at = $3, lease_owner = NULL, error = NULL
                 WHERE listener = $1 AND state = 'pending' AND lease_owner = $2";
    POSTPONE = "UPDATE deliveries
                SET failures = $4, refusals = $5, due_at = $6, error = $7,
                    lease_owner = NULL, lease_until = 0
                WHERE listener = $1 AND event_id = $3 AND state = 'pending' AND lease_owner = $2";
    PARK = "UPDATE deliveries
            SET state = 'parked', error = $4,
                lease_owner = NULL, lease_until = 0
            WHERE listener = $1 AND event_id = $3 AND state = 'pending' AND lease_owner = $2";
    RENEW = "UPDATE deliveries SET lease_until = $3
             WHERE listener = $1 AND state = 'pending' AND lease_owner = $2";
    RELEASE = "UPDATE deliveries SET lease_owner = NULL, lease_until = 0
               WHERE listener = $1 AND state = 'pending' AND lease_owner = $2";
    RELEASE_OTHERS = "UPDATE deliveries SET lease_owner = NULL, lease_until = 0
                      WHERE state = 'pending' AND lease_owner IS NOT NULL
                        AND SUBSTR(lease_owner, 1, 36) <> $1";
    BACKLOG = "SELECT listener, CAST(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END) AS BIGINT)
                      AS pending,
                      CAST(SUM(CASE WHEN state = 'parked' THEN 1 ELSE 0 END) AS BIGINT) AS parked,
                      MIN(event_id) AS oldest
               FROM deliveries WHERE state IN ('pending', 'parked')
               GROUP BY listener ORDER BY listener";
    PARKED = "SELECT owed.event_id AS id, owed.listener, owed.error, said.event
              FROM deliveries AS owed JOIN outbox AS said ON said.id = owed.event_id
              WHERE owed.state = 'parked'
              ORDER BY owed.event_id, owed.listener LIMIT $1";
    RETRY = "UPDATE deliveries SET state = 'pending', failures = 0, refusals = 0, due_at = 0
             WHERE event_id = $1 AND listener = $2 AND state = 'parked'";
    DISCARD = "UPDATE deliveries SET state = 'discarded', settled_at = $3
               WHERE event_id = $1 AND listener = $2 AND state = 'parked'";
}

/// An event that is claimed for a listener.
#[derive(Debug, Clone)]
pub struct Debt {
    pub id: EventId,
    /// How often the listener has failed on it, refusals among them.
    pub failures: u32,
    pub refusals: u32,
    /// The envelope as it was written.
    pub event: String,
}
record! { Debt { id, failures, refusals, event } }

/// One claim: these events, for this listener, held by this holder.
#[derive(Debug, Clone)]
pub struct Claim {
    pub listener: ServiceName,
    pub holder: Holder,
    pub debts: Vec<Debt>,
}

/// What one listener is owed.
#[derive(Debug, Clone, PartialEq)]
pub struct Backlog {
    pub listener: String,
    pub pending: i64,
    pub parked: i64,
    /// Its id tells when it was said.
    pub oldest: EventId,
}
record! { Backlog { listener, pending, parked, oldest } }

/// A dead letter.
#[derive(Debug, Clone)]
pub struct Parked {
    pub id: EventId,
    pub listener: String,
    pub error: Option<String>,
    pub event: String,
}
record! { Parked { id, listener, error, event } }

/// Whether a claim would find something. A read: it disturbs no writer.
pub async fn is_waiting(
    database: &Database,
    listener: ServiceName,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let head: Option<(EventId,)> =
        database.optional(WAITING, params![listener.as_str(), now]).await?;
    Ok(head.is_some())
}

/// Claims what is due for the listener, at most `limit`, each the first of its subject.
pub async fn claim(
    database: &Database,
    listener: ServiceName,
    now: Timestamp,
    lease: Duration,
    limit: u32,
) -> Result<Claim, StoreError> {
    let holder = Holder::unique();
    let until = now.plus(lease);
    let debts = database
        .transaction(async |tx| {
            let (name, holder) = (listener.as_str(), holder.as_str());
            let taken = tx.execute(CLAIM, params![name, holder, until, now, limit]).await?;
            if taken == 0 {
                return Ok(Vec::new());
            }
            tx.all::<Debt>(CLAIMED, params![name, holder]).await
        })
        .await?;
    Ok(Claim { listener, holder, debts })
}

impl Claim {
    /// Takes one event back with its counts as given: tried again not before `due_at`.
    /// No effect when the lease was lost; so with all that follow.
    pub async fn postpone(
        &self,
        tx: &mut Transaction<'_>,
        debt: &Debt,
        due_at: Timestamp,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        let (listener, holder) = (self.listener.as_str(), self.holder.as_str());
        let Debt { id, failures, refusals, .. } = debt;
        let values = params![listener, holder, id, failures, refusals, due_at, error];
        tx.execute(POSTPONE, values).await?;
        Ok(())
    }

    /// Gives one event up: it holds back its subject until someone decides.
    pub async fn park(
        &self,
        tx: &mut Transaction<'_>,
        id: EventId,
        error: &str,
    ) -> Result<(), StoreError> {
        let (listener, holder) = (self.listener.as_str(), self.holder.as_str());
        tx.execute(PARK, params![listener, holder, id, error]).await?;
        Ok(())
    }

    /// Settles all that was neither postponed nor parked.
    pub async fn delivered(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (listener, holder) = (self.listener.as_str(), self.holder.as_str());
        tx.execute(DELIVERED, params![listener, holder, now]).await
    }

    /// Prolongs the lease. False when it was lost.
    pub async fn renew(
        &self,
        tx: &mut Transaction<'_>,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let (listener, holder) = (self.listener.as_str(), self.holder.as_str());
        Ok(tx.execute(RENEW, params![listener, holder, until]).await? > 0)
    }

    /// Gives all back untried.
    pub async fn release(&self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let (listener, holder) = (self.listener.as_str(), self.holder.as_str());
        tx.execute(RELEASE, params![listener, holder]).await?;
        Ok(())
    }
}

/// Ends the leases of earlier processes. Only for a database that one process holds alone.
pub async fn release_others(tx: &mut Transaction<'_>) -> Result<u64, StoreError> {
    tx.execute(RELEASE_OTHERS, params![Holder::process()]).await
}

/// What is owed, for each listener that is owed something.
pub async fn backlog(database: &Database) -> Result<Vec<Backlog>, StoreError> {
    database.all(BACKLOG, params![]).await
}

/// The dead letters, oldest first.
pub async fn parked(database: &Database, limit: u32) -> Result<Vec<Parked>, StoreError> {
    database.all(PARKED, params![limit]).await
}

/// Sends a dead letter again, and after it what it held back. False when it is none.
pub async fn retry(
    tx: &mut Transaction<'_>,
    id: EventId,
    listener: &str,
) -> Result<bool, StoreError> {
    Ok(tx.execute(RETRY, params![id, listener]).await? == 1)
}

/// Lets a dead letter go undelivered, and what it held back come. False when it is none.
pub async fn discard(
    tx: &mut Transaction<'_>,
    id: EventId,
    listener: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.execute(DISCARD, params![id, listener, now]).await? == 1)
}
