//! What the services of one process share: keys, clock, metrics, the ways to each other.
//!
//! `life.rs` is one life of a service, an incarnation; `ways.rs` leads to the others, `names` says where
//! they are. Nothing here knows what a service is for, and by name only the one whose keys verify tokens
//! and the one that clients come to (`files.rs`); `tree.rs` brings the rest.

mod current;
mod data_dir;
mod database;
mod files;
mod letters;
mod life;
mod meters;
mod names;
mod parts;
mod serving;
mod ways;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use busbar_actors::{Failure, Incarnation, Registry, Rule, ServiceSpec, factory};
use busbar_http::caller::{FetchKeys, Verifier};
use busbar_http::client::PeerError;
use busbar_http::client::outside::Names;
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
pub use self::data_dir::check_data_dir;
pub use self::files::raise_limit;
pub use self::letters::{DeadEvent, DeadJob, Fate};
use self::meters::DiskCollector;
pub use self::meters::RecordCollector;
use self::names::Directory;
pub use self::names::Moved;
pub use self::serving::{Told, serve_incarnation};

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
    /// What that key is made from.
    shared: SecretKey,
    faults: BTreeMap<ServiceName, Faults>,
    metrics: BTreeMap<ServiceName, Metrics>,
    /// The news of each hosted service's supervisor to its callers.
    upstreams: BTreeMap<ServiceName, Arc<busbar_actors::Upstream>>,
    /// What the supervisors know; set once, by the tree.
    registry: Arc<OnceLock<Arc<Registry>>>,
    current: Arc<Current>,
    /// Where the names in the settings lead to.
    names: Arc<Directory>,
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
        let other = |error: prometheus::Error| HostFault::Other(error.to_string());
        let hosts_file = config.faults.hosts_file.clone().filter(|_| config.faults.injection);
        let names = Directory::new(Names::after_file(hosts_file)).map_err(other)?;
        let metrics = hosted()
            .map(|name| {
                let metrics = Metrics::new(name.as_str())?;
                metrics.register(names.meters().addresses.clone())?;
                metrics.register(names.meters().look_ups.clone())?;
                metrics.register(meters::build_info()?)?;
                metrics.register(DiskCollector::new(&config.process.data_dir)?)?;
                Ok((name, metrics))
            })
            .collect::<Result<_, prometheus::Error>>()
            .map_err(other)?;
        let upstreams = hosted().map(|name| (name, Arc::default())).collect();
        let leaving = Arc::default();
        let service_key = Arc::new(service_key);
        let registry = Arc::default();
        let config = Arc::new(config);
        let current = Arc::new(Current::new(config.clone()));
        let names = Arc::new(names);
        Ok(Host {
            config,
            clock,
            leaving,
            service_key,
            shared: secret,
            faults,
            metrics,
            upstreams,
            registry,
            current,
            names,
        })
    }

    /// Whose supervisors look after the hosted services.
    pub fn supervised(&self, registry: Arc<Registry>) {
        // A host has one tree.
        let _ = self.registry.set(registry);
    }

    /// The key that all services of the installation share.
    pub fn shared_key(&self) -> &SecretKey {
        &self.shared
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
        let workers = self.config.services.get(name).workers;
        let hosted = &self.config.process.services;
        Limits {
            workers,
            keep_alive: Duration::from_millis(server.keep_alive_ms),
            client_request_timeout: Duration::from_millis(server.client_request_timeout_ms),
            drain: Duration::from_millis(server.drain_ms),
            connections_max: files::connections_max(name, workers, hosted),
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
        urls.iter().any(|at| !is_loopback(at.url().as_url().host_str().unwrap_or_default()))
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
