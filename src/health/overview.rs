//! What is known of all nine services for the status page: health, the last day, the inside. Pure.

use std::sync::Arc;
use std::time::{Duration, Instant};

use busbar_http::Status;
use serde::Serialize;

use crate::types::ServiceName;

use super::history::{History, Past};
use super::report::{Condition, conditions, joined, whole};
use super::{Inside, InstanceHealth};

/// What a service says of something that it needs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Checked {
    pub(super) name: String,
    pub(super) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Of the services behind the gateway.
    overall: Status,
    /// Whether the last day would survive a restart now.
    is_history_kept: bool,
    services: Vec<Service>,
}

#[derive(Clone, Debug, Serialize)]
struct Service {
    service: ServiceName,
    #[serde(flatten)]
    all: Condition,
    /// Looks in a row that say it is down, before it counts as down.
    missed: u32,
    #[serde(flatten)]
    past: Past,
    /// A letter for each quarter of an hour: `u` up, `g` degraded, `d` down, `-` unknown.
    strip: String,
    instances: Vec<Place>,
}

#[derive(Clone, Debug, Serialize)]
struct Place {
    instance: usize,
    #[serde(flatten)]
    condition: Condition,
    checks: Vec<Checked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<Inside>,
}

impl Overview {
    pub(super) fn of(
        news: &[InstanceHealth],
        history: &History,
        now: Instant,
        known_for: Duration,
    ) -> Overview {
        let of_service = |service: ServiceName| {
            let all: Vec<Condition> = conditions(news, service, now, known_for).collect();
            let own = news.iter().filter(|instance| instance.service == service);
            let missed = own.clone().map(|instance| instance.missed).max().unwrap_or(0);
            let (past, strip) = (history.past(service), history.strip(service));
            let places = all.iter().cloned().zip(own);
            let place = |(condition, known): (Condition, &InstanceHealth)| {
                let told = known.inside.as_ref();
                let fresh = told.filter(|(at, _)| now.saturating_duration_since(*at) <= known_for);
                let inside = fresh.map(|(_, inside)| Arc::unwrap_or_clone(inside.clone()));
                let checks = known.checks.to_vec();
                Place { instance: known.number, condition, checks, inside }
            };
            let instances = places.map(place).collect();
            Service { service, all: whole(&all), missed, past, strip, instances }
        };
        let services: Vec<Service> = ServiceName::ALL.into_iter().map(of_service).collect();
        let behind = services.iter().filter(|service| service.service.is_domain());
        let overall = joined(behind.map(|service| service.all.status));
        Overview { overall, is_history_kept: history.is_kept(), services }
    }

    /// Without what may tell of the inside: states alone, no reasons.
    #[must_use]
    pub fn for_everybody(mut self) -> Overview {
        for service in &mut self.services {
            service.all.reason = None;
            for place in &mut service.instances {
                place.condition.reason = None;
                place.checks.iter_mut().for_each(|check| check.reason = None);
                place.inside.iter_mut().for_each(Inside::for_everybody);
            }
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(6);

    #[test]
    fn all_nine_are_there_and_what_everybody_sees_has_no_reasons() {
        let now = Instant::now();
        let check = Checked {
            name: "database".into(),
            status: Status::Down,
            reason: Some("words of the inside".into()),
        };
        let news = [InstanceHealth {
            service: ServiceName::Billing,
            number: 0,
            status: Status::Up,
            since: now,
            checked: None,
            latency: None,
            reason: Some("words of the inside".into()),
            missed: 2,
            checks: [check].into(),
            inside: None,
        }];
        let history = History::forgetful();
        history.observe(&[(ServiceName::Billing, Status::Up)]);
        let overview = Overview::of(&news, &history, now, LONG);
        let shown = serde_json::to_value(&overview).unwrap();
        assert_eq!(shown["services"].as_array().unwrap().len(), 9);
        let billing = &shown["services"][3];
        assert_eq!((&billing["service"], &billing["missed"]), (&"billing".into(), &2.into()));
        assert_eq!((&billing["status"], &billing["changes24h"]), (&"UP".into(), &0.into()));
        assert!(billing["since"].is_string() && billing["strip"].as_str().unwrap().len() == 96);
        assert!(shown.to_string().contains("words of the inside"));
        assert_eq!(shown["services"][1]["status"], "UNKNOWN");
        let open = serde_json::to_string(&overview.for_everybody()).unwrap();
        assert!(!open.contains("words of the inside") && open.contains("database"), "{open}");
    }
}
