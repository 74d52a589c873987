//! Faults on purpose, for tests of what happens then. Off unless the settings say otherwise.
//!
//! Two kinds: a *failpoint* is a named place in the code where a test may stop the process and kill
//! it; an *injected fault* is asked for by `POST /internal/fault` and hits the requests after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::{HttpRequest, web};
use busbar_actors::Exit;
use busbar_http::guard::Before;
use busbar_http::{Body, NoContent, Problem, Routes, ServiceCaller, about};
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use utoipa::ToSchema;

use crate::types::Clock;

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

/// A fault that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The handler waits before it starts.
    Delay { milliseconds: u64 },
    /// The handler panics.
    PanicHandler,
    /// The handler blocks its worker thread.
    Block { milliseconds: u64 },
    /// The life of the service beside its HTTP server panics.
    PanicLife,
    /// A child of the incarnation panics, such as its relay.
    PanicChild { name: String },
    /// The thread of the incarnation panics.
    PanicThread,
    /// The next incarnation fails to start.
    FailStart,
}

/// The faults of one service; they outlive its incarnations.
#[derive(Clone, Default)]
pub struct Faults(Arc<Waiting>);

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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Injection {
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

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faults {
    pub fn new(is_on: bool) -> Faults {
        Faults(Arc::new(Waiting { is_on, ..Waiting::default() }))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_on
    }

    /// Whether this start of an incarnation is to fail.
    pub fn fails_start(&self) -> bool {
        let mut starts = locked(&self.0.starts);
        let fails = *starts > 0;
        *starts = starts.saturating_sub(1);
        fails
    }

    /// Where an incarnation hears that it is to panic.
    pub fn hear(&self) -> mpsc::Receiver<Fault> {
        let (sender, receiver) = mpsc::channel(1);
        *locked(&self.0.incarnation) = Some(sender);
        receiver
    }

    fn inject(&self, injection: &Injection) {
        match injection.fault.clone() {
            Fault::FailStart => *locked(&self.0.starts) += injection.count,
            fault @ (Fault::PanicLife | Fault::PanicThread) => {
                if let Some(incarnation) = locked(&self.0.incarnation).as_ref() {
                    // A full line means that it is told to fall already.
                    let _ = incarnation.try_send(fault);
                }
            }
            Fault::PanicChild { name } => {
                self.0
                    .children
                    .send_modify(|falls| *falls.entry(name).or_default() += injection.count);
            }
            fault => {
                let mut requests = locked(&self.0.requests);
                let room = WAITING_MAX.saturating_sub(requests.len());
                requests.extend(std::iter::repeat_n(fault, room.min(injection.count as usize)));
            }
        }
    }

    /// What a child's life runs in, so that it can be told to fall.
    #[expect(clippy::panic, reason = "this is the fault")]
    pub fn fall(
        &self,
        name: &'static str,
    ) -> impl Fn(LocalBoxFuture<'static, Exit>) -> LocalBoxFuture<'static, Exit> + use<> {
        let faults = self.clone();
        move |life| {
            if !faults.0.is_on {
                return life;
            }
            let faults = faults.clone();
            Box::pin(async move {
                tokio::select! {
                    exit = life => exit,
                    () = faults.is_to_fall(name) => panic!("an injected panic of {name}"),
                }
            })
        }
    }

    async fn is_to_fall(&self, name: &str) {
        let mut falls = self.0.children.subscribe();
        loop {
            // The sender is among what is borrowed here: it cannot be gone.
            drop(falls.wait_for(|falls| falls.get(name).is_some_and(|left| *left > 0)).await);
            // Another incarnation's may have been faster.
            let taken = self.0.children.send_if_modified(|falls| match falls.get_mut(name) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    true
                }
                _ => false,
            });
            if taken {
                return;
            }
        }
    }

    /// The hook before each handler; absent when faults are off.
    pub fn before(&self) -> Option<Before> {
        let faults = self.clone();
        self.0.is_on.then(|| {
            Before(Arc::new(move |request: &HttpRequest| {
                let fault = if is_spared(request.path()) {
                    None
                } else {
                    locked(&faults.0.requests).pop_front()
                };
                Box::pin(happen(fault))
            }))
        })
    }

    /// `POST /internal/fault` and `POST /internal/clock`; none when faults are off.
    pub fn routes(&self, clock: &Clock) -> Routes {
        if !self.0.is_on {
            return Routes::new();
        }
        let (faults, clock) = (self.clone(), clock.clone());
        Routes::new()
            .post(
                "/internal/fault",
                about("Injects a fault").internal().takes::<Injection>(),
                move |_: ServiceCaller, Body(injection): Body<Injection>| {
                    faults.inject(&injection);
                    async { NoContent }
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

/// What watches the service, or steers it, is not hit.
fn is_spared(path: &str) -> bool {
    path.starts_with("/internal/") || path.starts_with("/health") || path.starts_with("/metrics")
}

#[expect(clippy::disallowed_methods, reason = "blocking is the fault")]
async fn happen(fault: Option<Fault>) {
    match fault {
        Some(Fault::Delay { milliseconds }) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        #[expect(clippy::panic, reason = "this is the fault")]
        Some(Fault::PanicHandler) => panic!("an injected panic"),
        Some(Fault::Block { milliseconds }) => {
            std::thread::sleep(Duration::from_millis(milliseconds));
        }
        _ => {}
    }
}

/// Registers the routes when faults are on.
pub fn configure(faults: &Faults, clock: &Clock, config: &mut web::ServiceConfig) {
    faults.routes(clock).register(config);
}
