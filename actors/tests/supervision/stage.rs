//! The service under test: a small web server whose incarnations do what the test asks.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::task::Poll;
use std::time::{Duration, Instant};

use actix_rt::time::{sleep, timeout};
use actix_web::dev::{Server, ServerHandle, Service};
use actix_web::http::ConnectionType;
use actix_web::{App, HttpServer, web};
use busbar_actors::{
    Ending, Failure, Incarnation, Registry, Rule, ServiceRecord, ServiceSpec, Serving, State,
    factory, monitor, panics,
};
use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;

use crate::support::{LOCAL, PATIENCE};

/// What several services write, in the order it happened.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// How the next incarnations begin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Start {
    #[default]
    Good,
    Fails,
    Panics,
    /// Never reports anything, until it is told to begin well after all.
    Hangs,
}

/// How an incarnation ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    Panic,
    Error,
    Finish,
    /// Its life apart from its server.
    Life,
}

/// A service and the strings it is pulled by.
#[derive(Clone, Default)]
pub(crate) struct Stage {
    pub(crate) log: Log,
    start: Arc<Mutex<Start>>,
    built: Arc<Mutex<Vec<Instant>>>,
    /// Into the newest incarnation.
    kill: Arc<Mutex<Option<mpsc::Sender<Kill>>>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        quiet();
        Stage::default()
    }

    pub(crate) fn next_starts(&self, start: Start) {
        *self.start.lock().unwrap() = start;
    }

    /// Ends the newest incarnation.
    pub(crate) fn kill(&self, how: Kill) {
        self.kill.lock().unwrap().as_ref().unwrap().try_send(how).unwrap();
    }

    fn start(&self) -> Start {
        *self.start.lock().unwrap()
    }

    /// When each incarnation was built.
    pub(crate) fn built(&self) -> Vec<Instant> {
        self.built.lock().unwrap().clone()
    }

    pub(crate) fn spec(&self, name: &'static str) -> ServiceSpec {
        let stage = self.clone();
        let run = factory(move |incarnation| {
            let stage = stage.clone();
            async move { stage.run(incarnation).await }
        });
        let delay_min = Duration::from_millis(20);
        let intensity = Rule { delay_min, ..Rule::default() };
        ServiceSpec { intensity, ..ServiceSpec::new(name, (LOCAL, 0).into(), run) }
    }

    async fn run(&self, incarnation: Incarnation) -> Result<(), Failure> {
        self.built.lock().unwrap().push(Instant::now());
        match self.start() {
            Start::Good | Start::Hangs => {}
            Start::Fails => return Err("no database".into()),
            Start::Panics => panic!("the start panics"),
        }
        while self.start() == Start::Hangs {
            sleep(Duration::from_millis(5)).await;
        }
        let title = incarnation.name;
        let server = server(&incarnation)?;
        let (kill, killed) = mpsc::channel(1);
        *self.kill.lock().unwrap() = Some(kill);
        let end = self.serve(incarnation, server, killed).await;
        self.note(format!("{title} down"));
        end
    }

    async fn serve(
        &self,
        incarnation: Incarnation,
        server: Server,
        mut killed: mpsc::Receiver<Kill>,
    ) -> Result<(), Failure> {
        let handle = server.handle();
        let mut server = pin!(server);
        // The first poll starts workers and acceptor.
        let first = std::future::poll_fn(|task| Poll::Ready(server.as_mut().poll(task))).await;
        if let Poll::Ready(end) = first {
            return Ok(end?);
        }
        self.note(format!("{} up", incarnation.name));
        incarnation.up(Handle(handle));
        loop {
            let how = tokio::select! {
                end = server.as_mut() => return Ok(end?),
                Some(how) = killed.recv() => how,
            };
            match how {
                Kill::Panic => panic!("killed by the test"),
                Kill::Error => return Err("the database is gone".into()),
                Kill::Finish => return Ok(()),
                Kill::Life => {
                    let life = monitor::spawn(ending_life());
                    incarnation.failing(life.await);
                }
            }
        }
    }

    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }
}

fn server(incarnation: &Incarnation) -> Result<Server, Failure> {
    let (generation, draining) = (incarnation.generation, incarnation.draining.clone());
    let asked = Arc::new(AtomicU64::new(0));
    let app = move || {
        let (draining, asked) = (draining.clone(), asked.clone());
        App::new()
            .wrap_fn(move |request, next| {
                let (answer, draining) = (next.call(request), draining.clone());
                async move {
                    let mut answer = answer.await?;
                    if draining.load(Ordering::Relaxed) {
                        let head = answer.response_mut().head_mut();
                        head.set_connection_type(ConnectionType::Close);
                    }
                    Ok(answer)
                }
            })
            .route("/", web::get().to(move || async move { format!("g{generation}") }))
            .route(
                "/count",
                web::get().to(move || {
                    let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
                    async move { count.to_string() }
                }),
            )
            .route(
                "/slow/{ms}",
                web::get().to(async |ms: web::Path<u64>| {
                    sleep(Duration::from_millis(*ms)).await;
                    "slow"
                }),
            )
            .route(
                "/hang/{ms}",
                web::get().to(async |ms: web::Path<u64>| {
                    std::thread::sleep(Duration::from_millis(*ms));
                    "awake"
                }),
            )
    };
    let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(5);
    Ok(server.listen(incarnation.listen()?)?.run())
}

async fn ending_life() {
    panic!("its life ended")
}

/// What the application has for its servers, too.
struct Handle(ServerHandle);

impl Serving for Handle {
    fn pause(&self) -> BoxFuture<'static, ()> {
        self.0.pause().boxed()
    }

    fn resume(&self) -> BoxFuture<'static, ()> {
        self.0.resume().boxed()
    }

    fn stop(&self, ending: Ending) -> BoxFuture<'static, ()> {
        self.0.stop(ending == Ending::Graceful).boxed()
    }
}

/// Where a service listens.
pub(crate) fn address(registry: &Registry, name: &str) -> SocketAddr {
    registry.get(name).unwrap().address
}

/// Waits until a service's record is as told.
pub(crate) async fn until(
    registry: &Registry,
    name: &str,
    holds: impl Fn(&ServiceRecord) -> bool,
) -> ServiceRecord {
    let mut changes = registry.changes();
    let wait = async {
        loop {
            let record = registry.get(name).unwrap();
            if holds(&record) {
                return record;
            }
            changes.changed().await.unwrap();
        }
    };
    let found = timeout(PATIENCE, wait).await;
    found.unwrap_or_else(|_| panic!("{name} never came to it: {:?}", registry.get(name)))
}

pub(crate) async fn until_state(registry: &Registry, name: &str, state: State) -> ServiceRecord {
    until(registry, name, |record| record.state == state).await
}

/// Panics of incarnations are wanted here: their places are kept, but nobody has to read them.
fn quiet() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            panics::note(info);
            let wanted = std::thread::current().name().is_some_and(|name| name.contains('#'));
            if !wanted {
                usual(info);
            }
        }));
    });
}
