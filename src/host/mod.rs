//! What the services of one process share: keys, clock, metrics, the ways to each other.
//!
//! `life.rs` is one life of a service, an incarnation. Nothing here knows what a service is for, and
//! by name only the one whose keys verify tokens; `tree.rs` brings the rest.

mod current;
mod database;
mod life;
mod meters;
mod parts;
mod serving;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use busbar_actors::{Failure, Incarnation, Registry, Rule, ServiceSpec, factory};
use busbar_http::caller::{FetchKeys, Verifier};
use busbar_http::client::{Authorization, Peer, PeerError, in_name_of};
use busbar_http::lane::{Base, Instance, Limits as LaneLimits};
use busbar_http::token::PrivateKey;
use busbar_http::{Deadline, Limits, Metrics, ServiceKey};

use crate::config::Config;
use crate::faults::Faults;
use crate::health::Inside;
use crate::keys::{KeyFault, SecretKey};
use crate::services::{Peers, Service};
use crate::types::{Clock, ServiceName};

use self::current::Current;
pub use self::current::{Heed, ShownSettings, check_database};
use self::meters::DiskCollector;
pub use self::meters::RecordCollector;
pub use self::serving::{Told, serve_incarnation};

/// Open connections of one worker thread of a domain service.
const CONNECTIONS_MAX: usize = 4096;
/// For a key set, from the users service.
const KEYS_WAIT: Duration = Duration::from_secs(2);

/// What all services of this process share. Copies differ in their settings alone: see
/// [`Host::now`].
#[derive(Clone)]
pub struct Host {
    /// What was in effect when this copy was made; in the first one, what the process was started
    /// with.
    pub config: Arc<Config>,
    pub clock: Clock,
    /// Set when the process has been asked to stop.
    pub leaving: Arc<AtomicBool>,
    service_key: Arc<ServiceKey>,
    faults: BTreeMap<ServiceName, Faults>,
    metrics: BTreeMap<ServiceName, Metrics>,
    /// The news of each hosted service's supervisor to its callers.
    upstreams: BTreeMap<ServiceName, Arc<busbar_actors::Upstream>>,
    /// What the supervisors know; set once, by the tree.
    registry: Arc<OnceLock<Arc<Registry>>>,
    current: Arc<Current>,
}

/// Why a process cannot host anything.
#[derive(Debug, thiserror::Error)]
pub enum HostFault {
    #[error(transparent)]
    Key(#[from] KeyFault),
    #[error("{0}")]
    Other(String),
}

impl Host {
    /// Reads or makes the keys; nothing is started yet. `clock` is what the services go by.
    pub fn new(config: Config, clock: Clock) -> Result<Host, HostFault> {
        let secret = service_secret(&config)?;
        let key = PrivateKey::from_seed(secret.bytes())
            .map_err(|error| HostFault::Other(error.to_string()))?;
        // Service tokens go by the machine's time: a test may move the services' own.
        let machine = Clock::system();
        let service_key = ServiceKey::new(key, Arc::new(move || machine.now().seconds()));
        let hosted = || config.process.services.iter().copied();
        let faults = Faults::of_all(&config.process.services, config.faults.injection);
        let metrics = hosted()
            .map(|name| {
                let metrics = Metrics::new(name.as_str())?;
                metrics.register(meters::build_info()?)?;
                metrics.register(DiskCollector::new(&config.process.data_dir)?)?;
                Ok((name, metrics))
            })
            .collect::<Result<_, prometheus::Error>>()
            .map_err(|error| HostFault::Other(error.to_string()))?;
        let upstreams = hosted().map(|name| (name, Arc::default())).collect();
        let leaving = Arc::default();
        let service_key = Arc::new(service_key);
        let registry = Arc::default();
        let config = Arc::new(config);
        let current = Arc::new(Current::new(config.clone()));
        Ok(Host {
            config,
            clock,
            leaving,
            service_key,
            faults,
            metrics,
            upstreams,
            registry,
            current,
        })
    }

    /// Whose supervisors look after the hosted services.
    pub fn supervised(&self, registry: Arc<Registry>) {
        // A host has one tree.
        let _ = self.registry.set(registry);
    }

    /// How a hosted service is inside.
    pub fn inside(&self, name: ServiceName) -> Option<Inside> {
        let record = self.registry.get()?.get(name.as_str())?;
        Some(Inside::of(&record, self.metrics.get(&name)?))
    }

    /// The metrics of a hosted service; they outlive its incarnations.
    pub fn metrics(&self, name: ServiceName) -> Result<Metrics, Failure> {
        self.metrics.get(&name).cloned().ok_or_else(|| format!("{name} is not hosted").into())
    }

    pub fn faults(&self, name: ServiceName) -> Faults {
        self.faults.get(&name).cloned().unwrap_or_default()
    }

    /// Where the instances of a service are.
    pub fn bases(&self, name: ServiceName) -> Vec<Base> {
        let urls = self.config.services.get(name).urls.iter();
        urls.filter_map(|url| url.as_str().parse().ok()).collect()
    }

