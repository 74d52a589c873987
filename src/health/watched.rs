//! Who is watched: what is shown to people, and what this process hosts.

use std::sync::Arc;

use busbar_http::Metrics;
use busbar_http::lane::Instance;

use crate::types::ServiceName;

/// An instance to be watched.
#[derive(Clone)]
pub struct Watched {
    pub service: ServiceName,
    /// Among the instances of its service.
    pub number: usize,
    pub instance: Arc<Instance>,
    /// Its figures, and the pulse of its threads, when this process hosts it. Then its supervisor
    /// knows how it is, too, and can replace it.
    pub hosted: Option<Metrics>,
    /// It is shown to people.
    pub is_shown: bool,
}

/// A service that this process hosts, at its own port.
#[derive(Clone)]
pub struct Hosted {
    pub service: ServiceName,
    pub instance: Arc<Instance>,
    pub metrics: Metrics,
}

/// An instance of a service behind the gateway.
pub struct Shown {
    pub service: ServiceName,
    pub number: usize,
    pub instance: Arc<Instance>,
}

/// Whom to watch: the shown instances of the services behind the gateway, if it is hosted here;
/// and each hosted service at its own port, for its supervisor's sake.
pub fn watched(hosted: Vec<Hosted>, shown: Vec<Shown>) -> Vec<Watched> {
    let is_at = |own: &Hosted, service: ServiceName, instance: &Instance| {
        own.service == service && own.instance.base().to_string() == instance.base().to_string()
    };
    let mut watched: Vec<Watched> = Vec::new();
    for Shown { service, number, instance } in shown {
        let own = hosted.iter().find(|own| is_at(own, service, &instance));
        let hosted = own.map(|own| own.metrics.clone());
        watched.push(Watched { service, number, instance, hosted, is_shown: true });
    }
    for own in hosted {
        let is_shown = |known: &Watched| is_at(&own, known.service, &known.instance);
        if !watched.iter().any(is_shown) {
            let Hosted { service, instance, metrics } = own;
            // A gateway shows itself, too.
            let is_shown = !service.is_domain();
            watched.push(Watched { service, number: 0, instance, hosted: Some(metrics), is_shown });
        }
    }
    watched
}

impl Watched {
    /// Whether it is the same instance, seen in the same way.
    pub(super) fn is_same(&self, other: &Watched) -> bool {
        self.service == other.service
            && self.number == other.number
            && self.instance.base() == other.instance.base()
            && self.hosted.is_some() == other.hosted.is_some()
            && self.is_shown == other.is_shown
    }
}
