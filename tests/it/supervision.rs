//! Services that fall: they come back on the same socket, and the others never notice.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::JoinHandle;
use std::time::Duration;

use busbar::types::ServiceName;
use serde_json::json;

use crate::support::launch::eventually;
use crate::support::orders::order;
use crate::support::{Engine, TestSystem, both_engines};

/// Clients that ask again and again, each time on a new connection.
struct Load {
    goes_on: Arc<AtomicBool>,
    counts: Arc<Counts>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    refused: AtomicU64,
    /// Accepted, then cut without an answer.
    cut: AtomicU64,
}

impl Load {
    fn on(port: u16, clients: usize) -> Load {
        let (goes_on, counts) = (Arc::new(AtomicBool::new(true)), Arc::<Counts>::default());
        let client = |_| {
            let (goes_on, counts) = (goes_on.clone(), counts.clone());
            std::thread::spawn(move || {
                while goes_on.load(SeqCst) {
                    ask(([127, 0, 0, 1], port).into(), &counts);
                }
            })
        };
        let clients = (0..clients).map(client).collect();
        Load { goes_on, counts, clients }
    }

    fn answered(&self) -> u64 {
        self.counts.answered.load(SeqCst)
    }

    /// Waits for as many answers more.
    async fn runs_for(&self, answers: u64) {
        let wanted = self.answered() + answers;
        eventually("the load is answered", async || self.answered() >= wanted).await;
    }

    fn end(self) -> Arc<Counts> {
        self.goes_on.store(false, SeqCst);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
        self.counts
    }
}

fn ask(address: SocketAddr, counts: &Counts) {
    let request = b"GET /health/live HTTP/1.1\r\nhost: busbar\r\nconnection: close\r\n\r\n";
    let exchange = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok::<_, std::io::Error>(answer.starts_with(b"HTTP/1.1 200"))
    };
    let count = match exchange() {
        Ok(true) => &counts.answered,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => &counts.refused,
        Ok(false) | Err(_) => &counts.cut,
    };
    count.fetch_add(1, SeqCst);
}

/// Which incarnation answers; 0 when none does at this moment.
async fn generation(system: &TestSystem, name: ServiceName) -> i64 {
    let asker = system.anonymous().at(&system.service_url(name));
    match asker.try_send(awc::http::Method::GET, "/health", None).await {
        Ok(answer) => answer.json["generation"].as_i64().unwrap_or_default(),
        Err(_) => 0,
    }
}

/// A crash of the whole incarnation costs what it had in hand, and refuses nobody.
#[actix_web::test]
async fn a_crashed_service_comes_back_on_the_same_socket() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let load = Load::on(system.port(ServiceName::Payments), 4);
    load.runs_for(200).await;
    for crash in 1..=3 {
        system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;
        let back = async || generation(&system, ServiceName::Payments).await > crash;
        system.eventually("the next incarnation serves", back).await;
        load.runs_for(200).await;
    }
    let counts = load.end();
    assert_eq!(counts.refused.load(SeqCst), 0);

    system.wait_for_log("an injected panic of the incarnation").await;
    let restarts = system.figure(ServiceName::Payments, "busbar_actor_restarts_total").await;
    assert_eq!(restarts, 3.0);
    for name in ServiceName::ALL.into_iter().filter(|name| *name != ServiceName::Payments) {
        let restarts = system.figure(name, "busbar_actor_restarts_total").await;
        assert_eq!(restarts, 0.0, "{name} was restarted too");
    }
    system.finish().await;
}

/// A service whose life has died is replaced while its HTTP goes on: nothing is lost at all.
#[actix_web::test]
async fn a_dead_life_is_replaced_without_a_lost_request() {
    let system = TestSystem::start(Engine::Sqlite).await;
    let load = Load::on(system.port(ServiceName::Payments), 4);
    load.runs_for(100).await;
    for death in 1..=3 {
        system.inject(ServiceName::Payments, json!({"kind": "panic_life"}), 1).await;
        let back = async || generation(&system, ServiceName::Payments).await > death;
        system.eventually("the next incarnation serves", back).await;
        load.runs_for(300).await;
    }
    let counts = load.end();
    assert_eq!((counts.refused.load(SeqCst), counts.cut.load(SeqCst)), (0, 0));
    system.finish().await;
}

/// A service that keeps falling is given up: its port is closed, `/health` says why, the others
/// go on.
#[actix_web::test]
async fn six_failures_in_a_minute_are_enough() {
    let system = TestSystem::start(Engine::Sqlite).await;
    system.inject(ServiceName::Payments, json!({"kind": "fail_start"}), 1000).await;
    system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;

    let port = system.port(ServiceName::Payments);
    let refused = async || {
        let error = TcpStream::connect(("127.0.0.1", port)).err();
        error.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    };
    system.eventually("the port is closed", refused).await;
    let told = async || {
        let health = system.anonymous().get("/health").await.expect(200);
        let services = health["services"].as_array().unwrap().clone();
        let payments = services.iter().find(|service| service["service"] == "payment").unwrap();
        let reason = payments["reason"].as_str().unwrap_or_default();
        payments["status"] == "DOWN" && reason.contains("an injected failure to start")
    };
    system.eventually("the gateway tells why", told).await;

    assert!(system.is_running());
    let starts = |line: &String| line.contains("payments#") && line.contains("an injected failure");
    assert!(system.log().iter().filter(|line| starts(line)).count() >= 5);
    let others = ServiceName::ALL.into_iter().filter(|name| *name != ServiceName::Payments);
    for name in others {
        let restarts = system.figure(name, "busbar_actor_restarts_total").await;
        assert_eq!(restarts, 0.0, "{name} was restarted too");
    }
    let answer = system.admin().await.get("/api/payments").await;
    assert_eq!(answer.status, 503, "{answer}");
}

/// A service alone answers on its port; the ports of the others stay closed.
#[actix_web::test]
async fn a_subset_opens_its_own_ports_only() {
    let system = TestSystem::prepare(Engine::Sqlite);
    let hosted = [ServiceName::Gateway, ServiceName::Payments];
    system.spawn(&hosted, &[]);
    system.ready(&hosted).await;
    for name in ServiceName::ALL {
        let is_open = TcpStream::connect(("127.0.0.1", system.port(name))).is_ok();
        assert_eq!(is_open, hosted.contains(&name), "{name}");
    }
    let degraded = async || {
        let health = system.anonymous().get("/health").await.expect(200);
        let status = |word: &str| {
            let services = health["services"].as_array().unwrap();
            let service = services.iter().find(|service| service["service"] == word).unwrap();
            service["status"].as_str().unwrap().to_owned()
        };
        status("billing") == "DOWN" && status("payment") == "UP" && health["overall"] == "DEGRADED"
    };
    system.eventually("the gateway sees who is there", degraded).await;
}

both_engines! {
    /// Nine processes, one service each, by settings only.
    async fn nine_processes_tell_the_same_story(system: TestSystem) {
        system.kill();
        for name in ServiceName::ALL {
            system.spawn(&[name], &[]);
        }
        system.ready(&ServiceName::ALL).await;
        let alice = system.person("alice").await;
        let bill = system.issued_bill(&alice, 4496).await;
        let paid = alice.keyed("k").post("/api/payments", order(&bill, 4496, "tok_ok")).await;
        assert_eq!(paid.expect(201)["status"], "succeeded");
        system.eventually("the bill is paid", async || {
            alice.get(&format!("/api/bills/{bill}")).await.expect(200)["status"] == "paid"
        }).await;
    }
}
