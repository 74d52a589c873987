//! The ways from one service to another: where its instances are, and how they are called.

use std::sync::Arc;
use std::time::Duration;

use busbar_http::client::{Authorization, Following, Peer, in_name_of};
use busbar_http::lane::{Base, Instance, Limits as LaneLimits};

use crate::config::Place;
use crate::services::Peers;
use crate::types::ServiceName;

use super::Host;

impl Host {
    /// Where the instances of a service are now, each with its number.
    pub fn bases(&self, name: ServiceName) -> Vec<(usize, Base)> {
        self.bases_at(&self.config.services.get(name).urls)
    }

    /// The instances that are at these places now, each with its number.
    pub fn bases_at(&self, places: &[Place]) -> Vec<(usize, Base)> {
        self.names.bases(places)
    }

    /// The instances of a service as other services call them. When it is hosted here, their kept
    /// connections and what waits for an answer follow its supervisor.
    fn following(&self, name: ServiceName, limits: &LaneLimits) -> Following {
        let news = self.upstreams.get(&name);
        let epoch = news.map(|news| news.pool_counter()).unwrap_or_default();
        let cut = news.map(|news| news.cut());
        let (directory, limits) = (self.names.clone(), limits.clone());
        let places = self.config.services.get(name).urls.clone();
        let version = directory.version();
        let list = move |earlier: &[Arc<Instance>]| {
            let instance = |(_, base): (usize, Base)| {
                let same = earlier.iter().find(|known| *known.base() == base);
                same.cloned().unwrap_or_else(|| {
                    Instance::hosted(base, limits.clone(), epoch.clone(), cut.clone())
                })
            };
            directory.bases(&places).into_iter().map(instance).collect()
        };
        Following { version, list: Arc::new(list) }
    }

    /// What a hosted service's supervisor tells its callers.
    pub fn upstream(&self, name: ServiceName) -> Option<Arc<busbar_actors::Upstream>> {
        self.upstreams.get(&name).cloned()
    }

    /// The way to the other services in the name of one.
    pub fn peers(&self, from: ServiceName) -> Peers {
        let gateway = &self.config.gateway;
        let limits = LaneLimits {
            connect_timeout: Duration::from_millis(gateway.connect_timeout_ms),
            idle_for: Duration::from_millis(gateway.keep_alive_ms),
            keep_alive_probe: Duration::from_millis(gateway.keep_alive_ms),
            head_timeout: Some(Duration::from_secs(30)),
            ..LaneLimits::default()
        };
        let authorization = self.authorization(from);
        Peers::new(|to| {
            let following = self.following(to, &limits);
            Peer::following(to.as_str(), following, authorization.clone())
        })
    }

    /// For calls in the name of a service.
    pub fn authorization(&self, from: ServiceName) -> Authorization {
        in_name_of(from.as_str(), self.service_key.clone())
    }
}
