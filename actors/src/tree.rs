//! The tree: tiers of services, started in order, stopped in reverse.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix::{Actor, Addr};
use actix_rt::time::timeout;
use futures_util::future::join_all;
use socket2::Socket;

use crate::incarnation::Ending;
use crate::messages::{Hold, Refused, Replace, Start, Stop};
use crate::registry::{Chronicle, Household, Registry};
use crate::socket;
use crate::spec::ServiceSpec;
use crate::supervisor::{Guard, ServiceSupervisor};

/// All of a stop, unless the tree says otherwise.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// How long services may take to end once they are cut.
const CUT_LIMIT: Duration = Duration::from_secs(3);

type Member = (&'static str, Addr<ServiceSupervisor>);

/// The services of a process, tier by tier, before they are started.
pub struct Tree {
    tiers: Vec<Vec<ServiceSpec>>,
    stop_limit: Duration,
    handle: TreeHandle,
}

impl Tree {
    pub fn new() -> Self {
        let shared = Shared {
            registry: Arc::new(Registry::new()),
            stopping: Arc::new(AtomicBool::new(false)),
            members: RwLock::new(Vec::new()),
        };
        Tree {
            tiers: Vec::new(),
            stop_limit: STOP_LIMIT,
            handle: TreeHandle { shared: Arc::new(shared) },
        }
    }

    /// Adds the next tier. Its members start together, when those of the tiers before are up.
    pub fn tier(mut self, specs: impl IntoIterator<Item = ServiceSpec>) -> Self {
        let specs: Vec<ServiceSpec> = specs.into_iter().collect();
        for spec in &specs {
            self.handle.shared.registry.add(spec);
        }
        self.tiers.push(specs);
        self
    }

    /// How long a graceful stop of the whole tree may take before the rest is cut.
    pub fn stop_limit(mut self, limit: Duration) -> Self {
        self.stop_limit = limit;
        self
    }

    /// Who writes down what happens to the services.
    pub fn chronicle(self, chronicle: Arc<dyn Chronicle>) -> Self {
        self.handle.shared.registry.keep_chronicle(chronicle);
        self
    }

    pub fn registry(&self) -> Arc<Registry> {
        self.handle.shared.registry.clone()
    }

    /// To be given to those who will look after the tree, before there is one.
    pub fn handle(&self) -> TreeHandle {
        self.handle.clone()
    }

    /// Takes every port, then starts tier after tier. Only a port that cannot be taken (or a name
    /// used twice) is a fault; a service that does not come up is tried again by its supervisor.
    pub async fn start(self) -> Result<RunningTree, StartFaults> {
        let reserved = self.reserve()?;
        // Made first: should this future be dropped half-way, so is the promise of the guards.
        let (stop_limit, handle) = (self.stop_limit, self.handle);
        let mut running = RunningTree { tiers: Vec::new(), stop_limit, handle };
        let shared = running.handle.shared.clone();
        for tier in reserved {
            let members: Vec<Member> =
                tier.into_iter().map(|(spec, held)| shared.supervise(spec, held)).collect();
            shared.members.write().unwrap_or_else(PoisonError::into_inner).extend(members.clone());
            let starts = members.iter().map(|(_, supervisor)| supervisor.send(Start));
            // Each supervisor has logged why it is not up, and goes on.
            join_all(starts).await;
            running.tiers.push(members);
        }
        Ok(running)
    }

    fn reserve(&self) -> Result<Vec<Vec<(ServiceSpec, Held)>>, StartFaults> {
        let mut faults = Vec::new();
        let mut names = Vec::new();
        let mut take = |spec: &ServiceSpec| {
            let held = match names.contains(&spec.name) {
                true => Err(io::Error::other("its name is used twice")),
                false => Held::new(spec.address),
            };
            names.push(spec.name);
            let fault = |error| BindFault { name: spec.name, address: spec.address, error };
            held.map_err(|error| faults.push(fault(error))).ok().map(|held| (spec.clone(), held))
        };
        let reserved =
            self.tiers.iter().map(|tier| tier.iter().filter_map(&mut take).collect()).collect();
        if faults.is_empty() { Ok(reserved) } else { Err(StartFaults(faults)) }
    }
}

impl Default for Tree {
    fn default() -> Self {
        Tree::new()
    }
}

/// A tree that runs. Whoever holds it decides when it ends; letting go of it gives up the promise
/// that the process ends when a supervisor is lost.
#[must_use = "the tree runs unwatched when this is dropped"]
pub struct RunningTree {
    tiers: Vec<Vec<Member>>,
    stop_limit: Duration,
    handle: TreeHandle,
}

impl RunningTree {
    /// Stops the tiers in reverse, each when the one above it has drained. Returns the names of those
    /// that had not ended when the limit was over.
    pub async fn stop(self, ending: Ending) -> Vec<&'static str> {
        self.handle.shared.stopping.store(true, Ordering::SeqCst);
        if ending == Ending::Graceful && timeout(self.stop_limit, self.drain()).await.is_ok() {
            return Vec::new();
        }
        let all = self.tiers.iter().rev().flatten();
        let ends = join_all(all.map(|(name, supervisor)| async move {
            let end = timeout(CUT_LIMIT, supervisor.send(Stop(Ending::Now))).await;
            if end.is_err() { Some(*name) } else { None }
        }));
        ends.await.into_iter().flatten().collect()
    }

    async fn drain(&self) {
        for tier in self.tiers.iter().rev() {
            let stop = |(_, supervisor): &Member| supervisor.send(Stop(Ending::Graceful));
            join_all(tier.iter().map(stop)).await;
        }
    }
}

