//! Hearing others: `POST /internal/events` takes a batch, and each event once.
//!
//! The row of the inbox and the effect of the event are one transaction: an event that was taken
//! in before changes nothing, one whose effect failed is as if never heard and comes again.

use std::collections::HashSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::web::Data;
use busbar_http::{Body, Found, Metrics, Problem, ServiceCaller, problems};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};

use crate::storage::{Database, StoreError, Transaction, params, sql};
use crate::types::{Clock, EventId};

use super::meters::Heard;
use super::{BATCH_EVENTS_MAX, Event, kinds, source_of};

/// How long the effect of one event may take.
pub const EFFECT_WAIT_MAX: Duration = Duration::from_secs(3);
/// After this no further event of a batch is begun. The sender waits longer than both together.
pub const BATCH_WAIT_MAX: Duration = Duration::from_secs(5);

problems! {
    BATCH_TOO_LARGE => 413 "batch_too_large" "too many events in one request";
    SOURCE_FOREIGN => 403 "source_foreign" "a service speaks for itself alone";
    EVENT_INVALID => 422 "event_invalid" "this is no event of CloudEvents 1.0 with a sequence";
    EFFECT_TOO_SLOW => 503 "effect_too_slow" "the effect of the event took too long";
    EFFECT_PANICKED => 500 "effect_panicked" "the effect of the event failed unexpectedly";
}

sql! {
    HEAR = "INSERT INTO inbox
                (source, id, kind, subject, sequence, correlation, received_at, event)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (source, id) DO NOTHING";
    HEARD = "SELECT event AS value FROM inbox WHERE subject = $1 ORDER BY sequence LIMIT $2";
}

/// What a service does on hearing others.
pub trait Consumer: 'static {
    /// The effect of an event, in the transaction that takes it in. Kinds that mean nothing to the
    /// service are `Ok`. A problem of the client's kind (4xx but 408, 425, 429) says that the
    /// event can never be taken; any other, that it may be later.
    fn on_event(
        &self,
        tx: &mut Transaction<'_>,
        event: &Event,
    ) -> impl Future<Output = Result<(), Problem>>;
}

/// The receiving side of one service.
pub struct Inbox<C> {
    database: Database,
    clock: Clock,
    consumer: C,
    heard: Heard,
}

/// What became of a batch. Events that are not named were not reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Received {
    pub results: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub id: EventId,
    pub result: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Accepted,
    /// It was taken in before.
    Duplicate,
    /// Not now: send it again.
    Failed,
    /// Not ever.
    Refused,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Outcome::Accepted => "accepted",
            Outcome::Duplicate => "duplicate",
            Outcome::Failed => "failed",
            Outcome::Refused => "refused",
        }
    }
}

/// `POST /internal/events`: takes each event in once and says what became of it.
pub async fn receive<C: Consumer>(
    inbox: Data<Inbox<C>>,
    caller: ServiceCaller,
    Body(events): Body<Vec<Event>>,
) -> Result<Found<Received>, Problem> {
    if events.len() > BATCH_EVENTS_MAX {
        return Err(BATCH_TOO_LARGE.problem().with("events_max", BATCH_EVENTS_MAX));
    }
    let source = format!("/busbar/{}", caller.service);
    let begun = tokio::time::Instant::now();
    let mut stalled = HashSet::new();
    let mut results = Vec::with_capacity(events.len());
    for event in &events {
        if begun.elapsed() > BATCH_WAIT_MAX {
            break;
        }
        // What follows a failed event of its subject waits for it.
        if stalled.contains(&event.subject) {
            continue;
        }
        let item = match inbox.take(&source, event).await {
            Ok(result) => Item { id: event.id, result, code: None },
            Err(problem) => {
                stalled.insert(&event.subject);
                failed(event, &problem)
            }
        };
        inbox.heard.count(event.name(), item.result);
        results.push(item);
    }
    Ok(Found(Received { results }))
}

fn failed(event: &Event, problem: &Problem) -> Item {
    let status = problem.status();
    let may_pass = matches!(status.as_u16(), 408 | 425 | 429) || !status.is_client_error();
    let result = if may_pass { Outcome::Failed } else { Outcome::Refused };
    let cause = problem.cause_text().unwrap_or_default();
    log::warn!("event {} {} not taken: {} {cause}", event.name(), event.id, problem.code());
    Item { id: event.id, result, code: Some(problem.code().to_owned()) }
}

/// Whether what it tells of is for another service to tell.
fn is_anothers(event: &Event) -> bool {
    let mut producers = kinds::ALL.iter().filter(|kind| kind.name == event.name()).peekable();
    producers.peek().is_some() && producers.all(|kind| event.source != source_of(kind.producer))
}

impl<C: Consumer> Inbox<C> {
    /// # Errors
    /// When its metric is malformed.
    pub fn new(
        database: Database,
        clock: Clock,
        consumer: C,
        metrics: &Metrics,
    ) -> Result<Inbox<C>, prometheus::Error> {
        Ok(Inbox { database, clock, consumer, heard: Heard::register(metrics)? })
    }

    /// One event, within its time; a panic of its effect is a failure of this event alone.
    async fn take(&self, source: &str, event: &Event) -> Result<Outcome, Problem> {
        if event.source != source || is_anothers(event) {
            return Err(SOURCE_FOREIGN.problem());
        }
        let effect = AssertUnwindSafe(self.hear(event)).catch_unwind();
        match tokio::time::timeout(EFFECT_WAIT_MAX, effect).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(EFFECT_PANICKED.problem()),
            Err(_) => Err(EFFECT_TOO_SLOW.problem()),
        }
    }

    async fn hear(&self, event: &Event) -> Result<Outcome, Problem> {
        let number = event.number().filter(|_| event.specversion == "1.0");
        let number = number.ok_or_else(|| EVENT_INVALID.problem())?;
        let text = serde_json::to_string(event).map_err(Problem::internal)?;
        let now = self.clock.now();
        self.database
            .transaction(async |tx| {
                let Event { source, id, subject, correlationid, .. } = event;
                let name = event.name();
                let values = params![source, id, name, subject, number, correlationid, now, text];
                if tx.execute(HEAR, values).await? == 0 {
                    return Ok(Outcome::Duplicate);
                }
                self.consumer.on_event(tx, event).await?;
                Ok(Outcome::Accepted)
            })
            .await
    }
}

/// What was heard about a subject, in its order.
pub async fn heard(
    database: &Database,
    subject: &str,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let events: Vec<(String,)> = database.all(HEARD, params![subject, limit]).await?;
    Ok(events.into_iter().map(|(event,)| event).collect())
}
