//! What has changed lately of what everybody may read: `GET /internal/events/changed` tells the
//! gateway, which keeps such answers.
//!
//! Each instance of a gateway asks for itself, so it is no listener: an event is owed to one instance
//! of those.

use std::time::Duration;

use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use busbar_http::access::Quiet;
use busbar_http::problem::kinds::INSUFFICIENT_SCOPE;
use busbar_http::{Found, Problem, Query, ServiceCaller};
use serde::{Deserialize, Serialize};

use crate::storage::{Database, StoreError, params, sql};
use crate::types::{Clock, ServiceName, Timestamp};

use super::kinds::OPEN;

pub const PATH: &str = "/internal/events/changed";
/// As far back as can be asked.
const SECONDS_MAX: u64 = 24 * 3_600;
/// In one answer.
const SUBJECTS_MAX: usize = 500;

sql! {
    SUBJECTS = "SELECT DISTINCT subject AS value FROM outbox
                WHERE occurred_at >= $1 AND kind IN ($2, $3, $4, $5) LIMIT $6";
}

/// What a service has said.
pub struct Said {
    pub database: Database,
    pub clock: Clock,
}

/// How far back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangedQuery {
    seconds: u64,
}

/// What has changed, once each.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// `tariff/0190…`.
    subjects: Vec<String>,
    /// There are too many to name.
    is_more: bool,
}

/// `GET /internal/events/changed`.
pub async fn list(
    request: HttpRequest,
    said: Data<Said>,
    caller: ServiceCaller,
    Query(query): Query<ChangedQuery>,
) -> Result<Found<Changed>, Problem> {
    if caller.service != ServiceName::Gateway.as_str() {
        return Err(INSUFFICIENT_SCOPE.problem());
    }
    request.extensions_mut().insert(Quiet);
    let back = Duration::from_secs(query.seconds.min(SECONDS_MAX));
    let mut subjects = subjects(&said.database, said.clock.now().minus(back)).await?;
    let is_more = subjects.len() > SUBJECTS_MAX;
    subjects.truncate(SUBJECTS_MAX);
    Ok(Found(Changed { subjects, is_more }))
}

/// One more than fit into an answer.
async fn subjects(database: &Database, since: Timestamp) -> Result<Vec<String>, StoreError> {
    let rows = i64::try_from(SUBJECTS_MAX + 1).unwrap_or(i64::MAX);
    let [a, b, c, d] = OPEN.map(|kind| kind.name);
    let subjects: Vec<(String,)> = database.all(SUBJECTS, params![since, a, b, c, d, rows]).await?;
    Ok(subjects.into_iter().map(|(subject,)| subject).collect())
}
