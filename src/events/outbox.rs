//! What this service says: written in the transaction of the change, and a debt to each listener
//! until it is delivered. `debts` pays them off, `relay` carries them over.

use busbar_http::Problem;

use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::{EventId, Timestamp};

use super::{EVENT_BYTES_MAX, Event, Kind, Origin, Published};

/// As many listeners as an event can have: all services but the gateway and its producer.
pub const LISTENERS_MAX: usize = 7;

sql! {
    NUMBER = "INSERT INTO event_sequences (subject, sequence) VALUES ($1, 1)
              ON CONFLICT (subject) DO UPDATE SET sequence = event_sequences.sequence + 1
              RETURNING sequence AS value";
    APPEND = "INSERT INTO outbox (id, subject, sequence, kind, correlation, occurred_at, event)
              VALUES ($1, $2, $3, $4, $5, $6, $7)";
    OWE = "INSERT INTO deliveries
               (event_id, listener, subject, sequence, state, failures, refusals,
                due_at, lease_until)
           SELECT CAST($1 AS TEXT), listener, CAST($2 AS TEXT), CAST($3 AS BIGINT),
                  'pending', 0, 0, 0, 0
           FROM (SELECT CAST($4 AS TEXT) AS listener UNION ALL SELECT CAST($5 AS TEXT)
                 UNION ALL SELECT CAST($6 AS TEXT) UNION ALL SELECT CAST($7 AS TEXT)
                 UNION ALL SELECT CAST($8 AS TEXT) UNION ALL SELECT CAST($9 AS TEXT)
                 UNION ALL SELECT CAST($10 AS TEXT)) AS named
           WHERE listener IS NOT NULL";
    PRUNE = "DELETE FROM outbox WHERE id IN (
                 SELECT old.id FROM outbox AS old
                 WHERE old.occurred_at < $1 AND NOT EXISTS (
                     SELECT 1 FROM deliveries AS owed
                     WHERE owed.event_id = old.id AND owed.state IN ('pending', 'parked'))
                 ORDER BY old.occurred_at LIMIT $2)";
    OLD = "SELECT old.id AS value FROM outbox AS old
           WHERE old.occurred_at < $1 AND NOT EXISTS (
               SELECT 1 FROM deliveries AS owed
               WHERE owed.event_id = old.id AND owed.state IN ('pending', 'parked'))
           ORDER BY old.occurred_at LIMIT 1";
    TRACE = "SELECT event AS value FROM outbox WHERE correlation = $1
             ORDER BY occurred_at, id LIMIT $2";
}

/// Says `payload`, as part of the caller's transaction: it is said when that commits.
///
/// Taking the number locks the subject until then, so that what commits later has the higher
/// number, and a number that was taken and rolled back is taken again.
pub async fn publish<P: Published>(
    tx: &mut Transaction<'_>,
    origin: &Origin,
    payload: &P,
) -> Result<EventId, Problem> {
    let data = serde_json::to_value(payload).map_err(Problem::internal)?;
    let subject = payload.subject();
    let (number,): (i64,) = tx.one(NUMBER, params![subject]).await?;
    let event = Event::new(origin, P::KIND, subject, number, data);
    let text = serde_json::to_string(&event).map_err(Problem::internal)?;
    if text.len() > EVENT_BYTES_MAX {
        let (size, name) = (text.len(), P::KIND.name);
        return Err(Problem::internal(format!(
            "{name} of {size} bytes: at most {EVENT_BYTES_MAX}"
        )));
    }
    tx.execute(
        APPEND,
        params![
            event.id,
            event.subject,
            number,
            P::KIND.name,
            event.correlationid,
            event.time,
            text
        ],
    )
    .await?;
    owe(tx, &event, number, P::KIND).await?;
    Ok(event.id)
}

/// One debt for each listener, in one statement.
async fn owe(
    tx: &mut Transaction<'_>,
    event: &Event,
    number: i64,
    kind: Kind,
) -> Result<(), StoreError> {
    if kind.listeners.is_empty() {
        return Ok(());
    }
    let at = |place: usize| kind.listeners.get(place).map(|listener| listener.as_str());
    tx.execute(
        OWE,
        params![event.id, event.subject, number, at(0), at(1), at(2), at(3), at(4), at(5), at(6)],
    )
    .await?;
    Ok(())
}

/// Whether there is something to forget. A read: it disturbs no writer.
pub async fn is_old(database: &Database, before: Timestamp) -> Result<bool, StoreError> {
    let old: Option<(EventId,)> = database.optional(OLD, params![before]).await?;
    Ok(old.is_some())
}

/// Forgets events from before `before` that are owed to nobody, at most `limit`. How many it were.
pub async fn prune(
    tx: &mut Transaction<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    tx.execute(PRUNE, params![before, limit]).await
}

/// What was said in the course of one request, oldest first.
pub async fn trace(
    database: &Database,
    correlation: &str,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let events: Vec<(String,)> = database.all(TRACE, params![correlation, limit]).await?;
    Ok(events.into_iter().map(|(event,)| event).collect())
}