    /// The instances of a service as other services call them. When it is hosted here, their kept
    /// connections and what waits for an answer follow its supervisor.
    fn instances(&self, name: ServiceName, limits: &LaneLimits) -> Vec<Arc<Instance>> {
        let news = self.upstreams.get(&name);
        let epoch = news.map(|news| news.pool_counter()).unwrap_or_default();
        let cut = news.map(|news| news.cut());
        let bases = self.bases(name).into_iter();
        bases
            .map(|base| Instance::hosted(base, limits.clone(), epoch.clone(), cut.clone()))
            .collect()
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
            head_timeout: Duration::from_secs(30),
            ..LaneLimits::default()
        };
        let authorization = self.authorization(from);
        Peers::new(|to| Peer::of(to.as_str(), self.instances(to, &limits), authorization.clone()))
    }

    /// For calls in the name of a service.
    pub fn authorization(&self, from: ServiceName) -> Authorization {
        in_name_of(from.as_str(), self.service_key.clone())
    }

    /// The supervisor's rules for one service, as the settings have them. Each incarnation is built
    /// from what is in effect when it begins; `settings` says what is the service's of that.
    ///
    /// # Errors
    /// When a part of them cannot be had, such as a key: then nothing is started at all.
    pub fn spec<S: Service>(
        self: &Arc<Self>,
        settings: impl Fn(&Host) -> Result<S::Settings, Failure> + Send + Sync + 'static,
    ) -> Result<ServiceSpec, Failure> {
        settings(self)?;
        let host = self.clone();
        Ok(self.spec_of(S::NAME, move |incarnation| {
            let host = Arc::new(host.now());
            let settings = settings(&host);
            async move { life::run::<S>(incarnation, host, settings?).await }
        }))
    }

    /// As [`Host::spec`], for something that runs its incarnations itself.
    pub fn spec_of<R, F>(self: &Arc<Self>, name: ServiceName, run: R) -> ServiceSpec
    where
        R: Fn(Incarnation) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Failure>> + 'static,
    {
        let (server, rules) = (&self.config.server, self.config.supervision.of(name));
        let address = (server.bind, self.config.services.get(name).port).into();
        let mut spec = ServiceSpec::new(name.as_str(), address, factory(run));
        spec.intensity = self.rule(name);
        let cool_down = Duration::from_millis(rules.cool_down_ms);
        spec.cool_down = Some(cool_down).filter(|wait| !wait.is_zero());
        spec.start_timeout = Duration::from_millis(rules.start_timeout_ms);
        spec.drain = Duration::from_millis(server.drain_ms);
        if let Some(upstream) = self.upstream(name) {
            spec.upstream = upstream;
        }
        spec
    }

    /// How often a service may fail, and each of its children.
    pub fn rule(&self, name: ServiceName) -> Rule {
        let rules = self.config.supervision.of(name);
        Rule {
            failures_max: rules.restarts_max,
            period: Duration::from_millis(rules.period_ms),
            delay_min: Duration::from_millis(rules.backoff_min_ms),
            delay_max: Duration::from_millis(rules.backoff_max_ms),
            jitter: rules.jitter,
            healthy_after: Duration::from_millis(rules.healthy_after_ms),
        }
    }

    pub fn limits(&self, name: ServiceName) -> Limits {
        let server = &self.config.server;
        Limits {
            workers: self.config.services.get(name).workers,
            keep_alive: Duration::from_millis(server.keep_alive_ms),
            client_request_timeout: Duration::from_millis(server.client_request_timeout_ms),
            drain: Duration::from_millis(server.drain_ms),
            connections_max: CONNECTIONS_MAX,
            body_bytes_max: server.body_bytes_max,
        }
    }

    /// Verifies user tokens by the key set of the users service, wherever it is.
    pub fn verifier(&self, peers: &Peers) -> Verifier {
        let (peers, clock) = (peers.clone(), self.clock.clone());
        let fetch: FetchKeys = Arc::new(move || {
            let users = peers.to(ServiceName::Users).cloned();
            Box::pin(async move {
                let users = users.ok_or_else(|| "no way to it".to_owned())?;
                let deadline = Deadline::after(KEYS_WAIT);
                let headers = HeaderMap::new();
                let keys = users.get_json("/.well-known/jwks.json", &headers, deadline);
                keys.await.map_err(|error: PeerError| error.to_string())
            })
        });
        Verifier::new(fetch, Arc::new(move || clock.now().seconds()))
    }
}

/// The key that the services of an installation share. Where some of them are elsewhere it cannot
/// be made up here: every process would have another.
fn service_secret(config: &Config) -> Result<SecretKey, HostFault> {
    if let Some(path) = &config.keys.service_key_file {
        return Ok(SecretKey::read(path)?);
    }
    let path = config.process.data_dir.join("keys/service.key");
    let is_elsewhere = |name: &ServiceName| {
        let urls = &config.services.get(*name).urls;
        urls.iter().any(|url| !is_loopback(url.as_url().host_str().unwrap_or_default()))
    };
    match ServiceName::domain().find(is_elsewhere) {
        Some(name) if !path.exists() => Err(HostFault::Other(format!(
            "{name} runs elsewhere, so all processes need the same service key: \
             set BUSBAR_SERVICE_KEY_FILE (keys.service_key_file) to a file with 32 random bytes in base64"
        ))),
        _ => Ok(SecretKey::read_or_make(&path)?),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
