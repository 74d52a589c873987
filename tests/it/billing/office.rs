//! Billing alone behind a real HTTP server, on either engine. The test stands for the others:
//! it signs the tokens of people and services, and says what payments would say.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Data};
use busbar::events::inbox::{self, Consumer, Inbox};
use busbar::events::{self, Event};
use busbar::faults::Failpoints;
use busbar::jobs;
use busbar::services::billing::{Billing, Settings};
use busbar::services::{Peers, Service, Setup};
use busbar::storage::{self, Database, Target, Transaction};
use busbar::types::{Clock, EventId, PaymentId, UserId};
use busbar_http::caller::{AUDIENCE_API, FetchKeys, ISSUER, UserClaims, Verifier};
use busbar_http::client::in_name_of;
use busbar_http::token::{KeySet, PrivateKey};
use busbar_http::{Health, Kit, Limits, Metrics, Peer, Problem, Role, Routes, ServiceKey, about};
use serde_json::{Value, json};

use super::neighbours::Neighbours;
pub(crate) use crate::support::orders::draft;
use crate::support::postgres::{self, free_port};
use crate::support::system::fresh_folder;
use crate::support::{Answer, Engine, Person};

/// Makes a test for each engine: `on_both! { async fn name(office: Office) { … } }`.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($office:ident: Office) $body:block)+) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use $crate::support::Engine;

            async fn check($office: Office) $body

            #[actix_rt::test]
            async fn sqlite() {
                let office = Office::open(Engine::Sqlite).await;
                check(office.clone()).await;
                office.close().await;
            }

            #[actix_rt::test]
            async fn postgres() {
                let office = Office::open(Engine::Postgres).await;
                check(office.clone()).await;
                office.close().await;
            }
        }
    )+ };
}
pub(crate) use on_both;

/// The service as the inbox sees it.
struct Listener(Data<Billing>);

impl Consumer for Listener {
    async fn on_event(&self, tx: &mut Transaction<'_>, event: &Event) -> Result<(), Problem> {
        self.0.on_event(tx, event).await
    }
}

#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    /// Where billing is.
    pub(crate) url: String,
    /// Utilities and documents, as the test has them.
    pub(crate) neighbours: Arc<Neighbours>,
    key: PrivateKey,
    service_key: Arc<ServiceKey>,
    server: ServerHandle,
    folder: PathBuf,
    pub(crate) metrics: Metrics,
}

fn seconds() -> i64 {
    Clock::system().now().seconds()
}

impl Office {
    pub(crate) async fn open(engine: Engine) -> Office {
        let folder = fresh_folder();
        let target = match engine {
            Engine::Sqlite => Target::file(&folder, "billing"),
            Engine::Postgres => Target::parse(&postgres::database("billing"), None).unwrap(),
        };
        let settings = storage::Settings::default();
        let database = Database::open("billing", &target, &settings).await.unwrap();
        let common = [events::SCRIPT, jobs::SCRIPT, jobs::LANES];
        database.migrate(&[&common, Billing::MIGRATIONS].concat()).await.unwrap();
        Office::serve(database, folder, Failpoints::default()).await
    }

    /// Another billing on the same database, that stands still at a failpoint.
    pub(crate) async fn that_stops_at(&self, failpoint: &str) -> Office {
        let failpoints = Failpoints::new(Some(failpoint));
        Office::serve(self.database.clone(), self.folder.clone(), failpoints).await
    }

    async fn serve(database: Database, folder: PathBuf, failpoints: Failpoints) -> Office {
        let (key, clock) = (PrivateKey::from_seed(&[7; 32]).unwrap(), Clock::settable());
        let service_key = Arc::new(ServiceKey::new(key.clone(), Arc::new(seconds)));
        let number_pattern = "{prefix}-{year}-{sequence}".parse().unwrap();
        let settings = Settings { due_days: 15, grace_days: 0, number_pattern };
        let neighbours = Arc::new(Neighbours::start());
        let peers = Peers::new(|_| {
            let name = in_name_of("billing", service_key.clone());
            let base = vec![neighbours.url().parse().unwrap()];
            Peer::new("neighbours", base, &busbar_http::lane::Limits::default(), name)
        });
        let (kept, at) = (database.clone(), clock.clone());
        let setup = Setup { database: kept, clock: at, settings, peers, failpoints };
        let billing = Data::new(Billing::open(setup).await.unwrap());
        let metrics = Metrics::new("billing").unwrap();
        billing.measure(&metrics).unwrap();
        let consumer = Listener(billing.clone());
        let inbox = Inbox::new(database.clone(), clock.clone(), consumer, &metrics).unwrap();
        let inbox = Data::new(inbox);
        let configure = move |config: &mut web::ServiceConfig| {
            config.app_data(billing.clone()).app_data(inbox.clone());
            let hear = about("Hears events").internal();
            let events = Routes::new().post("/internal/events", hear, inbox::receive::<Listener>);
            Billing::routes().and(events).register(config);
        };
        let port = free_port();
        let socket = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let kit = kit(&key, &service_key, &metrics);
        let server = busbar_http::serve(socket, &limits(), kit, configure).unwrap();
        let handle = server.handle();
        actix_rt::spawn(server);
        let url = format!("http://127.0.0.1:{port}");
        let server = handle;
        Office { database, clock, url, neighbours, key, service_key, server, folder, metrics }
    }

    /// Stops its server; the database stays.
    pub(crate) async fn stop(&self) {
        self.server.stop(false).await;
    }

