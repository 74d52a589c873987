//! The health contract: `/health` (detail), `/health/live` (it answers), `/health/ready` (send work).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix_web::{HttpResponse, web};
use futures_util::future::{LocalBoxFuture, join_all};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Mutex;

/// How long the result of the checks is used again.
pub const CHECK_AGE_MAX: Duration = Duration::from_secs(1);
/// How long one check may take before it counts as failed.
pub const CHECK_WAIT_MAX: Duration = Duration::from_millis(1000);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    Up,
    Degraded,
    Down,
    Unknown,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Up => "UP",
            Status::Degraded => "DEGRADED",
            Status::Down => "DOWN",
            Status::Unknown => "UNKNOWN",
        }
    }
}

/// Something a service needs: its name, and the question whether it is there.
/// The error is a sentence for operators; it must not hold a secret.
#[derive(Clone)]
pub struct Check {
    pub name: &'static str,
    pub ask: Arc<dyn Fn() -> LocalBoxFuture<'static, Result<(), String>> + Send + Sync>,
}

#[derive(Clone, Debug, Serialize)]
pub struct CheckResult {
    pub status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(rename = "tookMs")]
    pub took_ms: u64,
}

type Results = BTreeMap<&'static str, CheckResult>;

/// The checks of one server, asked at most once in [`CHECK_AGE_MAX`].
pub struct Health {
    service: String,
    generation: u64,
    draining: Arc<AtomicBool>,
    /// Set when the whole process is about to go, while it still serves.
    leaving: Arc<AtomicBool>,
    checks: Vec<Check>,
    /// What someone should see to, though work can be sent.
    remarks: Vec<Check>,
    /// Written by whoever found the last results too old.
    last: Mutex<Option<(Instant, Arc<Results>)>>,
}

impl Health {
    pub fn new(
        service: impl Into<String>,
        generation: u64,
        draining: Arc<AtomicBool>,
        checks: Vec<Check>,
    ) -> Health {
        let (service, leaving, last) = (service.into(), Arc::default(), Mutex::new(None));
        Health { service, generation, draining, leaving, checks, remarks: Vec::new(), last }
    }

    /// Checks that degrade the service when they fail, and leave it ready.
    pub fn remarking(self, remarks: Vec<Check>) -> Health {
        Health { remarks, ..self }
    }

    /// Not ready either when this is set.
    pub fn until(self, leaving: Arc<AtomicBool>) -> Health {
        Health { leaving, ..self }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    async fn results(&self) -> Arc<Results> {
        let mut last = self.last.lock().await;
        if let Some((at, results)) = last.as_ref()
            && at.elapsed() < CHECK_AGE_MAX
        {
            return results.clone();
        }
        let checks = self.checks.iter().map(|check| ask(check, Status::Down));
        let remarks = self.remarks.iter().map(|check| ask(check, Status::Degraded));
        let results = Arc::new(join_all(checks.chain(remarks)).await.into_iter().collect());
        *last = Some((Instant::now(), Arc::clone(&results)));
        results
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed) || self.leaving.load(Ordering::Relaxed)
    }
}

async fn ask(check: &Check, failed: Status) -> (&'static str, CheckResult) {
    let start = Instant::now();
    let reason = match tokio::time::timeout(CHECK_WAIT_MAX, (check.ask)()).await {
        Ok(Ok(())) => None,
        Ok(Err(reason)) => Some(reason),
        Err(_) => Some(format!("no answer within {} ms", CHECK_WAIT_MAX.as_millis())),
    };
    let status = if reason.is_none() { Status::Up } else { failed };
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    (check.name, CheckResult { status, reason, took_ms })
}

/// `GET /health`: UP, or DEGRADED when something it needs is missing. It answers 200 either way:
/// the service lives, and a restart would not bring the missing thing back.
pub(crate) async fn detail(health: web::Data<Health>) -> HttpResponse {
    let results = health.results().await;
    let all_up = results.values().all(|result| result.status == Status::Up);
    let status = if all_up { Status::Up } else { Status::Degraded };
    HttpResponse::Ok().insert_header(("cache-control", "no-store")).json(json!({
        "status": status,
        "service": health.service,
        "generation": health.generation,
        "draining": health.is_draining(),
        "checks": *results,
    }))
}

/// `GET /health/live`: the event loop answers; nothing else is asked.
pub(crate) async fn live(health: web::Data<Health>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(json!({"status": Status::Up, "service": health.service}))
}

/// `GET /health/ready`: 503 while it drains or misses something.
pub(crate) async fn ready(health: web::Data<Health>) -> HttpResponse {
    let results = health.results().await;
    let missing: Vec<_> = results
        .iter()
        .filter(|(_, result)| result.status == Status::Down)
        .map(|(name, _)| *name)
        .collect();
    let is_ready = missing.is_empty() && !health.is_draining();
    let (mut response, status) = if is_ready {
        (HttpResponse::Ok(), Status::Up)
    } else {
        (HttpResponse::ServiceUnavailable(), Status::Down)
    };
    response.insert_header(("cache-control", "no-store")).json(json!({
        "status": status,
        "service": health.service,
        "draining": health.is_draining(),
        "missing": missing,
    }))
}
