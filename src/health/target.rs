//! One instance that is watched: how it is asked, and what is held of it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_rt::time::timeout;
use actix_web::body::None as NoBody;
use actix_web::http::header::AUTHORIZATION;
use actix_web::http::{Method, StatusCode};
use awc::ClientResponse;
use busbar_actors::{ServiceRecord, State};
use busbar_http::client::{Authorization, Upstream};
use busbar_http::lane::Failure;
use busbar_http::pulse::Reading;
use serde::Deserialize;

use crate::types::Timestamp;

use super::overview::Checked;
use super::verdict::{Rule, Seen, Verdict};
use super::watched::Watched;
use super::{INSIDE_PATH, Inside, InstanceHealth};

/// How often each thread counts before silence is held against a server: for two seconds, or longer
/// where all is slow.
const TURNS_MIN: u64 = 8;
/// An answer about health is short.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// What the collector holds of a watched instance.
pub(super) struct Target {
    /// Nobody else ever has it.
    pub(super) id: u64,
    pub(super) watched: Watched,
    /// It came while others were there: nothing is said of it before it was looked at.
    is_new: bool,
    upstream: Rc<Upstream>,
    verdict: Verdict,
    checked: Option<(Instant, Timestamp)>,
    latency: Option<Duration>,
    reason: Option<String>,
    /// The incarnation that the last look was at, when it is hosted here.
    pub(super) generation: u64,
    /// Looks in a row at that incarnation that brought no word; what connections had reached its
    /// threads at the first, and how often these had counted.
    silences: u32,
    connections: u64,
    reading: Reading,
    pub(super) is_being_asked: bool,
    checks: Arc<[Checked]>,
    pub(super) inside: Option<(Instant, Arc<Inside>)>,
    pub(super) is_inside_asked: bool,
}

/// What one look brought.
#[derive(Clone, Debug)]
pub(super) struct Look {
    seen: Seen,
    latency: Option<Duration>,
    reason: Option<String>,
    /// It took the question and did not answer.
    pub(super) is_silence: bool,
    checks: Arc<[Checked]>,
}

impl Target {
    pub(super) fn new(id: u64, watched: Watched, upstream: Upstream, now: Instant) -> Target {
        Target {
            id,
            watched,
            is_new: false,
            upstream: Rc::new(upstream),
            verdict: Verdict::unknown(now),
            checked: None,
            latency: None,
            reason: None,
            generation: 0,
            silences: 0,
            connections: 0,
            reading: Reading::default(),
            is_being_asked: false,
            checks: Arc::default(),
            inside: None,
            is_inside_asked: false,
        }
    }

    pub(super) fn newcomer(self) -> Target {
        Target { is_new: true, ..self }
    }

    /// Whether people are told of it.
    pub(super) fn is_shown(&self) -> bool {
        self.watched.is_shown && !(self.is_new && self.checked.is_none())
    }

    pub(super) fn upstream(&self) -> Rc<Upstream> {
        self.upstream.clone()
    }

    /// The gateway's own `/health` is about the others.
    pub(super) fn path(&self) -> &'static str {
        if self.watched.service.is_domain() { "/health" } else { "/health/live" }
    }

    pub(super) fn looked(&mut self, look: Look, now: (Instant, Timestamp), rule: &Rule) {
        let before = self.verdict.status;
        self.verdict = self.verdict.after(look.seen, now.0, rule);
        self.checked = Some(now);
        self.latency = look.latency;
        self.reason = look.reason;
        self.checks = look.checks;
        self.silences = if look.is_silence { self.silences + 1 } else { 0 };
        if self.silences == 1 {
            self.connections = self.connections();
            self.reading = self.reading();
        }
        self.tell_change(before);
    }

    /// The supervisor's word: given up or stopped.
    pub(super) fn is_gone(&mut self, record: &ServiceRecord, now: (Instant, Timestamp)) {
        let before = self.verdict.status;
        self.verdict = self.verdict.down(now.0);
        self.checked = Some(now);
        self.latency = None;
        self.reason = Some(told(record));
        self.silences = 0;
        self.tell_change(before);
    }

    /// Another incarnation serves: what was held of the one before counts for nothing, unless the
    /// change went unnoticed.
    pub(super) fn begins_anew(&mut self, generation: u64, now: Instant) {
        self.generation = generation;
        self.silences = 0;
        if self.verdict.status == busbar_http::Status::Down {
            self.verdict = Verdict::unknown(now);
        }
    }

    /// Whether it has been silent for `silences_max` looks while its threads turned and no connection
    /// reached them: nobody takes any. One that is only slow takes them, and on a machine where all is
    /// slow the threads count slowly, too: to replace it would cost more than it brings.
    pub(super) fn is_deaf(&self, silences_max: u32) -> bool {
        self.silences >= silences_max
            && self.connections() == self.connections
            && self.reading().beats_since(&self.reading) >= TURNS_MIN
    }

    fn reading(&self) -> Reading {
        let hosted = self.watched.hosted.as_ref();
        hosted.map(|metrics| metrics.pulse().reading(self.generation)).unwrap_or_default()
    }

    fn connections(&self) -> u64 {
        self.watched.hosted.as_ref().map_or(0, |metrics| metrics.pulse().connections())
    }

    pub(super) fn health(&self) -> InstanceHealth {
        InstanceHealth {
            service: self.watched.service,
            number: self.watched.number,
            status: self.verdict.status,
            since: self.verdict.since,
            checked: self.checked,
            latency: self.latency,
            reason: self.reason.clone(),
            missed: self.verdict.missed(),
            checks: self.checks.clone(),
            inside: self.inside.clone(),
        }
    }

    /// Whether the last looks and what is held of it are at odds: then it is looked at again soon.
    pub(super) fn is_missed(&self) -> bool {
        self.silences == 0 && self.verdict.missed() > 0
    }

    fn tell_change(&self, before: busbar_http::Status) {
        let after = self.verdict.status;
        if after == before || !self.watched.is_shown {
            return;
        }
        let (service, reason) = (self.watched.service, self.reason.as_deref().unwrap_or("answers"));
        let base = self.watched.instance.base();
        log::info!("{service} at {base}: {} -> {}: {reason}", before.as_str(), after.as_str());
    }
}

