//! `/admin/dead-letters`: events that a listener refused too often, and jobs that failed too often.
//! They wait for somebody's word: once more, or never.
//!
//! Also those of a service that does not run. What an event or a job says is not shown.

use actix_web::HttpRequest;
use actix_web::web::Data;
use busbar_http::{Found, NoContent, Path, Problem, Query};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::host::{DeadEvent, DeadJob, Fate};
use crate::types::{EventId, JobId, Limit, ServiceName};

use super::Admin;
use super::problem::{LETTER_UNKNOWN, SERVICE_UNKNOWN};
use super::trail::Entry;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    limit: Limit,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct LettersView {
    /// Of each service its oldest first, at most `limit` of each kind.
    events: Vec<EventView>,
    jobs: Vec<JobView>,
    /// Services of which there are more than are shown.
    has_more: Vec<ServiceName>,
    /// Services whose databases do not answer.
    unavailable: Vec<ServiceName>,
}

/// An event that a listener refused too often. What follows it about the same subject waits.
#[derive(Debug, Serialize, ToSchema)]
struct EventView {
    /// Who said it.
    service: ServiceName,
    id: EventId,
    listener: String,
    /// `busbar.bill.issued.v1`
    kind: String,
    subject: String,
    time: String,
    /// Why the listener refused it.
    error: Option<String>,
    /// The paths that decide.
    retry: String,
    discard: String,
}

/// A job that failed too often.
#[derive(Debug, Serialize, ToSchema)]
struct JobView {
    service: ServiceName,
    id: JobId,
    kind: String,
    /// What it is about.
    key: String,
    attempts: u32,
    error: Option<String>,
    retry: String,
    discard: String,
}

/// `GET /admin/dead-letters`.
pub(super) async fn list(
    admin: Data<Admin>,
    Query(asked): Query<Asked>,
) -> Result<Found<LettersView>, Problem> {
    let names = match asked.service.as_deref() {
        Some(name) => vec![hosted(&admin, name)?],
        None => services(&admin).collect(),
    };
    let rows = asked.limit.rows();
    let one_more = u32::try_from(rows + 1).unwrap_or(u32::MAX);
    let mut view = LettersView::default();
    for name in names {
        let (mut events, mut jobs) = match admin.host.dead_letters(name, one_more).await {
            Ok(letters) => letters,
            Err(problem) => {
                log::warn!("admin: the dead letters of {name} cannot be read: {problem}");
                view.unavailable.push(name);
                continue;
            }
        };
        if events.len() > rows || jobs.len() > rows {
            view.has_more.push(name);
        }
        events.truncate(rows);
        jobs.truncate(rows);
        view.events.extend(events.into_iter().map(|event| event_view(name, event)));
        view.jobs.extend(jobs.into_iter().map(|job| job_view(name, job)));
    }
    Ok(Found(view))
}

macro_rules! fates {
    ($($event:ident $job:ident $fate:ident),+) => { $(
        pub(super) async fn $event(
            request: HttpRequest,
            admin: Data<Admin>,
            Path((service, id, listener)): Path<(String, EventId, String)>,
        ) -> Result<NoContent, Problem> {
            event(&admin, &request, &service, (id, &listener), Fate::$fate).await
        }

        pub(super) async fn $job(
            request: HttpRequest,
            admin: Data<Admin>,
            Path((service, id)): Path<(String, JobId)>,
        ) -> Result<NoContent, Problem> {
            job(&admin, &request, &service, id, Fate::$fate).await
        }
    )+ };
}
fates! { retry_event retry_job Retry, discard_event discard_job Discard }

async fn event(
    admin: &Admin,
    request: &HttpRequest,
    service: &str,
    (id, listener): (EventId, &str),
    fate: Fate,
) -> Result<NoContent, Problem> {
    let name = hosted(admin, service)?;
    let entry = entry(admin, request, name, ("event_retry", "event_discard"), fate)
        .details(json!({"event": id, "listener": listener}));
    decided(admin, &entry, admin.host.decide_event(name, (id, listener), fate)).await
}

async fn job(
    admin: &Admin,
    request: &HttpRequest,
    service: &str,
    id: JobId,
    fate: Fate,
) -> Result<NoContent, Problem> {
    let name = hosted(admin, service)?;
    let entry =
        entry(admin, request, name, ("job_retry", "job_discard"), fate).details(json!({"job": id}));
    decided(admin, &entry, admin.host.decide_job(name, id, fate)).await
}

/// Puts it on record before and after; there may be no such letter.
async fn decided(
    admin: &Admin,
    entry: &Entry,
    decide: impl Future<Output = Result<bool, Problem>>,
) -> Result<NoContent, Problem> {
    admin.trail.note(entry, "asked", admin.clock.now()).await;
    let decided = match decide.await {
        Ok(true) => Ok(NoContent),
        Ok(false) => Err(LETTER_UNKNOWN.problem()),
        Err(problem) => Err(problem),
    };
    let outcome = match &decided {
        Ok(_) => "done".to_owned(),
        Err(problem) => format!("failed: {}", problem.code()),
    };
    admin.trail.note(entry, &outcome, admin.clock.now()).await;
    decided
}

fn entry(
    admin: &Admin,
    request: &HttpRequest,
    name: ServiceName,
    (retry, discard): (&'static str, &'static str),
    fate: Fate,
) -> Entry {
    let command = match fate {
        Fate::Retry => retry,
        Fate::Discard => discard,
    };
    Entry::new(admin.door.operator(request), command).subject(name.as_str())
}

/// The services of this process that have a database.
fn services(admin: &Admin) -> impl Iterator<Item = ServiceName> {
    admin.host.config.process.services.iter().copied().filter(|name| name.is_domain())
}

fn hosted(admin: &Admin, name: &str) -> Result<ServiceName, Problem> {
    let found = services(admin).find(|service| service.as_str() == name);
    found.ok_or_else(|| SERVICE_UNKNOWN.problem())
}

fn event_view(service: ServiceName, letter: DeadEvent) -> EventView {
    let DeadEvent { id, listener, kind, subject, time, error } = letter;
    let path = |fate: &str| format!("/admin/dead-letters/{service}/events/{id}/{listener}/{fate}");
    let (retry, discard) = (path("retry"), path("discard"));
    EventView { service, id, listener, kind, subject, time, error, retry, discard }
}

fn job_view(service: ServiceName, job: DeadJob) -> JobView {
    let DeadJob { id, kind, key, attempts, error, .. } = job;
    let path = |fate: &str| format!("/admin/dead-letters/{service}/jobs/{id}/{fate}");
    let (retry, discard) = (path("retry"), path("discard"));
    JobView { service, id, kind, key, attempts, error, retry, discard }
}
