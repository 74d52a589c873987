//! Events that a listener refused too often, and jobs that failed too often: what somebody decides
//! of them, in the service's database, whether the service runs or not.

use busbar_http::Problem;
use serde_json::Value;

use crate::events::debts::{self, Parked};
use crate::jobs;
use crate::storage::{Database, Settings};
use crate::types::{Clock, EventId, JobId, ServiceName};

pub use crate::jobs::DeadJob;

use super::Host;

/// What becomes of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    /// Once more, with as many tries as before.
    Retry,
    /// Never.
    Discard,
}

/// An event that a listener refused too often: what it is about, not what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadEvent {
    pub id: EventId,
    pub listener: String,
    /// `busbar.bill.issued.v1`.
    pub kind: String,
    pub subject: String,
    pub time: String,
    pub error: Option<String>,
}

impl Host {
    /// Of each kind the oldest, at most `limit`.
    ///
    /// # Errors
    /// When the database does not answer; so it is with what is decided.
    pub async fn dead_letters(
        &self,
        name: ServiceName,
        limit: u32,
    ) -> Result<(Vec<DeadEvent>, Vec<DeadJob>), Problem> {
        self.with_database(name, async |database| {
            let parked = debts::parked(database, limit).await?;
            Ok((parked.into_iter().map(dead).collect(), jobs::dead(database, limit).await?))
        })
        .await
    }

    /// False when the listener did not refuse such an event too often.
    ///
    /// # Errors
    /// See [`Host::dead_letters`].
    pub async fn decide_event(
        &self,
        name: ServiceName,
        (id, listener): (EventId, &str),
        fate: Fate,
    ) -> Result<bool, Problem> {
        // Of events all times are the system's.
        let now = Clock::system().now();
        self.with_database(name, async |database| {
            let decided = database.transaction(async |tx| match fate {
                Fate::Retry => debts::retry(tx, id, listener).await,
                Fate::Discard => debts::discard(tx, id, listener, now).await,
            });
            Ok(decided.await?)
        })
        .await
    }

    /// False when there is no such dead job; or another one of its kind and key waits, and it is to be
    /// tried again.
    ///
    /// # Errors
    /// See [`Host::dead_letters`].
    pub async fn decide_job(
        &self,
        name: ServiceName,
        id: JobId,
        fate: Fate,
    ) -> Result<bool, Problem> {
        let now = self.clock.now();
        self.with_database(name, async |database| {
            let decided = database.transaction(async |tx| match fate {
                Fate::Retry => jobs::revive(tx, id, now).await,
                Fate::Discard => jobs::discard(tx, id, now).await,
            });
            Ok(decided.await?)
        })
        .await
    }

    /// With one connection of its own, which is closed again. The schema stays as it is.
    async fn with_database<T>(
        &self,
        name: ServiceName,
        look: impl AsyncFnOnce(&Database) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let settings = Settings { connection_limit: 1, ..self.database_settings(true) };
        let target = self.target(name).map_err(Problem::internal)?;
        let database = Database::open(name.as_str(), &target, &settings).await?;
        let seen = look(&database).await;
        database.close().await;
        seen
    }
}

fn dead(letter: Parked) -> DeadEvent {
    let Parked { id, listener, error, event } = letter;
    let said: Value = serde_json::from_str(&event).unwrap_or_default();
    let member = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
    let (kind, subject, time) = (member("type"), member("subject"), member("time"));
    DeadEvent { id, listener, kind, subject, time, error }
}