/// State and last end of a hosted service.
fn told(record: &ServiceRecord) -> String {
    match record.exits.last() {
        Some(last) => format!("{}: {}", record.state.as_str(), last.exit),
        None => record.state.as_str().to_owned(),
    }
}

impl Look {
    fn missed(reason: impl Into<String>) -> Look {
        let reason = Some(reason.into());
        let checks = Arc::default();
        Look { seen: Seen::Missed, latency: None, reason, is_silence: false, checks }
    }

    fn silence(wait: Duration) -> Look {
        let missed = Look::missed(format!("no answer within {} ms", wait.as_millis()));
        Look { is_silence: true, ..missed }
    }

    /// A hosted service between two incarnations: no need to ask. `None` while it starts for the
    /// first time.
    pub(super) fn at_record(record: &ServiceRecord) -> Option<Look> {
        match record.state {
            State::Starting if record.generation <= 1 => None,
            State::Draining => None,
            _ => Some(Look::missed(told(record))),
        }
    }
}

/// Asks an instance how it is.
pub(super) async fn look(upstream: Rc<Upstream>, path: &'static str, wait: Duration) -> Look {
    let start = Instant::now();
    let looked = timeout(wait, ask(&upstream, path, wait)).await;
    let took = start.elapsed();
    match looked {
        Ok(Ok(look)) => Look { latency: Some(took), ..look },
        Ok(Err(missed)) => missed,
        Err(_) => Look::silence(wait),
    }
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    status: String,
    /// By name.
    #[serde(default)]
    checks: BTreeMap<String, Answered>,
}

#[derive(Deserialize)]
struct Answered {
    status: busbar_http::Status,
    reason: Option<String>,
}

/// Asks an instance of another process how it is inside.
pub(super) async fn look_inside(
    upstream: Rc<Upstream>,
    authorization: Authorization,
    wait: Duration,
) -> Option<Inside> {
    let asked = async {
        let token = authorization().ok()?;
        let request = upstream.request(Method::GET, INSIDE_PATH).ok()?;
        let request = request.insert_header((AUTHORIZATION, token));
        let mut answer = request.send_body(NoBody::new()).await.ok()?;
        // One of another version may tell it otherwise, or not at all.
        answer.json::<Inside>().limit(ANSWER_BYTES_MAX).await.ok()
    };
    timeout(wait, asked).await.ok().flatten()
}

async fn ask(upstream: &Upstream, path: &str, wait: Duration) -> Result<Look, Look> {
    let request = upstream.request(Method::GET, path);
    let request = request.map_err(|error| Look::missed(error.to_string()))?;
    let answer = request.send_body(NoBody::new()).await;
    let mut answer: ClientResponse = answer.map_err(|error| match Failure::of(&error) {
        Failure::Timeout => Look::silence(wait),
        Failure::Unreachable | Failure::ConnectTimeout => Look::missed("not reached"),
        _ => Look::missed("the connection broke"),
    })?;
    let status = answer.status();
    let said = answer.json::<Said>().limit(ANSWER_BYTES_MAX).await;
    if status != StatusCode::OK {
        return Err(Look::missed(format!("answered {}", status.as_u16())));
    }
    let said = said.unwrap_or_default();
    let (seen, reason) = match said.status == "DEGRADED" {
        true => (Seen::Degraded, Some("it lacks something that it needs".to_owned())),
        false => (Seen::Up, None),
    };
    let checks = said.checks.into_iter();
    let checks = checks.map(|(name, Answered { status, reason })| Checked { name, status, reason });
    Ok(Look { seen, latency: None, reason, is_silence: false, checks: checks.collect() })
}
