//! A listener behind a real HTTP server, and relays that carry events to it.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use actix::Addr;
use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer, web};
use busbar::events::carry::{self, Carry};
use busbar::events::inbox::{self, Consumer, Inbox};
use busbar::events::meters::Meters;
use busbar::events::relay::Relay;
use busbar::events::round::{Road, Rule};
use busbar::events::{Event, debts};
use busbar::storage::{Database, Script, Transaction, params, sql};
use busbar::types::{Backoff, Clock, ServiceName};
use busbar_actors::monitor::{self, Monitored};
use busbar_http::client::in_name_of;
use busbar_http::token::PrivateKey;
use busbar_http::{Metrics, Peer, Problem, ServiceKey};

use super::stage::{BILLING, Stage};
use crate::support::postgres::free_port;

const EFFECTS: Script = Script {
    version: 100,
    name: "effects",
    text: "CREATE TABLE effects (id TEXT NOT NULL PRIMARY KEY, subject TEXT NOT NULL,
                                 step BIGINT NOT NULL, place BIGINT NOT NULL UNIQUE);",
};

sql! {
    EFFECT = "INSERT INTO effects (id, subject, step, place)
              SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), COUNT(*) + 1
              FROM effects";
    STEPS = "SELECT step AS value FROM effects WHERE subject = $1 ORDER BY place";
    ALL = "SELECT COUNT(*) AS value FROM effects";
}

/// Steps that a listener does not take: refused, failed, panicked, far too slow.
pub(crate) const REFUSED: i64 = 400;
pub(crate) const FAILED: i64 = 500;
pub(crate) const PANICKED: i64 = 666;

/// Writes down each step that it hears, unless it is one of those above and it is strict.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) database: Database,
    pub(crate) is_strict: Arc<AtomicBool>,
    pub(crate) port: u16,
    key: Arc<ServiceKey>,
}

impl Consumer for Listener {
    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        let step = event.data["step"].as_i64().unwrap();
        tx.execute(EFFECT, params![event.id, event.subject, step]).await?;
        match step {
            _ if !self.is_strict.load(SeqCst) => Ok(()),
            REFUSED => Err(Problem::field("/step", "step_unknown", "no such step")),
            FAILED => Err(Problem::internal("not now")),
            PANICKED => panic!("a step too far"),
            _ => Ok(()),
        }
    }
}

impl Listener {
    /// Its database is the stage's; `start` opens its port.
    pub(crate) async fn new(stage: &Stage) -> Listener {
        stage.database.migrate(&[EFFECTS]).await.unwrap();
        let key = PrivateKey::from_seed(&[7; 32]).unwrap();
        let now = Arc::new(|| Clock::system().now().seconds());
        Listener {
            database: stage.database.clone(),
            is_strict: Arc::new(AtomicBool::new(true)),
            port: free_port(),
            key: Arc::new(ServiceKey::new(key, now)),
        }
    }

    pub(crate) fn start(&self) -> ServerHandle {
        let listener = self.clone();
        let server = HttpServer::new(move || {
            let consumer = listener.clone();
            let database = listener.database.clone();
            let metrics = Metrics::new("listener").unwrap();
            let inbox = Inbox::new(database, Clock::system(), consumer, &metrics).unwrap();
            App::new()
                .app_data(listener.key.clone())
                .app_data(Data::new(inbox))
                .route(carry::PATH, web::post().to(inbox::receive::<Listener>))
        });
        let server = server.workers(1).disable_signals();
        let server = server.bind(("127.0.0.1", self.port)).unwrap().run();
        let handle = server.handle();
        actix_rt::spawn(server);
        handle
    }

    pub(crate) fn peer(&self) -> Peer {
        self.peer_at(self.port, "billing")
    }

    pub(crate) fn peer_at(&self, port: u16, from: &'static str) -> Peer {
        let base = format!("http://127.0.0.1:{port}").parse().unwrap();
        let name = in_name_of(from, self.key.clone());
        Peer::new("analytics", vec![base], &busbar_http::lane::Limits::default(), name)
    }

    /// What it did for a bill, in the order in which it did it.
    pub(crate) async fn steps(&self, bill_id: &str) -> Vec<i64> {
        let subject = format!("bill/{bill_id}");
        let rows: Vec<(i64,)> = self.database.all(STEPS, params![subject]).await.unwrap();
        rows.into_iter().map(|(step,)| step).collect()
    }

    pub(crate) async fn effects(&self) -> i64 {
        self.database.one::<(i64,)>(ALL, params![]).await.unwrap().0
    }
}

/// The bounds of a relay for tests: short waits.
pub(crate) fn rule() -> Rule {
    let brief = Backoff { floor_ms: 5, ceiling_ms: 40 };
    Rule {
        poll: Duration::from_millis(50),
        rest: brief,
        postpone: brief,
        refusals_max: 3,
        upkeep: Duration::from_millis(100),
        ..Rule::default()
    }
}

pub(crate) fn by_http(peers: impl IntoIterator<Item = (ServiceName, Peer)>) -> Carry {
    carry::by_peers(HashMap::from_iter(peers), rule().request)
}

pub(crate) struct Running {
    pub(crate) relay: Addr<Relay>,
    pub(crate) metrics: Metrics,
    life: Monitored,
}

/// A relay of billing's events.
pub(crate) fn relay(database: &Database, carry: Carry, rule: Rule) -> Running {
    let metrics = Metrics::new("billing").unwrap();
    let meters = Meters::register(&metrics).unwrap();
    let (database, clock) = (database.clone(), Clock::system());
    let road = Road { source: BILLING, database, clock, carry, meters, rule };
    let (relay, life) = monitor::actor(Relay::new(road));
    Running { relay, metrics, life }
}

impl Running {
    /// As a panic in it would.
    pub(crate) async fn fall(self) {
        self.life.abort();
        self.life.await;
    }
}

/// What is still owed to a listener.
pub(crate) async fn owed(stage: &Stage, listener: &str) -> i64 {
    let backlog = debts::backlog(&stage.database).await.unwrap();
    backlog.iter().filter(|owed| owed.listener == listener).map(|owed| owed.pending).sum()
}

/// A port that takes connections and never answers.
pub(crate) fn silent() -> (TcpListener, u16) {
    let port = free_port();
    (TcpListener::bind(("127.0.0.1", port)).unwrap(), port)
}