    pub(crate) async fn close(self) {
        self.stop().await;
        self.database.close().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }

    fn somebody(&self, role: Role) -> Person {
        let (id, now) = (UserId::new(), seconds());
        let claims = UserClaims {
            iss: ISSUER.into(),
            aud: AUDIENCE_API.into(),
            sub: id.uuid(),
            sid: UserId::new().uuid(),
            role,
            ver: 0,
            iat: now,
            exp: now + 600,
            jti: UserId::new().uuid(),
        };
        let token = self.key.sign(&claims).unwrap();
        let mut person = Person::with_token(&self.url, &token);
        person.id = id.to_string();
        person
    }

    pub(crate) fn staff(&self) -> Person {
        self.somebody(Role::Operator)
    }

    pub(crate) fn customer(&self) -> Person {
        self.somebody(Role::Customer)
    }

    /// The payments service.
    pub(crate) fn payments(&self) -> Person {
        Person::with_token(&self.url, &self.service_key.issue("payments").unwrap())
    }

    /// A bill of one line, issued: its id.
    pub(crate) async fn issued(&self, owner: &Person, minor: i64) -> String {
        let staff = self.staff();
        let id = self.drafted(&staff, draft(&owner.id, minor)).await;
        staff.keyed(&id).post(&format!("/bills/{id}/issue"), json!({})).await.expect(200);
        id
    }

    pub(crate) async fn drafted(&self, staff: &Person, draft: Value) -> String {
        let bill = staff.post("/bills", draft).await.expect(201);
        bill["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn bill(&self, id: &str) -> Value {
        self.staff().get(&format!("/bills/{id}")).await.expect(200)
    }

    /// Asks to hold a part of a bill for a payment.
    pub(crate) async fn reserve(
        &self,
        payment: PaymentId,
        bill: &str,
        payer: &Person,
        minor: i64,
    ) -> Answer {
        let order = json!({"payment_id": payment, "bill_id": bill, "user_id": payer.id,
            "is_staff": false, "amount_minor": minor, "currency": "USD"});
        self.payments().post("/internal/reservations", order).await
    }

    /// What payments says of a payment: `succeeded`, `failed` or `cancelled`.
    pub(crate) async fn hear(
        &self,
        what: &str,
        payment: PaymentId,
        bill: &str,
        payer: &Person,
        minor: i64,
    ) {
        let result = self.try_hear(what, payment, bill, payer, minor).await;
        assert_eq!(result, "accepted");
    }

    /// As `hear`: what the inbox made of it.
    pub(crate) async fn try_hear(
        &self,
        what: &str,
        payment: PaymentId,
        bill: &str,
        payer: &Person,
        minor: i64,
    ) -> String {
        let subject = format!("payment/{payment}");
        let event = json!([{
            "specversion": "1.0", "id": EventId::new(), "source": "/busbar/payments",
            "type": format!("busbar.payment.{what}.v1"), "subject": subject,
            "time": Clock::system().now(), "datacontenttype": "application/json",
            "dataschema": "/schemas/payment/v1", "sequence": "00000000000000000001",
            "partitionkey": subject, "correlationid": "test", "actor": "system",
            "data": {"payment_id": payment, "user_id": payer.id, "provider_id": "river-power",
                "bill_id": bill, "allocations": [{"bill_id": bill, "amount_minor": minor}],
                "amount_minor": minor, "currency": "USD", "connector": "sim"}
        }]);
        let heard = self.payments().post("/internal/events", event).await.expect(200);
        heard["results"][0]["result"].as_str().unwrap().to_owned()
    }

    /// Names of all events that were said of a bill, in their order.
    pub(crate) async fn said(&self, bill: &str) -> Vec<String> {
        let path = format!("/bills/{bill}/events?limit=100");
        let history = self.staff().get(&path).await.expect(200);
        let names = history["data"].as_array().unwrap().iter();
        names.map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    }

    /// What somebody owes: open, reserved and unapplied minor units of US dollars.
    pub(crate) async fn balance(&self, owner: &Person) -> (i64, i64, i64) {
        let path = format!("/internal/balances?user_id={}", owner.id);
        let balances = self.payments().get(&path).await.expect(200);
        let usd = &balances["balances"][0];
        let minor = |name: &str| usd[name].as_i64().unwrap_or(0);
        (minor("open_minor"), minor("reserved_minor"), minor("unapplied_minor"))
    }
}

fn limits() -> Limits {
    let second = std::time::Duration::from_secs(1);
    Limits {
        workers: 2,
        keep_alive: 5 * second,
        client_request_timeout: 5 * second,
        drain: second,
        connections_max: 1024,
        body_bytes_max: 1 << 20,
    }
}

fn kit(key: &PrivateKey, service_key: &Arc<ServiceKey>, metrics: &Metrics) -> Kit {
    let set = KeySet { keys: vec![key.public()] };
    let fetch: FetchKeys = Arc::new(move || {
        let set = set.clone();
        Box::pin(async move { Ok(set) })
    });
    Kit {
        metrics: metrics.clone(),
        health: Data::new(Health::new("billing", 1, Arc::default(), Vec::new())),
        draining: Arc::default(),
        verifier: Some(Arc::new(Verifier::new(fetch, Arc::new(seconds)))),
        service_key: Some(service_key.clone()),
        before: None,
        at_once: None,
        document: "{}".into(),
        figures: None,
    }
}
