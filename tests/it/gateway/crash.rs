//! Panics and crashes of a service, as the clients of the gateway see them: not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::JoinHandle;

use awc::http::Method;
use busbar::types::ServiceName;
use serde_json::json;

use super::{PATIENT, port};
use crate::support::launch::eventually;
use crate::support::orders::order;
use crate::support::wire::Wire;
use crate::support::{Engine, MONEY, Person, TestSystem, both_engines};

async fn generation(system: &TestSystem, name: ServiceName) -> i64 {
    let asker = Person::anonymous(&system.service_url(name));
    asker.get("/health").await.expect(200)["generation"].as_i64().unwrap()
}

both_engines! {
    with &MONEY;

    /// A panic in a handler is a problem with the request's id; the connection and the service go on.
    async fn a_handler_that_panics_answers_500(system: TestSystem) {
        system.inject(ServiceName::Payments, json!({"kind": "panic_handler"}), 1).await;
        let before = generation(&system, ServiceName::Payments).await;

        let mut wire = Wire::to(port(&system));
        let broken = wire.get("/api/payments");
        let next = wire.get("/api/payments");

        assert_eq!(broken.status(), 500, "{broken:?}");
        assert_eq!(broken.field("content-type"), "application/problem+json");
        let problem: serde_json::Value = serde_json::from_slice(&broken.body).unwrap();
        assert_eq!(problem["code"], "internal");
        assert_eq!(problem["request_id"], broken.field("x-request-id"));
        assert_eq!(next.status(), 401, "{next:?}");
        let panics = "busbar_http_panics_total";
        assert_eq!(system.figure(ServiceName::Payments, panics).await, 1.0);
        assert_eq!(system.figure(ServiceName::Gateway, panics).await, 0.0);
        assert_eq!(generation(&system, ServiceName::Payments).await, before);
    }
}

/// What a client sends next.
type Next = Box<dyn FnMut() -> String + Send>;

/// Clients of the gateway that ask one request after the other.
struct Load {
    goes_on: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(port: u16, clients: Vec<Next>) -> Load {
        let (goes_on, answers) = (Arc::new(AtomicBool::new(true)), Arc::<AtomicUsize>::default());
        let client = |mut next: Next| {
            let (goes_on, answers) = (goes_on.clone(), answers.clone());
            std::thread::spawn(move || {
                let mut bad = Vec::new();
                let mut wire = Wire::to(port);
                while goes_on.load(SeqCst) {
                    let request = next();
                    match wire.send(&request).try_answer() {
                        Some(answer) if matches!(answer.status(), 200 | 201) => {
                            answers.fetch_add(1, SeqCst);
                        }
                        other => {
                            let line = request.lines().next().unwrap_or_default();
                            bad.push(format!("{line}: {other:?}"));
                            wire = Wire::to(port);
                        }
                    }
                }
                bad
            })
        };
        let clients = clients.into_iter().map(client).collect();
        Load { goes_on, answers, clients }
    }

    async fn runs_for(&self, answers: usize) {
        let wanted = self.answers.load(SeqCst) + answers;
        eventually("the load is answered", async || self.answers.load(SeqCst) >= wanted).await;
    }

    /// What was not answered with success.
    fn end(self) -> Vec<String> {
        self.goes_on.store(false, SeqCst);
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

/// Reads, and payments of one cent each under a key of its own.
fn traffic(token: &str, bill: &str, paid: &Arc<AtomicUsize>) -> Vec<Next> {
    let head = |line: &str| {
        format!("{line} HTTP/1.1\r\nhost: busbar\r\nauthorization: Bearer {token}\r\n")
    };
    let read = format!("{}\r\n", head("GET /api/payments"));
    let body = order(bill, 1, "tok_ok").to_string();
    let length = body.len();
    let fields =
        format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    let pay = head("POST /api/payments");
    let reader = || -> Next {
        let read = read.clone();
        Box::new(move || read.clone())
    };
    let payer = || -> Next {
        let (pay, fields, paid) = (pay.clone(), fields.clone(), paid.clone());
        Box::new(move || {
            let key = paid.fetch_add(1, SeqCst);
            format!("{pay}idempotency-key: pay-{key}\r\n{fields}")
        })
    };
    vec![reader(), reader(), payer(), payer(), payer()]
}

/// Incarnations of payments are killed under load: no read and no keyed payment is lost, and none
/// is made twice.
#[actix_web::test]
async fn a_crash_under_load_loses_nothing() {
    // Faults would be counted as restarts that are too many.
    let rules = [PATIENT, ("BUSBAR_SUPERVISION_RESTARTS_MAX", "100")];
    let system = TestSystem::start_with(Engine::Sqlite, &rules).await;
    let alice = system.person("alice").await;
    let bill = system.issued_bill(&alice, 1_000_000).await;
    let paid = Arc::<AtomicUsize>::default();
    let token = alice.token.clone().unwrap();
    let load = Load::start(port(&system), traffic(&token, &bill, &paid));

    let own = Person::anonymous(&system.service_url(ServiceName::Payments));
    for kind in ["panic_thread", "panic_life", "panic_thread", "panic_thread"] {
        let current = generation(&system, ServiceName::Payments).await;
        load.runs_for(30).await;
        system.inject(ServiceName::Payments, json!({"kind": kind}), 1).await;
        eventually("the next incarnation serves", async || {
            let asked = own.try_send(Method::GET, "/health", None).await;
            asked.is_ok_and(|answer| answer.json["generation"].as_i64() > Some(current))
        })
        .await;
    }
    load.runs_for(30).await;

    assert_eq!(load.end(), Vec::<String>::new());
    let paid = i64::try_from(paid.load(SeqCst)).unwrap();
    eventually("the bill knows of each payment once", async || {
        let bill = alice.get(&format!("/api/bills/{bill}")).await.expect(200);
        bill["balance_minor"] == 1_000_000 - paid
    })
    .await;
    system.finish().await;
}

/// More is under way than the budget would have sent again, and nothing of it is lost: it was a fall
/// that cost the answers, not a service that goes on failing.
#[actix_web::test]
async fn all_that_was_under_way_at_a_fall_is_answered() {
    const REQUESTS: u32 = 40;
    let rules = [PATIENT, ("GATEWAY_RETRY_MIN_PER_SEC", "1")];
    let system = TestSystem::start_with(Engine::Sqlite, &rules).await;
    let admin = system.admin().await;
    let delay = json!({"kind": "delay", "milliseconds": 600_000});
    system.inject(ServiceName::Payments, delay, REQUESTS).await;
    let ask = |number: u32| {
        let admin = admin.clone();
        actix_rt::spawn(async move { admin.get(&format!("/api/payments?limit={number}")).await })
    };
    let asked: Vec<_> = (1..=REQUESTS).map(ask).collect();
    eventually("all of them are under way", async || {
        let told = system.caretaker().get("/admin/requests?limit=100").await.expect(200);
        let all = told["requests"].as_array().unwrap();
        all.iter().filter(|it| it["route"] == "/payments").count() == REQUESTS as usize
    })
    .await;

    system.inject(ServiceName::Payments, json!({"kind": "panic_thread"}), 1).await;

    for answer in asked {
        answer.await.unwrap().expect(200);
    }
    system.finish().await;
}
