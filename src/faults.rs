//! Faults on purpose, for tests of what happens then. Off unless the settings say otherwise.
//!
//! Two kinds: a *failpoint* is a named place in the code where a test may stop the process and kill
//! it; an *injected fault* is asked for by `POST /internal/fault` and hits the requests after it.

mod fall;
mod happen;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::HttpRequest;
use busbar_http::guard::Before;
use busbar_http::problem::kinds;
use busbar_http::{Body, NoContent, Problem, Routes, ServiceCaller, about};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use utoipa::ToSchema;

use crate::types::{Clock, ServiceName};

pub use self::happen::Fault;

/// The named place at which this process stands still, if any.
#[derive(Clone, Debug, Default)]
pub struct Failpoints(Option<Arc<str>>);

impl Failpoints {
    pub fn new(point: Option<&str>) -> Failpoints {
        Failpoints(point.map(Into::into))
    }

    /// Returns at once, unless this is the point: then it says so and never returns.
    pub async fn reach(&self, name: &'static str) {
        if self.0.as_deref() == Some(name) {
            log::warn!("failpoint reached: {name}");
            std::future::pending::<()>().await;
        }
    }
}

/// How many faults may wait to happen.
const WAITING_MAX: usize = 1000;

/// The faults of one service; they outlive its incarnations.
#[derive(Clone, Default)]
pub struct Faults {
    own: Arc<Waiting>,
    /// Of every service in the process: the gateway has no door of its own for them.
    all: Arc<BTreeMap<ServiceName, Arc<Waiting>>>,
}

#[derive(Default)]
struct Waiting {
    is_on: bool,
    /// Written by `POST /internal/fault`, emptied by the requests that they hit.
    requests: Mutex<VecDeque<Fault>>,
    /// The same for starts of incarnations.
    starts: Mutex<u32>,
    /// Where the incarnation that serves hears of faults of its own.
    incarnation: Mutex<Option<mpsc::Sender<Fault>>>,
    /// How many lives of a child are still to fall, by its name.
    children: watch::Sender<BTreeMap<String, u32>>,
}

impl Waiting {
    fn inject(&self, fault: Fault, count: u32) {
        match fault {
            Fault::FailStart => *locked(&self.starts) += count,
            Fault::PanicChild { name } => {
                self.children.send_modify(|falls| *falls.entry(name).or_default() += count);
            }
            fault if fault.is_of_incarnation() => {
                if let Some(incarnation) = locked(&self.incarnation).as_ref() {
                    // A full line means that it is told to fall already.
                    let _ = incarnation.try_send(fault);
                }
            }
            fault => {
                let mut requests = locked(&self.requests);
                let room = WAITING_MAX.saturating_sub(requests.len());
                requests.extend(std::iter::repeat_n(fault, room.min(count as usize)));
            }
        }
    }

    /// The fault that hits a request; what watches the service, or steers it, is not hit.
    fn next(&self, path: &str) -> Option<Fault> {
        let spared = ["/internal/", "/health", "/metrics"];
        if spared.iter().any(|spared| path.starts_with(spared)) {
            return None;
        }
        locked(&self.requests).pop_front()
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Injection {
    /// The service that is hit, if not the one that is asked.
    service: Option<ServiceName>,
    fault: Fault,
    #[serde(default = "once")]
    count: u32,
}

fn once() -> u32 {
    1
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Advance {
    milliseconds: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faults {
    /// The faults of each service of a process.
    pub fn of_all(services: &[ServiceName], is_on: bool) -> BTreeMap<ServiceName, Faults> {
        let own = |name: &ServiceName| (*name, Arc::new(Waiting { is_on, ..Waiting::default() }));
        let all: Arc<BTreeMap<_, _>> = Arc::new(services.iter().map(own).collect());
        let faults = |(name, own): (&ServiceName, &Arc<Waiting>)| {
            (*name, Faults { own: own.clone(), all: all.clone() })
        };
        all.iter().map(faults).collect()
    }

    /// Whether this start of an incarnation is to fail.
    pub fn fails_start(&self) -> bool {
        let mut starts = locked(&self.own.starts);
        let fails = *starts > 0;
        *starts = starts.saturating_sub(1);
        fails
    }

    /// Where an incarnation hears that it is to fail.
    pub fn hear(&self) -> mpsc::Receiver<Fault> {
        let (sender, receiver) = mpsc::channel(1);
        *locked(&self.own.incarnation) = Some(sender);
        receiver
    }

    fn inject(&self, injection: &Injection) -> Result<(), Problem> {
        let hit = match injection.service {
            None => &self.own,
            Some(service) => self.all.get(&service).ok_or_else(|| kinds::NOT_FOUND.problem())?,
        };
        hit.inject(injection.fault.clone(), injection.count);
        Ok(())
    }

    /// The hook before each handler; absent when faults are off.
    pub fn before(&self) -> Option<Before> {
        let own = self.own.clone();
        own.is_on.then(|| {
            Before(Arc::new(move |request: &HttpRequest| {
                let fault = own.next(request.path());
                Box::pin(async move {
                    if let Some(fault) = fault {
                        fault.hit().await;
                    }
                })
            }))
        })
    }

    /// The same where nothing can be awaited.
    pub fn strike(&self, path: &str) {
        if let Some(fault) = self.own.is_on.then(|| self.own.next(path)).flatten() {
            fault.strike();
        }
    }

    /// `POST /internal/fault` and `POST /internal/clock`; none when faults are off.
    pub fn routes(&self, clock: &Clock) -> Routes {
        if !self.own.is_on {
            return Routes::new();
        }
        let (faults, clock) = (self.clone(), clock.clone());
        Routes::new()
            .post(
                "/internal/fault",
                about("Injects a fault").internal().takes::<Injection>(),
                move |_: ServiceCaller, Body(injection): Body<Injection>| {
                    let injected = faults.inject(&injection);
                    async { injected.map(|()| NoContent) }
                },
            )
            .post(
                "/internal/clock",
                about("Moves the clock").internal().takes::<Advance>(),
                move |_: ServiceCaller, Body(advance): Body<Advance>| {
                    let moved = clock.advance(Duration::from_millis(advance.milliseconds));
                    async move {
                        if moved { Ok(NoContent) } else { Err(Problem::internal("a fixed clock")) }
                    }
                },
            )
    }
}
