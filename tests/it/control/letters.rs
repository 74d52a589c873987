//! `/admin/dead-letters`: what was given up, and what somebody decides of it.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use busbar::storage::{self, Database, Statement, StoreError, Target, params};
use busbar::types::{BillId, JobId, ServiceName};
use serde_json::{Value, json};

use crate::support::wire::{Scripted, Then, reply};
use crate::support::{Engine, Person, TestSystem};

const LETTERS: &str = "/admin/dead-letters";
const ISSUED: &str = "busbar.bill.issued.v1";
const VOIDED: &str = "busbar.bill.voided.v1";

/// Stands for analytics: refuses issued bills as long as it is told to.
struct Listener {
    scripted: Scripted,
    refuses: Arc<AtomicBool>,
    /// Kind and subject of what it took in.
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Listener {
    fn start() -> Listener {
        let (refuses, taken) = (Arc::new(AtomicBool::new(true)), Arc::<Mutex<Vec<_>>>::default());
        let (refusing, taking) = (refuses.clone(), taken.clone());
        let scripted = Scripted::start(move |heard, stream| {
            if heard.message.target() != "/internal/events" {
                reply(stream, "{}");
                return Then::Keep;
            }
            let events: Value = serde_json::from_slice(&heard.message.body).unwrap();
            let results = events.as_array().unwrap().iter().map(|event| {
                let text = |member: &str| event[member].as_str().unwrap().to_owned();
                let (kind, subject) = (text("type"), text("subject"));
                if kind == ISSUED && refusing.load(SeqCst) {
                    return json!({"id": event["id"], "result": "refused", "code": "bill_unknown"});
                }
                taking.lock().unwrap().push((kind, subject));
                json!({"id": event["id"], "result": "accepted"})
            });
            reply(stream, &json!({"results": results.collect::<Vec<_>>()}).to_string());
            Then::Keep
        });
        Listener { scripted, refuses, taken }
    }

    /// The kinds of what it took in about a bill.
    fn taken(&self, bill: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let about = taken.iter().filter(|(_, subject)| subject.ends_with(bill));
        about.map(|(kind, _)| kind.clone()).collect()
    }
}

/// The only letter about the bill, as soon as it is there.
async fn letter(system: &TestSystem, caretaker: &Person, bill: &str) -> Value {
    let mut letter = Value::Null;
    let found = async || {
        let told = caretaker.get(&format!("{LETTERS}?service=billing")).await.expect(200);
        let events = told["events"].as_array().unwrap().clone();
        let mut about =
            events.into_iter().filter(|e| e["subject"].as_str().unwrap().ends_with(bill));
        letter = about.next().unwrap_or_default();
        assert!(about.next().is_none(), "{told}");
        letter != Value::Null
    };
    system.eventually("it is given up", found).await;
    letter
}

async fn an_event_is_sent_again_or_never(engine: Engine) {
    let listener = Listener::start();
    let url = listener.scripted.url();
    let system = TestSystem::start_with(engine, &[("ANALYTICS_SERVICE_URL", &url)]).await;
    let (alice, caretaker) = (system.person("alice").await, system.caretaker());
    let first = system.issued_bill(&alice, 1_234).await;
    let second = system.issued_bill(&alice, 500).await;
    let admin = system.admin().await;
    for bill in [&first, &second] {
        admin.post(&format!("/api/bills/{bill}/void"), json!({})).await.expect(200);
    }

    let again = letter(&system, &caretaker, &first).await;
    assert_eq!(
        (&again["listener"], &again["kind"], &again["error"], &again["service"]),
        (&json!("analytics"), &json!(ISSUED), &json!("bill_unknown"), &json!("billing"))
    );
    assert!(!again.to_string().contains("1234"), "what it says is not shown: {again}");
    let never = letter(&system, &caretaker, &second).await;
    assert_eq!((listener.taken(&first), listener.taken(&second)), (vec![], vec![]));

    let none = never["retry"].as_str().unwrap().replace("analytics", "webhooks");
    caretaker.post(&none, json!({})).await.expect_problem(404, "letter_unknown");
    let nowhere = never["retry"].as_str().unwrap().replace("/billing/", "/gateway/");
    caretaker.post(&nowhere, json!({})).await.expect_problem(404, "service_unknown");

    let discard = never["discard"].as_str().unwrap();
    assert_eq!(caretaker.post(discard, json!({})).await.status, 204);
    let rest = async || listener.taken(&second) == [VOIDED];
    system.eventually("what it held back", rest).await;

    listener.refuses.store(false, SeqCst);
    let retry = again["retry"].as_str().unwrap();
    assert_eq!(caretaker.post(retry, json!({})).await.status, 204);
    let both = async || listener.taken(&first) == [ISSUED, VOIDED];
    system.eventually("both, in order", both).await;
    for path in [retry, discard] {
        caretaker.post(path, json!({})).await.expect_problem(404, "letter_unknown");
    }
    let trail = system.trail();
    let outcomes = |command: &str| {
        let of = trail.iter().filter(|entry| entry["command"] == command);
        of.map(|entry| entry["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes("event_discard"), ["asked", "done", "asked", "failed: letter_unknown"]);
    assert_eq!(outcomes("event_retry")[2..], ["asked", "done", "asked", "failed: letter_unknown"]);
    system.finish().await;
}

const BURIED: Statement = Statement::new(
    "BURIED",
    "INSERT INTO jobs (id, kind, key, payload, state, due_at, attempts, failures, lease_until,
         error, created_at, finished_at)
     VALUES ($1, $2, $3, '{\"readings\":[]}', 'dead', 0, 20, 20, 0, 'utilities_unavailable', 0, 1)",
);
const STATE: Statement = Statement::new("STATE", "SELECT state AS value FROM jobs WHERE id = $1");

/// On a server, whose database can be looked into from outside.
#[actix_web::test]
async fn a_job_is_tried_again_or_never() {
    let system = TestSystem::start(Engine::Postgres).await;
    let (again, never) = (JobId::new(), JobId::new());
    let target = Target::parse(&system.database_url(ServiceName::Billing), None).unwrap();
    let books = Database::open("billing", &target, &storage::Settings::default()).await.unwrap();
    let buried = books.transaction(async |tx| {
        for id in [again, never] {
            let bill = BillId::new();
            let values = params![id, "billing.pin_readings", bill];
            tx.execute(BURIED, values).await?;
        }
        Ok::<_, StoreError>(())
    });
    buried.await.unwrap();

    let caretaker = system.caretaker();
    let told = caretaker.get(LETTERS).await.expect(200);
    let jobs = told["jobs"].as_array().unwrap();
    let ids: Vec<_> = jobs.iter().map(|job| job["id"].clone()).collect();
    assert_eq!(json!(ids), json!([again, never]), "{told}");
    assert_eq!(
        (&jobs[0]["kind"], &jobs[0]["attempts"]),
        (&json!("billing.pin_readings"), &json!(20))
    );
    let one = caretaker.get(&format!("{LETTERS}?limit=1")).await.expect(200);
    assert_eq!((one["jobs"].as_array().unwrap().len(), &one["has_more"]), (1, &json!(["billing"])));
    assert_eq!((&told["has_more"], &told["unavailable"]), (&json!([]), &json!([])));
    for (job, fate) in [(0, "retry"), (1, "discard")] {
        let path = jobs[job][fate].as_str().unwrap();
        assert_eq!(caretaker.post(path, json!({})).await.status, 204);
        caretaker.post(path, json!({})).await.expect_problem(404, "letter_unknown");
    }
    assert_eq!(caretaker.get(LETTERS).await.expect(200)["jobs"], json!([]));
    let done = async || system.figure(ServiceName::Billing, "busbar_jobs_dead").await == 0.0;
    system.eventually("nobody is called", done).await;
    const TRIED: &str = "busbar_jobs_ended_total{kind=\"billing.pin_readings\"";
    let tried = async || system.figure(ServiceName::Billing, TRIED).await == 1.0;
    system.eventually("it was tried", tried).await;
    for id in [again, never] {
        let (state,): (String,) = books.one(STATE, params![id]).await.unwrap();
        assert_eq!(state, "done");
    }
    books.close().await;
    system.finish().await;
}

#[actix_web::test]
async fn an_event_on_sqlite() {
    an_event_is_sent_again_or_never(Engine::Sqlite).await;
}

#[actix_web::test]
async fn an_event_on_postgres() {
    an_event_is_sent_again_or_never(Engine::Postgres).await;
}