impl Deref for RunningTree {
    type Target = TreeHandle;

    fn deref(&self) -> &TreeHandle {
        &self.handle
    }
}

impl Drop for RunningTree {
    fn drop(&mut self) {
        self.handle.shared.stopping.store(true, Ordering::SeqCst);
    }
}

/// Commands to the services of a tree, from any thread.
#[derive(Clone)]
pub struct TreeHandle {
    shared: Arc<Shared>,
}

impl TreeHandle {
    pub fn registry(&self) -> Arc<Registry> {
        self.shared.registry.clone()
    }

    /// Replaces the incarnation of a service without losing a request.
    pub async fn replace(&self, name: &str) -> Result<u64, Refused> {
        let supervisor = self.supervisor(name)?;
        supervisor.send(Replace::Planned).await.unwrap_or(Err(Refused::Stopping))
    }

    /// Replaces an incarnation that no longer answers.
    pub async fn hung(&self, name: &str) -> Result<u64, Refused> {
        let supervisor = self.supervisor(name)?;
        supervisor.send(Replace::Hung).await.unwrap_or(Err(Refused::Stopping))
    }

    /// Starts a service that was stopped or given up.
    pub async fn start_again(&self, name: &str) -> Result<u64, Refused> {
        let supervisor = self.supervisor(name)?;
        supervisor.send(Start).await.unwrap_or(Err(Refused::Stopping))
    }

    /// Lets new connections of a service wait, or takes them again.
    pub async fn hold(&self, name: &str, hold: Hold) -> Result<u64, Refused> {
        let supervisor = self.supervisor(name)?;
        supervisor.send(hold).await.unwrap_or(Err(Refused::Stopping))
    }

    /// Where what runs beside the services is listed.
    pub fn household(&self) -> Household {
        Household::new(self.registry(), Household::ROOT, 0)
    }

    /// Stops one service, and closes its port. The others go on.
    pub async fn stop_one(&self, name: &str, ending: Ending) -> Result<(), Refused> {
        let supervisor = self.supervisor(name)?;
        supervisor.send(Stop(ending)).await.map_err(|_| Refused::Stopping)
    }

    fn supervisor(&self, name: &str) -> Result<Addr<ServiceSupervisor>, Refused> {
        let members = self.shared.members.read().unwrap_or_else(PoisonError::into_inner);
        let found = members.iter().find(|(member, _)| *member == name);
        found.map(|(_, supervisor)| supervisor.clone()).ok_or(Refused::Unknown)
    }
}

struct Shared {
    registry: Arc<Registry>,
    /// Set once, by the owner of the tree; read by each supervisor's guard.
    stopping: Arc<AtomicBool>,
    /// Written while the tree starts.
    members: RwLock<Vec<Member>>,
}

impl Shared {
    fn supervise(&self, spec: ServiceSpec, held: Held) -> Member {
        let name = spec.name;
        self.registry.bound(name, held.address);
        let guard = Guard::new(name, self.stopping.clone());
        let registry = self.registry.clone();
        let Held { address, socket } = held;
        (name, ServiceSupervisor::new(spec, address, socket, registry, guard).start())
    }
}

struct Held {
    address: SocketAddr,
    socket: Socket,
}

impl Held {
    fn new(address: SocketAddr) -> io::Result<Self> {
        let socket = socket::reserve(address)?;
        Ok(Held { address: socket::local_address(&socket)?, socket })
    }
}

/// A port that could not be taken.
#[derive(Debug)]
pub struct BindFault {
    pub name: &'static str,
    pub address: SocketAddr,
    pub error: io::Error,
}

/// Every port that could not be taken; nothing was started.
#[derive(Debug)]
pub struct StartFaults(pub Vec<BindFault>);

impl fmt::Display for StartFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{} cannot listen on {}", fault.name, fault.address)?;
            write!(f, ": {}", fault.error)?;
        }
        Ok(())
    }
}

impl std::error::Error for StartFaults {}
