//! What is known of the services, in the words of the origin's `/health` and some more. Pure.

use std::time::{Duration, Instant};

use busbar_http::Status;
use serde::Serialize;

use crate::types::{ServiceName, Timestamp};

use super::InstanceHealth;
use super::history::Past;

/// The answer to `GET /health` at the gateway.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    gateway: Status,
    overall: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    services: Vec<ServiceReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceReport {
    /// The origin's word.
    service: &'static str,
    #[serde(skip)]
    name: ServiceName,
    #[serde(flatten)]
    all: Condition,
    /// The last day.
    #[serde(flatten)]
    past: Past,
    instances: Vec<InstanceReport>,
}

#[derive(Debug, Serialize)]
struct InstanceReport {
    /// Its number among the service's addresses, which are nobody's business.
    instance: usize,
    #[serde(flatten)]
    condition: Condition,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Condition {
    /// Whose it is.
    #[serde(skip)]
    pub(super) number: usize,
    pub(super) status: Status,
    /// For how long.
    since_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// What each service is that anything is known of.
pub(super) fn statuses(
    news: &[InstanceHealth],
    now: Instant,
    known_for: Duration,
) -> Vec<(ServiceName, Status)> {
    let status = |name| {
        let conditions: Vec<_> = conditions(news, name, now, known_for).collect();
        (!conditions.is_empty()).then(|| (name, whole(&conditions).status))
    };
    ServiceName::ALL.into_iter().filter_map(status).collect()
}

/// The conditions of a service's instances.
pub(super) fn conditions(
    news: &[InstanceHealth],
    name: ServiceName,
    now: Instant,
    known_for: Duration,
) -> impl Iterator<Item = Condition> {
    let own = news.iter().filter(move |instance| instance.service == name);
    own.map(move |instance| Condition::of(instance, now, known_for))
}

/// What these make of their service.
pub(super) fn whole(conditions: &[Condition]) -> Condition {
    let status = joined(conditions.iter().map(|condition| condition.status));
    // The one that made the service what it is tells since when and why.
    let witness = conditions
        .iter()
        .find(|condition| condition.status == status)
        .or_else(|| conditions.iter().find(|condition| condition.status != Status::Up));
    Condition { status, ..witness.cloned().unwrap_or_else(Condition::unknown) }
}

impl Report {
    /// What was looked at longer ago than `known_for` is unknown.
    pub(super) fn of(news: &[InstanceHealth], now: Instant, known_for: Duration) -> Report {
        let of_service = |name: ServiceName| {
            ServiceReport::of(name, conditions(news, name, now, known_for).collect())
        };
        let services: Vec<ServiceReport> = ServiceName::domain().map(of_service).collect();
        let checked_at = services.iter().filter_map(|service| service.all.checked_at).max();
        let overall = joined(services.iter().map(|service| service.all.status));
        Report { gateway: Status::Up, overall, checked_at, services }
    }

    pub(super) fn with(mut self, past: impl Fn(ServiceName) -> Past) -> Report {
        self.services.iter_mut().for_each(|service| service.past = past(service.name));
        self
    }

    pub fn overall(&self) -> Status {
        self.overall
    }

    /// The status of each service.
    pub fn services(&self) -> impl Iterator<Item = Status> {
        self.services.iter().map(|service| service.all.status)
    }

    pub fn by_name(&self) -> impl Iterator<Item = (ServiceName, Status)> {
        self.services.iter().map(|service| (service.name, service.all.status))
    }
}

impl ServiceReport {
    fn of(name: ServiceName, conditions: Vec<Condition>) -> ServiceReport {
        let all = whole(&conditions);
        let instances = conditions.into_iter();
        ServiceReport {
            service: name.origin(),
            name,
            all,
            past: Past::default(),
            instances: instances
                .map(|condition| InstanceReport { instance: condition.number, condition })
                .collect(),
        }
    }
}

impl Condition {
    fn of(known: &InstanceHealth, now: Instant, known_for: Duration) -> Condition {
        let checked_at = known.checked.map(|(_, at)| at);
        let age = known.checked.map(|(at, _)| now.saturating_duration_since(at));
        if age.is_some_and(|age| age > known_for) {
            let reason = Some("nobody has looked for a while".to_owned());
            let number = known.number;
            return Condition { number, checked_at, reason, ..Condition::unknown() };
        }
        Condition {
            number: known.number,
            status: known.status,
            since_ms: milliseconds(now.saturating_duration_since(known.since)),
            latency_ms: known.latency.map(|took| took.as_micros() as f64 / 1000.0),
            checked_at,
            reason: known.reason.clone(),
        }
    }

    fn unknown() -> Condition {
        Condition {
            number: 0,
            status: Status::Unknown,
            since_ms: 0,
            latency_ms: None,
            checked_at: None,
            reason: None,
        }
    }
}

/// All up is up, all down is down, all unknown is unknown, and anything else is in between.
pub(super) fn joined(statuses: impl Iterator<Item = Status>) -> Status {
    let all: Vec<Status> = statuses.collect();
    match all.first() {
        Some(first) if all.iter().all(|status| status == first) => *first,
        Some(_) => Status::Degraded,
        None => Status::Unknown,
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;

    const KNOWN_FOR: Duration = Duration::from_secs(6);

    fn instance(service: ServiceName, status: Status, now: Instant) -> InstanceHealth {
        let reason = (status == Status::Down).then(|| "connection refused".to_owned());
        InstanceHealth {
            service,
            number: 0,
            status,
            since: now,
            checked: Some((now, Timestamp::from_seconds(0))),
            latency: Some(Duration::from_micros(1500)),
            reason,
            missed: 0,
            checks: Arc::default(),
            inside: None,
        }
    }

    fn report(news: &[InstanceHealth], now: Instant) -> Value {
        serde_json::to_value(Report::of(news, now, KNOWN_FOR)).unwrap()
    }

    #[test]
    fn a_service_that_is_down_degrades_the_whole_and_says_why() {
        let now = Instant::now();
        let status = |name| if name == ServiceName::Billing { Status::Down } else { Status::Up };
        let news: Vec<_> =
            ServiceName::domain().map(|name| instance(name, status(name), now)).collect();

        let shown = report(&news, now + Duration::from_millis(250));

        assert_eq!((&shown["gateway"], &shown["overall"]), (&json!("UP"), &json!("DEGRADED")));
        let billing = &shown["services"][2];
        let expected = json!({
            "service": "billing", "status": "DOWN", "sinceMs": 250, "latencyMs": 1.5,
            "checkedAt": "1970-01-01T00:00:00.000Z", "reason": "connection refused",
        });
        for (member, value) in expected.as_object().unwrap() {
            assert_eq!(&billing[member], value, "{member}");
        }
        assert_eq!(billing["instances"][0]["instance"], 0);
        assert_eq!(shown["services"][0]["service"], "user");
    }

    #[test]
    fn old_news_is_no_news() {
        let now = Instant::now();
        let news = [instance(ServiceName::Users, Status::Up, now)];
        let shown = report(&news, now + KNOWN_FOR + Duration::from_millis(1));
        assert_eq!(shown["services"][0]["status"], "UNKNOWN");
        assert_eq!(shown["overall"], "UNKNOWN");
    }

    #[test]
    fn one_instance_of_two_is_not_all() {
        let now = Instant::now();
        let news = [
            instance(ServiceName::Users, Status::Up, now),
            instance(ServiceName::Users, Status::Down, now),
        ];
        let shown = report(&news, now);
        assert_eq!(shown["services"][0]["status"], "DEGRADED");
        assert_eq!(shown["services"][0]["reason"], "connection refused");
    }
}
